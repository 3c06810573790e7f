//! A row group that has been fetched, or the pages of it that are needed.
//!
//! The reader of `parquet` decompresses with a context of zstd for each column,
//! of 160 KB each: 650 MB for 4,096 columns. So it is told that the pages are
//! not compressed, and what it gets has been decompressed here, with one.

use bytes::{Buf, Bytes, buf};
use parquet::basic::Compression;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};
use std::sync::{Arc, Mutex, PoisonError};
use zstd::bulk::Decompressor;
use zstd::zstd_safe::get_frame_content_size;

pub(super) struct Fetched {
    metadata: Arc<ParquetMetaData>,
    group: usize,
    parts: Arc<Parts>,
    zstd: Zstd,
}

/// The one context of a row group, whose columns are read one after another.
type Zstd = Arc<Mutex<Decompressor<'static>>>;

impl Fetched {
    pub(super) fn new(metadata: Arc<ParquetMetaData>, group: usize, parts: Vec<(u64, Bytes)>) -> Self {
        Self { metadata, group, parts: Arc::new(Parts(parts)), zstd: Arc::default() }
    }

    #[cfg(test)]
    pub(super) fn described(&self, column: usize) -> parquet::schema::types::ColumnDescPtr {
        self.metadata.row_group(self.group).column(column).column_descr_ptr()
    }

    /// The pages of a column.
    pub(super) fn pages(&self, column: usize) -> Result<Pages, ParquetError> {
        let group = self.metadata.row_group(self.group);
        let chunk = group.column(column);
        let places = self.metadata.page_index().and_then(|index| index.offset_index(self.group, column));
        let places = places.map(|index| index.page_locations().clone());
        if !matches!(chunk.compression(), Compression::ZSTD(_)) {
            return Err(ParquetError::General(format!("a column is compressed by {}", chunk.compression())));
        }
        let plain = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED);
        let rows = group.num_rows() as usize;
        let packed = SerializedPageReader::new(Arc::clone(&self.parts), &plain.build()?, rows, places)?;
        Ok(Pages { packed, zstd: Arc::clone(&self.zstd) })
    }
}

/// What has been fetched, in order, and where in the file each part starts.
struct Parts(Vec<(u64, Bytes)>);

impl Parts {
    /// What has been fetched from `start` on.
    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let index = self.0.partition_point(|(first, _)| *first <= start).checked_sub(1);
        let rest = index.and_then(|index| {
            let (first, part) = &self.0[index];
            let skipped = (start - first) as usize;
            (skipped < part.len()).then(|| part.slice(skipped..))
        });
        rest.ok_or_else(ends_before)
    }
}

pub(super) fn ends_before() -> ParquetError {
    ParquetError::EOF("the file ends before its rows".into())
}

impl Length for Parts {
    fn len(&self) -> u64 {
        self.0.last().map_or(0, |(start, part)| start + part.len() as u64)
    }
}

impl ChunkReader for Parts {
    type T = buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let rest = self.from(start)?;
        if length > rest.len() {
            return Err(ends_before());
        }
        Ok(rest.slice(..length))
    }
}

/// Pages of a column, decompressed.
pub(super) struct Pages {
    packed: SerializedPageReader<Parts>,
    zstd: Zstd,
}

impl Pages {
    fn unpacked(&self, mut page: Page) -> Result<Page, ParquetError> {
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => *buf = unpack(&self.zstd, buf)?,
            // No release has written such.
            Page::DataPageV2 { .. } => return Err(ParquetError::General("a page is of the second version".into())),
        }
        Ok(page)
    }
}

fn unpack(zstd: &Zstd, packed: &Bytes) -> Result<Bytes, ParquetError> {
    let broken = |why: &str| ParquetError::General(format!("a page can't be decompressed: {why}"));
    let length =
        get_frame_content_size(packed).ok().flatten().ok_or_else(|| broken("it does not say how long it is"))?;
    let mut out = Vec::new();
    let room = usize::try_from(length).ok().map(|length| out.try_reserve_exact(length));
    room.and_then(Result::ok).ok_or_else(|| broken("there is no room for it"))?;
    let mut zstd = zstd.lock().unwrap_or_else(PoisonError::into_inner);
    zstd.decompress_to_buffer(packed, &mut out).map_err(|error| broken(&error.to_string()))?;
    Ok(out.into())
}

impl Iterator for Pages {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        let page = self.packed.get_next_page()?;
        page.map(|page| self.unpacked(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        self.packed.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.packed.skip_next_page()
    }
}
