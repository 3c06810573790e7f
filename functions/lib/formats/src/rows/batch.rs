//! Rows of a row group, some at a time.

use super::cell::CellRef;
use super::column::ColumnReader;
use super::fetched::{Fetched, Pages};
use super::stored::Field;
use crate::error::Result;
use std::ops::Range;

/// Some rows one after another.
pub(super) struct Batch {
    pub(super) rows: usize,
    /// In the order of the table's.
    pub(super) columns: Vec<Column>,
}

/// A column of some rows.
pub(super) struct Column {
    pub(super) values: Values,
    /// For each row whether it has a value; empty for a column that is never null.
    pub(super) has_value: Vec<bool>,
}

/// The values of a column, a default one where a row has none.
pub(super) enum Values {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    UInt(Vec<i64>),
    Double(Vec<f64>),
    Text(Texts),
    Json(Texts),
}

/// Texts end to end.
pub(super) struct Texts {
    pub(super) all: String,
    /// Where each ends.
    pub(super) ends: Vec<usize>,
}

impl Texts {
    /// None if a text is not UTF-8.
    pub(super) fn new(bytes: Vec<u8>, ends: Vec<usize>) -> Option<Self> {
        let all = String::from_utf8(bytes).ok()?;
        (all.is_ascii() || ends.iter().all(|end| all.is_char_boundary(*end))).then_some(Self { all, ends })
    }

    #[inline]
    fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start..self.ends[index]]
    }
}

impl Column {
    #[inline]
    pub(super) fn cell(&self, row: usize) -> CellRef<'_> {
        if self.has_value.get(row) == Some(&false) {
            return CellRef::Null;
        }
        match &self.values {
            Values::Bool(values) => CellRef::Bool(values[row]),
            Values::Int(values) => CellRef::Int(values[row]),
            Values::UInt(values) => CellRef::UInt(values[row].cast_unsigned()),
            Values::Double(values) => CellRef::Double(values[row]),
            Values::Text(texts) => CellRef::Text(texts.get(row)),
            Values::Json(texts) => CellRef::Json(texts.get(row)),
        }
    }
}

/// Chosen rows of a row group, so many at a time at most.
pub(super) struct Batches {
    columns: Vec<ColumnReader<Pages>>,
    /// The first row that has neither been taken nor skipped.
    next: usize,
    /// Those that are left, the last first.
    chosen: Vec<Range<usize>>,
    at_once: usize,
}

impl Batches {
    /// `chosen` are rows in order, counted from the start of the row group.
    pub(super) fn new(
        fetched: &Fetched,
        fields: &[Field],
        chosen: impl DoubleEndedIterator<Item = Range<u64>>,
        at_once: usize,
    ) -> Result<Self> {
        let column = |(index, field): (usize, &Field)| {
            Ok(ColumnReader::new(field.kind, field.is_nullable, fetched.pages(index)?))
        };
        let index = |row: u64| usize::try_from(row).unwrap_or(usize::MAX);
        let chosen = chosen.rev().map(|range| index(range.start)..index(range.end)).collect();
        let columns = fields.iter().enumerate().map(column).collect::<Result<_>>()?;
        Ok(Self { columns, next: 0, chosen, at_once })
    }

    fn decode(&mut self, rows: &Range<usize>) -> Result<Batch> {
        let skipped = rows.start - self.next;
        let columns = self.columns.iter_mut().map(|column| Ok(column.take(skipped, rows.len())?));
        let columns = columns.collect::<Result<_>>()?;
        self.next = rows.end;
        Ok(Batch { rows: rows.len(), columns })
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = loop {
            let rest = self.chosen.last_mut()?;
            let rows = rest.start..rest.end.min(rest.start + self.at_once);
            rest.start = rows.end;
            if !rows.is_empty() {
                break rows;
            }
            self.chosen.pop();
        };
        Some(self.decode(&rows))
    }
}
