//! One column of the row group that is open.

use super::cells::{Cells, ColumnType, Text};
use super::compressor::PageCompressor;
use super::dictionary::{self, Dictionary};
use super::file::Field;
use super::levels::Levels;
use super::statistics::Ranges;
use crate::error::Result;
use parquet::basic::Encoding;
use std::ops::Range;

/// A page ends when it has this many rows, however small they are.
const MAX_PAGE_ROWS: usize = 64 << 10;

/// What stands for the dictionary's page among the numbers of pages.
const DICTIONARY: usize = usize::MAX;

/// An encoded page.
pub(super) struct Page {
    pub(super) rows: usize,
    /// Rows, or the entries of a dictionary.
    pub(super) values: usize,
    pub(super) encoding: Encoding,
    pub(super) uncompressed_bytes: usize,
    /// Where it is among the row group's compressed pages; empty until it is there.
    pub(super) compressed: Range<usize>,
}

impl Page {
    pub(super) fn is_dictionary(&self) -> bool {
        self.rows == 0
    }
}

pub(crate) struct Column {
    index: usize,
    kind: ColumnType,
    is_nullable: bool,
    cells: Cells,
    levels: Levels,
    dictionary: Dictionary,
    /// Whether a dictionary pays, once the first cells have been seen.
    dictionary_pays: Option<bool>,
    chunk: Chunk,
}

/// What a column has of a row group.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) dictionary: Option<Page>,
    pub(super) pages: Vec<Page>,
    pub(super) rows: usize,
    pub(super) nulls: usize,
    pub(super) ranges: Ranges,
}

impl Column {
    pub(super) fn new(index: usize, field: &Field<'_>) -> Self {
        let Field { kind, is_nullable, has_long, .. } = *field;
        Self {
            index,
            kind,
            is_nullable,
            cells: Cells::new(kind, has_long),
            levels: Levels::default(),
            dictionary: Dictionary::default(),
            dictionary_pays: if matches!(kind, ColumnType::Text | ColumnType::Json) { None } else { Some(false) },
            chunk: Chunk::default(),
        }
    }

    pub(crate) fn kind(&self) -> ColumnType {
        self.kind
    }

    /// The texts of a column that has one in every row.
    #[inline]
    pub(crate) fn texts(&mut self) -> Option<&mut Text> {
        match &mut self.cells {
            Cells::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Where the value of row `row` of the row group goes, in a column that
    /// may have nulls; rows that had none before it get theirs.
    #[inline]
    pub(crate) fn value(&mut self, row: usize) -> &mut Cells {
        self.fill(row);
        self.levels.push();
        &mut self.cells
    }

    /// Fills up to so many rows of the row group: with nulls, or where there
    /// are none, with the news that all have a value.
    #[inline]
    fn fill(&mut self, rows: usize) {
        let missing = rows - self.chunk.rows - self.levels.rows();
        if missing > 0 && self.is_nullable {
            self.levels.push_nulls(missing);
        } else if missing > 0 {
            self.levels.push_present(missing);
        }
    }

    /// Makes a page of the cells of so many rows of the row group, if they are
    /// enough for one of `page_bytes`.
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

    /// Makes pages of all that is left of a row group of so many rows.
    pub(super) fn end(&mut self, rows: usize, compressor: &mut PageCompressor) -> Result<()> {
        self.fill(rows);
        if self.levels.rows() > 0 {
            self.page(compressor, true, 0)?;
        }
        if !self.dictionary.is_empty() {
            self.submit_dictionary(compressor)?;
        }
        Ok(())
    }

    /// Makes a page of the cells, or where a dictionary pays, numbers, which
    /// are a page only if they `must` be or have `page_bytes`.
    fn page(&mut self, compressor: &mut PageCompressor, must: bool, page_bytes: usize) -> Result<()> {
        if let Cells::Text(text) = &mut self.cells
            && !text.lengths().is_empty()
            && *self.dictionary_pays.get_or_insert_with(|| dictionary::pays(text))
        {
            self.dictionary.take(text);
            self.cells.clear();
            self.dictionary_pays = Some(!self.dictionary.is_outgrown());
            let is_page = must || self.dictionary.is_outgrown() || self.dictionary.bytes() >= page_bytes;
            if !is_page {
                return Ok(());
            }
        }
        let mut body = compressor.buffer();
        if self.is_nullable {
            self.levels.encode(&mut body);
        }
        let encoding = if self.dictionary.has_cells() {
            self.dictionary.encode_cells(&mut body);
            Encoding::RLE_DICTIONARY
        } else {
            self.chunk.ranges.widen(&self.cells);
            self.cells.encode(&mut body)
        };
        self.cells.clear();
        self.submit(encoding, body, compressor)
    }

    fn submit_dictionary(&mut self, compressor: &mut PageCompressor) -> Result<()> {
        let mut body = compressor.buffer();
        self.dictionary.encode_entries(&mut body);
        self.chunk.dictionary = Some(Page {
            rows: 0,
            values: self.dictionary.entries(),
            encoding: Encoding::PLAIN,
            uncompressed_bytes: body.len(),
            compressed: 0..0,
        });
        self.dictionary = Dictionary::default();
        compressor.submit((self.index, DICTIONARY), body)
    }

    fn submit(&mut self, encoding: Encoding, body: Vec<u8>, compressor: &mut PageCompressor) -> Result<()> {
        let rows = self.levels.rows();
        let place = (self.index, self.chunk.pages.len());
        let (uncompressed_bytes, compressed) = (body.len(), 0..0);
        self.chunk.pages.push(Page { rows, values: rows, encoding, uncompressed_bytes, compressed });
        self.chunk.rows += rows;
        self.chunk.nulls += self.levels.nulls();
        self.levels.clear();
        compressor.submit(place, body)
    }

    /// A page that has been compressed.
    pub(super) fn compressed(&mut self, page: usize, place: Range<usize>) {
        let page = if page == DICTIONARY { self.chunk.dictionary.as_mut() } else { self.chunk.pages.get_mut(page) };
        if let Some(page) = page {
            page.compressed = place;
        }
    }

    /// What the column has of the row group, which is over. Buffers of more
    /// than `kept_bytes` are let go.
    pub(super) fn take(&mut self, kept_bytes: usize) -> (Chunk, &Cells) {
        self.cells.release(kept_bytes);
        (std::mem::take(&mut self.chunk), &self.cells)
    }
}
