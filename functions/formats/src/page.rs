//! Rows read back, a page at a time.

use crate::error::{Error, Result};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_schema::extension::{EXTENSION_TYPE_NAME_KEY, ExtensionType, Json};
use arrow_schema::{DataType, Field};
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::{StreamExt, TryStreamExt, stream};
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use serde::Serialize;
use serde_json::value::RawValue;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Ranges that are this near to each other are asked for as one.
const JOIN_BYTES: u64 = 64 << 10;

/// Rows are looked at this many at a time, so that large ones are noticed soon.
const ROWS_AT_ONCE: usize = 16;

/// How many ranges are asked for at once.
const RANGES_AT_ONCE: usize = 8;

/// A stored Parquet file that can be read from anywhere.
pub trait Ranges: Send + Sync {
    /// Its length in bytes.
    fn length(&self) -> u64;

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, io::Result<Bytes>>;
}

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
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let reader = ParquetRecordBatchStreamBuilder::new_with_options(Reader(file), options).await?;
    let metadata = Arc::clone(reader.metadata());
    let total = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    let fields = Arc::clone(reader.schema()).fields().clone();
    let columns: Vec<String> = fields.iter().map(|f| f.name().clone()).collect();

    // Row groups before the page are not looked at.
    let mut first_row = 0;
    let mut groups = Vec::new();
    let mut skip = 0;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        if first_row + rows > offset && first_row < offset + limit as u64 {
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

struct Reader<F>(F);

impl<F: Ranges> Reader<F> {
    async fn read(&self, range: Range<u64>) -> Result<Bytes, ParquetError> {
        self.0.read(range).await.map_err(|e| ParquetError::External(Box::new(e)))
    }
}

impl<F: Ranges + 'static> AsyncFileReader for Reader<F> {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.read(range).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move {
            let joined = join(&ranges);
            let this = &*self;
            let reads = stream::iter(joined.iter().cloned().map(|range| this.read(range)));
            let parts: Vec<Bytes> = reads.buffered(RANGES_AT_ONCE).try_collect().await?;
            let slice = |range: &Range<u64>| {
                let index = joined.partition_point(|part| part.end < range.end);
                let start = (range.start - joined[index].start) as usize;
                parts[index].slice(start..start + (range.end - range.start) as usize)
            };
            Ok(ranges.iter().map(slice).collect())
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            let length = self.0.length();
            let policy = options.map_or(PageIndexPolicy::Skip, |_| PageIndexPolicy::Optional);
            let reader = ParquetMetaDataReader::new()
                .with_page_index_policy(policy)
                // The footer and the page index of a large file, in one request.
                .with_prefetch_hint(Some(256 << 10));
            Ok(Arc::new(reader.load_and_finish(self, length).await?))
        }
        .boxed()
    }
}

/// The ranges in order, near ones joined.
fn join(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted = ranges.to_vec();
    sorted.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match joined.last_mut() {
            Some(last) if range.start <= last.end + JOIN_BYTES => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_ranges_are_joined() {
        let far = JOIN_BYTES * 3;
        assert_eq!(join(&[far..far + 5, 10..20, 0..5]), [0..20, far..far + 5]);
        assert_eq!(join(&[0..50, 10..20]), vec![0..50]);
        assert!(join(&[]).is_empty());
    }
}
