//! Batches of rows to Parquet.

use crate::error::Result;
use crate::limits::Limits;
use crate::text::TextColumn;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::collections::HashSet;
use std::io::Write;

/// What was read and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub columns: Vec<String>,
    pub rows: u64,
}

/// The first cells of a column, by which its encoding is chosen.
const SAMPLE_CELLS: usize = 4_096;

/// A Parquet file in the making: zstd, pages small enough to read one of
/// them, row groups small enough to hold one of them.
pub(crate) struct Sink<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
    row_group_bytes: usize,
    /// Cell bytes in the row group that is open.
    open_bytes: usize,
    rows: u64,
}

impl<W: Write + Send> Sink<W> {
    /// `repeats` says of each column whether a dictionary would make it smaller.
    pub(crate) fn new(out: W, schema: SchemaRef, repeats: &[bool], limits: &Limits) -> Result<Self> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_data_page_size_limit(limits.page_bytes)
            .set_dictionary_page_size_limit(limits.page_bytes * 4)
            // The page limit is looked at once in this many rows.
            .set_write_batch_size(64)
            .set_max_row_group_row_count(None)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by(concat!("dataset-versions ", env!("CARGO_PKG_VERSION")).to_owned());
        for (field, repeats) in schema.fields().iter().zip(repeats) {
            let path = ColumnPath::new(vec![field.name().clone()]);
            properties = properties.set_column_dictionary_enabled(path, *repeats);
        }
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties.build()))?;
        Ok(Self { writer, schema, row_group_bytes: limits.row_group_bytes, open_bytes: 0, rows: 0 })
    }

    /// `bytes` is about what the cells take as text.
    pub(crate) fn write(&mut self, columns: Vec<ArrayRef>, bytes: usize) -> Result<()> {
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        self.rows += batch.num_rows() as u64;
        self.writer.write(&batch)?;
        self.open_bytes += bytes;
        if self.open_bytes >= self.row_group_bytes {
            self.writer.flush()?;
            self.open_bytes = 0;
        }
        Ok(())
    }

    /// The rows written.
    pub(crate) fn close(self) -> Result<u64> {
        self.writer.close()?;
        Ok(self.rows)
    }
}

/// Whether, going by its first cells, a column says the same things again.
pub(crate) fn repeats(column: &TextColumn) -> bool {
    let sample = column.len().min(SAMPLE_CELLS);
    let distinct: HashSet<&[u8]> = (0..sample).map(|row| column.cell_at(row)).collect();
    distinct.len() * 2 < sample
}
