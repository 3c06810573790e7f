//! Checked cells to Parquet: columns that parsers fill, pages, row groups.
//!
//! A parser appends cells to [`Column`]s and says now and then how many rows there are
//! ([`TableWriter::flush_full_pages`]). A column with enough for a page has it encoded and handed to the
//! [`PageCompressor`]; a row group with enough in it is written. So memory holds the pages that are open, the
//! compressed pages of one row group, and no more.

mod cells;
mod column;
mod compressor;
mod delta;
mod dictionary;
mod file;
mod footer;
mod levels;
mod statistics;

pub use cells::ColumnType;
pub(crate) use cells::{Cells, Text};
pub(crate) use column::Column;
pub(crate) use compressor::{PageCompressor, with_threads};
#[cfg(test)]
pub(crate) use delta::encode as encode_delta;
pub(crate) use delta::{is_short, varint, zigzag};
pub(crate) use file::Field;

use crate::error::Result;
use crate::limits::Limits;
use file::ParquetFile;
use std::io::Write;

pub(crate) struct TableWriter<'a, W: Write + Send> {
    file: ParquetFile<W>,
    columns: Vec<Column>,
    compressor: &'a mut PageCompressor,
    page_bytes: usize,
    group_bytes_limit: usize,
    /// Rows in the row group that is open.
    group_rows: usize,
    /// Approximate bytes of its cells in memory, before encoding.
    group_bytes: usize,
    rows: u64,
}

/// A table that is whole.
pub(crate) struct Written {
    pub(crate) rows: u64,
    /// Of each column, the cells that are null or a text of no characters.
    pub(crate) empty: Vec<u64>,
}

/// What a value counts for beside its text: its length takes four bytes until
/// its page is encoded, and less than one from then on.
const VALUE_BYTES: usize = 1;

/// Approximate bytes of metadata for a column chunk, kept until the file ends. A row group is at least as
/// large as the metadata of those before it, so that metadata grows with the square root of the file.
const CHUNK_BYTES: usize = 512;

impl<'a, W: Write + Send> TableWriter<'a, W> {
    pub(crate) fn new(
        out: W,
        fields: &[Field<'_>],
        compressor: &'a mut PageCompressor,
        limits: &Limits,
    ) -> Result<Self> {
        // A table that was abandoned may have left pages.
        let (_, bytes) = compressor.finish()?;
        compressor.reclaim(bytes);
        let columns = fields.iter().enumerate();
        Ok(Self {
            file: ParquetFile::new(out, fields)?,
            columns: columns.map(|(index, field)| Column::new(index, field)).collect(),
            compressor,
            page_bytes: limits.page_bytes_of(fields.len()),
            group_bytes_limit: limits.row_group_bytes,
            group_rows: 0,
            group_bytes: 0,
            rows: 0,
        })
    }

    pub(crate) fn columns(&mut self) -> &mut [Column] {
        &mut self.columns
    }

    /// Rows in the row group that is open.
    pub(crate) fn group_rows(&self) -> usize {
        self.group_rows
    }

    /// Reports complete rows, with their values and bytes, and writes the pages that
    /// are full. Call it often, since unwritten cells are held in memory.
    pub(crate) fn flush_full_pages(&mut self, rows: usize, values: usize, bytes: usize) -> Result<()> {
        self.group_rows += rows;
        // A null is a bit until its page is encoded, and next to nothing from then on.
        self.group_bytes += bytes + values * VALUE_BYTES;
        if self.group_bytes >= self.group_bytes_limit.max(self.file.chunks() * CHUNK_BYTES) {
            return self.end_group();
        }
        for column in &mut self.columns {
            column.flush_full_pages(self.group_rows, self.page_bytes, self.compressor)?;
        }
        Ok(())
    }

    pub(crate) fn close(mut self) -> Result<Written> {
        self.end_group()?;
        self.file.close(self.columns.iter().map(Column::kind).collect())?;
        Ok(Written { rows: self.rows, empty: self.columns.iter().map(Column::empty).collect() })
    }

    fn end_group(&mut self) -> Result<()> {
        if self.group_rows == 0 {
            return Ok(());
        }
        for column in &mut self.columns {
            column.end(self.group_rows, self.compressor)?;
        }
        let (pages, bytes) = self.compressor.finish()?;
        for ((column, page), place) in pages {
            self.columns[column].compressed(page, place);
        }
        // Releases the memory of huge cells.
        let kept_bytes = 2 * self.group_bytes_limit / self.columns.len();
        let chunks = self.columns.iter_mut().map(|column| column.take(kept_bytes));
        self.file.write(chunks, &bytes, self.group_rows)?;
        self.compressor.reclaim(bytes);
        self.rows += self.group_rows as u64;
        self.group_rows = 0;
        self.group_bytes = 0;
        Ok(())
    }
}
