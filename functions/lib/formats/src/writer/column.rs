//! One column of the open row group.

use super::cells::{Cells, ColumnType, Text};
use super::compressor::PageCompressor;
use super::dictionary::{self, Dictionary};
use super::file::Field;
use super::levels::Levels;
use super::statistics::Ranges;
use crate::error::Result;
use parquet::basic::Encoding;
use std::ops::Range;

/// Rows of a page at most, however small they are.
const MAX_PAGE_ROWS: usize = 64 << 10;

/// Which of a column's pages.
#[derive(Clone, Copy)]
pub(super) enum PageId {
    Dictionary,
    Data(usize),
}

/// An encoded page.
pub(super) struct Page {
    pub(super) kind: PageKind,
    pub(super) encoding: Encoding,
    pub(super) uncompressed_bytes: usize,
    /// Where it is among the row group's compressed pages; empty until it is there.
    pub(super) compressed: Range<usize>,
}

#[derive(Clone, Copy)]
pub(super) enum PageKind {
    Dictionary { entries: usize },
    Data { rows: usize },
}

/// How a column's cells become pages.
enum Encoder {
    /// Text, of which too little has been seen to know whether a dictionary pays.
    Undecided,
    Plain,
    Dictionary(Dictionary),
    /// The row group has a dictionary that has outgrown its use.
    Outgrown(Dictionary),
}

impl Encoder {
    fn of(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Text | ColumnType::Json => Self::Undecided,
            _ => Self::Plain,
        }
    }
}

pub(crate) struct Column {
    index: usize,
    kind: ColumnType,
    /// There were only nulls so far, which are of any type.
    is_open: bool,
    is_nullable: bool,
    cells: Cells,
    levels: Levels,
    encoder: Encoder,
    chunk: Chunk,
    /// Cells that are null or a text of no characters, of those that are in pages.
    empty: u64,
}

/// A column's part of a row group.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) dictionary: Option<Page>,
    pub(super) pages: Vec<Page>,
    pub(super) rows: usize,
    pub(super) nulls: usize,
    pub(super) ranges: Ranges,
}

impl Page {
    fn new(kind: PageKind, encoding: Encoding, body: &[u8]) -> Self {
        Self { kind, encoding, uncompressed_bytes: body.len(), compressed: 0..0 }
    }
}

impl Column {
    pub(super) fn new(index: usize, field: &Field<'_>) -> Self {
        let Field { kind, is_open, is_nullable, has_long, .. } = *field;
        Self {
            index,
            kind,
            is_open,
            is_nullable,
            cells: Cells::new(kind, has_long),
            levels: Levels::default(),
            encoder: Encoder::of(kind),
            chunk: Chunk::default(),
            empty: 0,
        }
    }

    /// How many of the cells in pages are null, or a text of no characters.
    pub(super) fn empty(&self) -> u64 {
        self.empty
    }

    pub(crate) fn kind(&self) -> ColumnType {
        self.kind
    }

    /// Gives the column the type of its first value, unless it has had one.
    #[inline]
    pub(crate) fn settle(&mut self, kind: ColumnType, is_long: bool) {
        if std::mem::take(&mut self.is_open) {
            (self.kind, self.cells, self.encoder) = (kind, Cells::new(kind, is_long), Encoder::of(kind));
        }
    }

    /// The texts of a column that has one in every row.
    #[inline]
    pub(crate) fn texts(&mut self) -> Option<&mut Text> {
        match &mut self.cells {
            Cells::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The cells to which the value of row `row` is appended, in a column that may
    /// have nulls. Rows without a value before it become null.
    #[inline]
    pub(crate) fn value(&mut self, row: usize) -> &mut Cells {
        self.fill(row);
        self.levels.push();
        &mut self.cells
    }

    /// Completes the levels up to so many rows: with nulls, or in a column without nulls as present.
    #[inline]
    fn fill(&mut self, rows: usize) {
        let missing = rows - self.chunk.rows - self.levels.rows();
        if missing > 0 && self.is_nullable {
            self.levels.push_nulls(missing);
        } else if missing > 0 {
            self.levels.push_present(missing);
        }
    }

    /// Encodes a page, if there are cells for one of `page_bytes`.
    pub(super) fn flush_full_pages(
        &mut self,
        rows: usize,
        page_bytes: usize,
        compressor: &mut PageCompressor,
    ) -> Result<()> {
        self.fill(rows);
        let has_rows = self.levels.rows() >= MAX_PAGE_ROWS;
        if has_rows || self.cells.bytes() >= page_bytes {
            self.page(compressor, has_rows, page_bytes)?;
        }
        Ok(())
    }

    /// Encodes the rest of a row group of so many rows.
    pub(super) fn end(&mut self, rows: usize, compressor: &mut PageCompressor) -> Result<()> {
        self.fill(rows);
        if self.levels.rows() > 0 {
            self.page(compressor, true, 0)?;
        }
        self.submit_dictionary(compressor)
    }

    /// Encodes a page of the cells. Where a dictionary pays, they become numbers
    /// first, which are a page only if they have `page_bytes` or `must` be.
    fn page(&mut self, compressor: &mut PageCompressor, must: bool, page_bytes: usize) -> Result<()> {
        if let Cells::Text(text) = &self.cells {
            self.empty += text.lengths().iter().filter(|length| **length == 0).count() as u64;
        }
        if let (Encoder::Undecided, Cells::Text(text)) = (&self.encoder, &self.cells)
            && !text.lengths().is_empty()
        {
            self.encoder =
                if dictionary::pays(text) { Encoder::Dictionary(Dictionary::default()) } else { Encoder::Plain };
        }
        if let (Encoder::Dictionary(dictionary), Cells::Text(text)) = (&mut self.encoder, &self.cells) {
            dictionary.take(text);
            self.cells.clear();
            if !must && !dictionary.is_outgrown() && dictionary.bytes() < page_bytes {
                return Ok(());
            }
        }
        let mut body = compressor.buffer();
        if self.is_nullable {
            self.levels.encode(&mut body);
        }
        let encoding = match &mut self.encoder {
            Encoder::Dictionary(dictionary) if dictionary.has_cells() => {
                dictionary.encode_cells(&mut body);
                if dictionary.is_outgrown() {
                    self.encoder = Encoder::Outgrown(std::mem::take(dictionary));
                }
                Encoding::RLE_DICTIONARY
            }
            // No value of no type.
            _ if self.is_open => Encoding::PLAIN,
            _ => {
                self.chunk.ranges.widen(&self.cells);
                self.cells.encode(&mut body)
            }
        };
        self.cells.clear();
        let rows = self.levels.rows();
        let id = PageId::Data(self.chunk.pages.len());
        self.chunk.pages.push(Page::new(PageKind::Data { rows }, encoding, &body));
        self.chunk.rows += rows;
        self.chunk.nulls += self.levels.nulls();
        self.empty += self.levels.nulls() as u64;
        self.levels.clear();
        compressor.submit((self.index, id), body)
    }

    /// Encodes the dictionary page of the row group, if it has a dictionary.
    fn submit_dictionary(&mut self, compressor: &mut PageCompressor) -> Result<()> {
        let dictionary = match std::mem::replace(&mut self.encoder, Encoder::Plain) {
            Encoder::Dictionary(dictionary) => {
                self.encoder = Encoder::Dictionary(Dictionary::default());
                dictionary
            }
            Encoder::Outgrown(dictionary) => dictionary,
            other => {
                self.encoder = other;
                return Ok(());
            }
        };
        if dictionary.is_empty() {
            return Ok(());
        }
        let mut body = compressor.buffer();
        dictionary.encode_entries(&mut body);
        let entries = dictionary.entries();
        self.chunk.dictionary = Some(Page::new(PageKind::Dictionary { entries }, Encoding::PLAIN, &body));
        compressor.submit((self.index, PageId::Dictionary), body)
    }

    /// Stores where a compressed page is.
    pub(super) fn compressed(&mut self, id: PageId, place: Range<usize>) {
        let page = match id {
            PageId::Dictionary => self.chunk.dictionary.as_mut(),
            PageId::Data(number) => self.chunk.pages.get_mut(number),
        };
        if let Some(page) = page {
            page.compressed = place;
        }
    }

    /// The column's part of the finished row group. Buffers larger than `kept_bytes` are released.
    pub(super) fn take(&mut self, kept_bytes: usize) -> (Chunk, &Cells) {
        self.cells.release(kept_bytes);
        (std::mem::take(&mut self.chunk), &self.cells)
    }
}
