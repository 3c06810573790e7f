//! Fetches pages of a stored Parquet file: few bytes, in few requests, all at once.

use super::fetched::Fetched;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::{StreamExt, TryStreamExt, stream};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Ranges with a smaller gap are fetched as one.
const JOIN_BYTES: u64 = 16 << 10;

/// Ranges fetched concurrently.
const RANGES_AT_ONCE: usize = 128;

/// A stored Parquet file that can be read from anywhere.
pub trait Ranges: Send + Sync {
    /// The last bytes, so many or all there are, and the length of the file.
    fn read_tail(&self, bytes: u64) -> BoxFuture<'_, io::Result<(Bytes, u64)>>;

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, io::Result<Bytes>>;
}

/// A file that is in memory.
impl Ranges for Bytes {
    fn read_tail(&self, bytes: u64) -> BoxFuture<'_, io::Result<(Bytes, u64)>> {
        let length = self.len() as u64;
        async move { Ok((self.read(length.saturating_sub(bytes)..length).await?, length)) }.boxed()
    }

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, io::Result<Bytes>> {
        let bytes = self.slice(range.start as usize..range.end as usize);
        async move { Ok(bytes) }.boxed()
    }
}

/// Row groups that can be read from the file.
pub(super) struct Reader<F> {
    file: Arc<F>,
    metadata: Arc<ParquetMetaData>,
}

impl<F: Ranges> Reader<F> {
    pub(super) fn new(file: Arc<F>, metadata: Arc<ParquetMetaData>) -> Self {
        Self { file, metadata }
    }

    /// The rows of each row group, counted from the first that the metadata is about.
    pub(super) fn groups(&self) -> Vec<Range<u64>> {
        let rows = self.metadata.row_groups().iter().map(|group| group.num_rows().cast_unsigned());
        let ends = rows.scan(0_u64, |end, rows| {
            let start = *end;
            *end = end.saturating_add(rows);
            Some(start..*end)
        });
        ends.collect()
    }

    /// Fetches the pages that hold these rows of a row group, in all columns,
    /// at once. Rows are counted from the start of the group.
    pub(super) async fn fetch(&self, group: usize, rows: &Range<u64>) -> Result<Fetched, ParquetError> {
        let joined = join(&pages(&self.metadata, group, rows));
        let reads = stream::iter(joined.iter().cloned().map(|range| self.file.read(range)));
        let parts: Vec<Bytes> = reads.buffered(RANGES_AT_ONCE).try_collect().await.map_err(unreadable)?;
        let parts = joined.iter().map(|range| range.start).zip(parts).collect();
        Ok(Fetched::new(Arc::clone(&self.metadata), group, parts))
    }
}

pub(super) fn unreadable(error: io::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Where the pages of a row group are that hold these rows, with their dictionaries.
fn pages(metadata: &ParquetMetaData, group: usize, rows: &Range<u64>) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    for (column, chunk) in metadata.row_group(group).columns().iter().enumerate() {
        let (start, length) = chunk.byte_range();
        let Some(index) = metadata.page_index().and_then(|index| index.offset_index(group, column)) else {
            ranges.push(start..start + length);
            continue;
        };
        let locations = index.page_locations();
        if let Some(first) = locations.first() {
            // What comes before the first page is the dictionary.
            ranges.push(start..first.offset.cast_unsigned());
        }
        for (number, location) in locations.iter().enumerate() {
            let first = location.first_row_index.cast_unsigned();
            let end = locations.get(number + 1).map_or(u64::MAX, |next| next.first_row_index.cast_unsigned());
            if first < rows.end && end > rows.start {
                let start = location.offset.cast_unsigned();
                ranges.push(start..start + u64::from(location.compressed_page_size.cast_unsigned()));
            }
        }
    }
    ranges.retain(|range| !range.is_empty());
    ranges
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
