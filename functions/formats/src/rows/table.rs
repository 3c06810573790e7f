//! A stored dataset, opened to be read.

use super::cell::{Cell, Column};
use super::reader::{Ranges, Reader};
use crate::error::{Error, Result};
use arrow_schema::Fields;
use futures::TryStreamExt;
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};
use parquet::arrow::async_reader::ParquetRecordBatchStream;
use std::ops::Range;
use std::slice;
use std::sync::Arc;

/// Rows of a page are looked at this many at a time, so that large ones are noticed soon.
const ROWS_AT_ONCE: usize = 16;

/// Rows that are all gone through are decoded this many at a time.
const ROWS_OF_A_SCAN: usize = 1024;

/// A stored Parquet file of which it is known what is where. All that reads
/// rows of it is here and in the modules beside.
#[derive(Debug)]
pub struct Table<F> {
    reader: Reader<F>,
    arrow: ArrowReaderMetadata,
}

/// Some of the rows of a dataset.
#[derive(Clone, Debug)]
pub struct Page {
    /// A cell for each column of each row.
    pub rows: Vec<Vec<Cell>>,
    /// The rows of the whole dataset, or of all of it that was asked for.
    pub total: u64,
}

impl<F: Ranges + 'static> Table<F> {
    /// Reads the end of the file, and no more.
    ///
    /// # Errors
    /// If the file can't be read or is not Parquet.
    pub async fn open(file: F) -> Result<Self> {
        let reader = Reader::open(file).await?;
        let arrow = ArrowReaderMetadata::try_new(Arc::clone(reader.metadata()), ArrowReaderOptions::new())?;
        Ok(Self { reader, arrow })
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.fields().iter().map(|field| field.name().as_str())
    }

    pub(super) fn fields(&self) -> &Fields {
        self.arrow.schema().fields()
    }

    pub fn row_count(&self) -> u64 {
        u64::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Reads `limit` rows from row `offset` on, counting from 0; fewer or none
    /// where the dataset ends before.
    ///
    /// # Errors
    /// [`Error::PageTooLarge`] if the rows take more than `max_bytes`.
    pub async fn page(&self, offset: u64, limit: usize, max_bytes: usize) -> Result<Page> {
        let total = self.row_count();
        let end = offset.saturating_add(limit as u64).min(total);
        let rows = self.take(slice::from_ref(&(offset.min(end)..end)), &mut Taken::new(max_bytes)).await?;
        Ok(Page { rows, total })
    }

    /// The rows of these ranges, which are in order and within the table, by
    /// way of nothing but the pages that have them, all fetched at once.
    pub(super) async fn take(&self, ranges: &[Range<u64>], taken: &mut Taken) -> Result<Vec<Vec<Cell>>> {
        let mut reader = self.reader.clone();
        reader.fetch(ranges).await?;
        let index = |row: u64| usize::try_from(row).unwrap_or(usize::MAX);
        let chosen = ranges.iter().filter(|range| !range.is_empty()).map(|range| index(range.start)..index(range.end));
        let selection = RowSelection::from_consecutive_ranges(chosen, index(self.row_count()));
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, self.arrow.clone());
        let mut batches = builder.with_row_selection(selection).with_batch_size(ROWS_AT_ONCE).build()?;
        let mut rows = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            let columns = Column::all(&batch)?;
            for row in 0..batch.num_rows() {
                rows.push(taken.row(&columns, row)?);
            }
        }
        Ok(rows)
    }

    /// All rows in order, a row group in memory at a time.
    pub(super) fn scan(&self) -> Result<ParquetRecordBatchStream<Reader<F>>> {
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(self.reader.clone(), self.arrow.clone());
        Ok(builder.with_batch_size(ROWS_OF_A_SCAN).build()?)
    }
}

/// How much has been taken into memory, up to a bound.
pub(super) struct Taken {
    bytes_left: usize,
}

impl Taken {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { bytes_left: max_bytes }
    }

    pub(super) fn row(&mut self, columns: &[Column<'_>], row: usize) -> Result<Vec<Cell>> {
        let bytes = columns.iter().map(|column| column.cell(row).bytes()).sum();
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(Error::PageTooLarge)?;
        columns.iter().map(|column| column.cell(row).to_cell()).collect()
    }
}
