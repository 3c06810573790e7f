//! Rows read back, a page at a time.

mod reader;

pub use reader::Ranges;

use crate::error::{Error, Result};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_schema::extension::{EXTENSION_TYPE_NAME_KEY, ExtensionType, Json};
use arrow_schema::{DataType, Field};
use futures::TryStreamExt;
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use reader::Reader;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Rows are looked at this many at a time, so that large ones are noticed soon.
const ROWS_AT_ONCE: usize = 16;

/// Some of the rows of a dataset.
#[derive(Clone, Debug)]
pub struct Page {
    pub columns: Vec<String>,
    /// A cell for each column of each row.
    pub rows: Vec<Vec<Cell>>,
    /// The rows of the whole dataset.
    pub total: u64,
}

/// A value, typed as the file had it.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    Text(String),
    /// As it was written, so that no digit of a number is lost.
    Json(Box<RawValue>),
}

/// Reads `limit` rows from row `offset` on, counting from 0; fewer or none
/// where the dataset ends before.
///
/// # Errors
/// [`Error::PageTooLarge`] if the rows have more than `max_bytes` of text.
pub async fn read_page(
    file: impl Ranges + Unpin + 'static,
    offset: u64,
    limit: usize,
    max_bytes: usize,
) -> Result<Page> {
    let mut file = Reader::open(file).await?;
    let metadata = Arc::clone(file.metadata());
    let total = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    let end = offset.saturating_add(limit as u64).min(total);
    file.fetch(&(offset.min(end)..end)).await?;
    let arrow = ArrowReaderMetadata::try_new(Arc::clone(&metadata), ArrowReaderOptions::new())?;
    let reader = ParquetRecordBatchStreamBuilder::new_with_metadata(file, arrow);
    let fields = Arc::clone(reader.schema()).fields().clone();
    let columns: Vec<String> = fields.iter().map(|f| f.name().clone()).collect();

    // Row groups before the page are not looked at.
    let mut first_row = 0;
    let mut groups = Vec::new();
    let mut skip = 0;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        if first_row + rows > offset && first_row < end {
            if groups.is_empty() {
                skip = offset - first_row.min(offset);
            }
            groups.push(index);
        }
        first_row += rows;
    }
    let mut rows = Vec::new();
    if !groups.is_empty() {
        let mut batches = reader
            .with_row_groups(groups)
            .with_offset(usize::try_from(skip).unwrap_or(usize::MAX))
            .with_limit(limit)
            .with_batch_size(limit.min(ROWS_AT_ONCE))
            .build()?;
        let mut bytes = 0;
        while let Some(batch) = batches.try_next().await? {
            bytes += batch.get_array_memory_size();
            if bytes > max_bytes {
                return Err(Error::PageTooLarge);
            }
            let cells: Vec<Cells<'_>> =
                batch.columns().iter().zip(fields.iter()).map(|(a, f)| Cells::of(a, f)).collect();
            for row in 0..batch.num_rows() {
                rows.push(cells.iter().map(|c| c.cell(row)).collect::<Result<_>>()?);
            }
        }
    }
    Ok(Page { columns, rows, total })
}

/// A column of a batch and how its cells are told.
struct Cells<'a> {
    array: &'a dyn Array,
    is_json: bool,
}

impl<'a> Cells<'a> {
    fn of(array: &'a dyn Array, field: &Field) -> Self {
        let is_json = field.metadata().get(EXTENSION_TYPE_NAME_KEY).is_some_and(|name| name == Json::NAME);
        Self { array, is_json }
    }

    fn cell(&self, row: usize) -> Result<Cell> {
        if self.array.is_null(row) {
            return Ok(Cell::Null);
        }
        Ok(match self.array.data_type() {
            DataType::Boolean => Cell::Bool(self.array.as_boolean().value(row)),
            DataType::Int64 => Cell::Int(self.array.as_primitive::<Int64Type>().value(row)),
            DataType::UInt64 => Cell::UInt(self.array.as_primitive::<UInt64Type>().value(row)),
            DataType::Float64 => Cell::Double(self.array.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => {
                let text = self.array.as_string::<i32>().value(row).to_owned();
                if self.is_json {
                    Cell::Json(RawValue::from_string(text).map_err(unreadable)?)
                } else {
                    Cell::Text(text)
                }
            }
            other => return Err(unreadable(format!("a column of type {other}"))),
        })
    }
}

fn unreadable(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Parquet(what.into())
}
