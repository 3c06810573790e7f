//! The pages of a stored Parquet file, of which as little is read as will do,
//! and all at once.

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::{StreamExt, TryStreamExt, stream};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Ranges that are this near to each other are asked for as one.
const JOIN_BYTES: u64 = 16 << 10;

/// How many ranges are asked for at once.
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

#[derive(Debug)]
pub(super) struct Reader<F> {
    file: Arc<F>,
    metadata: Arc<ParquetMetaData>,
    /// What has been fetched ahead, in order, and where each part starts.
    parts: Vec<(u64, Bytes)>,
}

impl<F> Clone for Reader<F> {
    fn clone(&self) -> Self {
        Self { file: Arc::clone(&self.file), metadata: Arc::clone(&self.metadata), parts: self.parts.clone() }
    }
}

impl<F: Ranges> Reader<F> {
    pub(super) fn new(file: Arc<F>, metadata: Arc<ParquetMetaData>) -> Self {
        Self { file, metadata, parts: vec![] }
    }

    /// Fetches the pages that hold rows of these ranges, in all columns, at
    /// once. Rows are counted from the first that the metadata is about.
    pub(super) async fn fetch(&mut self, rows: &[Range<u64>]) -> Result<(), ParquetError> {
        let pages: Vec<Range<u64>> = rows.iter().flat_map(|rows| pages(&self.metadata, rows)).collect();
        self.parts = self.read_joined(&pages).await?;
        Ok(())
    }

    /// What has these ranges in it, in order, and where each part starts.
    async fn read_joined(&self, ranges: &[Range<u64>]) -> Result<Vec<(u64, Bytes)>, ParquetError> {
        let joined = join(ranges);
        let parts = self.read_all(&joined).await?;
        Ok(joined.iter().map(|range| range.start).zip(parts).collect())
    }

    async fn read_all(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, ParquetError> {
        let reads = stream::iter(ranges.iter().cloned().map(|range| self.file.read(range)));
        reads.buffered(RANGES_AT_ONCE).try_collect().await.map_err(unreadable)
    }
}

/// A range out of what has been read.
fn cut(parts: &[(u64, Bytes)], range: &Range<u64>) -> Option<Bytes> {
    let index = parts.partition_point(|(start, _)| *start <= range.start).checked_sub(1)?;
    let (start, part) = &parts[index];
    let within = (range.start - start) as usize..(range.end - start) as usize;
    (within.end <= part.len()).then(|| part.slice(within))
}

impl<F: Ranges + 'static> AsyncFileReader for Reader<F> {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move {
            match cut(&self.parts, &range) {
                Some(bytes) => Ok(bytes),
                None => self.file.read(range).await.map_err(unreadable),
            }
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move {
            let cut_all = |parts: &[(u64, Bytes)]| ranges.iter().map(|range| cut(parts, range)).collect();
            if let Some(bytes) = cut_all(&self.parts) {
                return Ok(bytes);
            }
            let parts = self.read_joined(&ranges).await?;
            cut_all(&parts).ok_or_else(|| ParquetError::EOF("the file ends before its rows".into()))
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move { Ok(Arc::clone(&self.metadata)) }.boxed()
    }
}

pub(super) fn unreadable(error: io::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Where the pages are that hold rows of `rows`, with their dictionaries.
fn pages(metadata: &ParquetMetaData, rows: &Range<u64>) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut first = 0;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let group_rows = first..first + group.num_rows().cast_unsigned();
        first = group_rows.end;
        if group_rows.end <= rows.start || group_rows.start >= rows.end {
            continue;
        }
        let wanted = rows.start.saturating_sub(group_rows.start)..rows.end.min(group_rows.end) - group_rows.start;
        for (column, chunk) in group.columns().iter().enumerate() {
            let (start, length) = chunk.byte_range();
            let Some(index) = metadata.page_index().and_then(|index| index.offset_index(number, column)) else {
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
                if first < wanted.end && end > wanted.start {
                    let start = location.offset.cast_unsigned();
                    ranges.push(start..start + u64::from(location.compressed_page_size.cast_unsigned()));
                }
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
