//! A column of a row group, decoded page by page as rows of it are taken.

use super::batch::{Column, Texts, Values};
use super::cells::{Cells, broken};
use super::fetched::ends_before;
use super::integers::{hybrid, split};
use crate::writer::ColumnType;
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::Result;

pub(super) struct ColumnReader<P> {
    kind: ColumnType,
    is_nullable: bool,
    pages: P,
    dictionary: Option<Cells>,
    page: Decoded,
}

/// A page, of which some rows have been taken.
struct Decoded {
    rows: usize,
    /// For each row whether it has a value; empty if each has.
    has_value: Vec<bool>,
    cells: Cells,
    next_row: usize,
    next_value: usize,
}

impl<P: PageReader> ColumnReader<P> {
    pub(super) fn new(kind: ColumnType, is_nullable: bool, pages: P) -> Self {
        Self { kind, is_nullable, pages, dictionary: None, page: Decoded::new(0, vec![], Cells::none(kind)) }
    }

    /// The next rows but for the first `skipped`.
    pub(super) fn take(&mut self, skipped: usize, rows: usize) -> Result<Column> {
        self.skip(skipped)?;
        let mut taken = Taken::new(self.kind, rows);
        let mut left = rows;
        while left > 0 {
            if self.page.rest() == 0 {
                self.next_page()?;
                continue;
            }
            let rows = left.min(self.page.rest());
            self.page.take(rows, self.dictionary.as_ref(), &mut taken)?;
            left -= rows;
        }
        taken.into_column(self.kind)
    }

    fn skip(&mut self, mut left: usize) -> Result<()> {
        while left > 0 {
            let rows = left.min(self.page.rest());
            self.page.advance(rows);
            left -= rows;
            if left == 0 {
                break;
            }
            let next = self.pages.peek_next_page()?.ok_or_else(ends_before)?;
            match next.num_rows.or(next.num_levels) {
                Some(rows) if rows <= left && !next.is_dict => {
                    self.pages.skip_next_page()?;
                    left -= rows;
                }
                _ => self.next_page()?,
            }
        }
        Ok(())
    }

    /// Decodes the next page, or the dictionary.
    fn next_page(&mut self) -> Result<()> {
        match self.pages.get_next_page()?.ok_or_else(ends_before)? {
            Page::DictionaryPage { buf, num_values, .. } => {
                self.dictionary = Some(Cells::decode(self.kind, Encoding::PLAIN, &buf, num_values as usize, None)?);
            }
            Page::DataPage { buf, num_values, encoding, .. } => {
                let (rows, mut values) = (num_values as usize, &buf[..]);
                let mut levels = &[][..];
                if self.is_nullable {
                    let length = u32::from_le_bytes(split(&mut values, 4)?.try_into().unwrap_or_default());
                    levels = split(&mut values, length as usize)?;
                }
                self.page = self.decode_page(rows, levels, &buf.slice_ref(values), encoding)?;
            }
            Page::DataPageV2 { .. } => return Err(broken("it is of the second version")),
        }
        Ok(())
    }

    fn decode_page(&self, rows: usize, levels: &[u8], values: &Bytes, encoding: Encoding) -> Result<Decoded> {
        let mut has_value = Vec::new();
        if self.is_nullable {
            has_value.extend(hybrid(levels, 1, rows)?.into_iter().map(|level| level > 0));
        }
        let filled = if self.is_nullable { has_value.iter().filter(|has| **has).count() } else { rows };
        let cells = Cells::decode(self.kind, encoding, values, filled, self.dictionary.as_ref())?;
        Ok(Decoded::new(rows, has_value, cells))
    }
}

impl Decoded {
    fn new(rows: usize, has_value: Vec<bool>, cells: Cells) -> Self {
        Self { rows, has_value, cells, next_row: 0, next_value: 0 }
    }

    fn rest(&self) -> usize {
        self.rows - self.next_row
    }

    fn advance(&mut self, rows: usize) {
        let passed = self.has_value.get(self.next_row..self.next_row + rows);
        self.next_value += passed.map_or(rows, |passed| passed.iter().filter(|has| **has).count());
        self.next_row += rows;
    }

    /// The next rows, of which there are as many.
    fn take(&mut self, rows: usize, dictionary: Option<&Cells>, taken: &mut Taken) -> Result<()> {
        let (first_row, first_value) = (self.next_row, self.next_value);
        self.advance(rows);
        let has_value = self.has_value.get(first_row..self.next_row).unwrap_or_default();
        let own = first_value..self.next_value;
        taken.has_value.extend_from_slice(has_value);
        match (&mut taken.values, &self.cells) {
            (Gathered::Bool(all), Cells::Bool(cells)) => spread(&cells[own], has_value, all),
            (Gathered::Int(all), Cells::Int(cells)) => spread(&cells[own], has_value, all),
            (Gathered::Double(all), Cells::Double(cells)) => spread(&cells[own], has_value, all),
            (Gathered::Text(all), Cells::Text(texts)) if texts.are_end_to_end() && has_value.len() <= own.len() => {
                texts.append_to(all, own);
            }
            (Gathered::Text(all), Cells::Text(texts)) => {
                spread_texts(own.map(|index| texts.get(index)), has_value, all);
            }
            (Gathered::Text(all), Cells::Coded(codes)) => {
                let Some(Cells::Text(texts)) = dictionary else {
                    return Err(broken("it has no dictionary"));
                };
                spread_texts(codes[own].iter().map(|code| texts.get(*code as usize)), has_value, all);
            }
            _ => return Err(broken("its values are of another type than the schema says")),
        }
        Ok(())
    }
}

/// What has been taken of a column.
struct Taken {
    has_value: Vec<bool>,
    values: Gathered,
}

enum Gathered {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Double(Vec<f64>),
    Text(Gathering),
}

/// Texts end to end, and where each ends.
type Gathering = (Vec<u8>, Vec<usize>);

impl Taken {
    fn new(kind: ColumnType, rows: usize) -> Self {
        let values = match kind {
            ColumnType::Bool => Gathered::Bool(Vec::with_capacity(rows)),
            ColumnType::Int | ColumnType::UInt => Gathered::Int(Vec::with_capacity(rows)),
            ColumnType::Double => Gathered::Double(Vec::with_capacity(rows)),
            ColumnType::Text | ColumnType::Json => Gathered::Text((vec![], Vec::with_capacity(rows))),
        };
        Self { has_value: vec![], values }
    }

    fn into_column(self, kind: ColumnType) -> Result<Column> {
        let values = match (self.values, kind) {
            (Gathered::Bool(values), _) => Values::Bool(values),
            (Gathered::Int(values), ColumnType::UInt) => Values::UInt(values),
            (Gathered::Int(values), _) => Values::Int(values),
            (Gathered::Double(values), _) => Values::Double(values),
            (Gathered::Text((bytes, ends)), kind) => {
                let texts = Texts::new(bytes, ends).ok_or_else(|| broken("a text is not UTF-8"))?;
                if kind == ColumnType::Json { Values::Json(texts) } else { Values::Text(texts) }
            }
        };
        Ok(Column { values, has_value: self.has_value })
    }
}

/// Appends the values, and a default one for each row that has none.
fn spread<T: Copy + Default>(values: &[T], has_value: &[bool], all: &mut Vec<T>) {
    if has_value.len() <= values.len() {
        all.extend_from_slice(values);
        return;
    }
    let mut values = values.iter();
    all.extend(
        has_value.iter().map(|has| if *has { values.next().copied().unwrap_or_default() } else { T::default() }),
    );
}

/// The same of texts.
fn spread_texts<'a>(mut texts: impl Iterator<Item = &'a [u8]>, has_value: &[bool], (bytes, ends): &mut Gathering) {
    let mut add = |text: Option<&[u8]>| {
        bytes.extend_from_slice(text.unwrap_or_default());
        ends.push(bytes.len());
    };
    if has_value.is_empty() {
        texts.for_each(|text| add(Some(text)));
    } else {
        has_value.iter().for_each(|has| add(if *has { texts.next() } else { None }));
    }
}

#[cfg(test)]
mod tests;
