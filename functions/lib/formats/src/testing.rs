//! What the tests of several modules share.

use crate::{Limits, Ranges, Result, Summary, Table, convert};
use bytes::Bytes;
use dataset_types::Format;
use dataset_types::dialect::Dialect;
use dataset_types::rows::CellValue;
use futures::future::BoxFuture;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// A file in memory that notes what is read of it.
#[derive(Clone)]
pub(crate) struct InMemory {
    bytes: Bytes,
    pub(crate) reads: Arc<Mutex<Vec<Range<u64>>>>,
}

impl InMemory {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), reads: Arc::default() }
    }
}

impl Ranges for InMemory {
    fn read_tail(&self, bytes: u64) -> BoxFuture<'_, io::Result<(Bytes, u64)>> {
        let length = self.bytes.len() as u64;
        self.reads.lock().unwrap().push(length.saturating_sub(bytes)..length);
        self.bytes.read_tail(bytes)
    }

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, io::Result<Bytes>> {
        self.reads.lock().unwrap().push(range.clone());
        self.bytes.read(range)
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Some rows of a dataset, by its columns.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<CellValue>>,
    pub(crate) total: u64,
}

pub(crate) fn page_of(file: InMemory, offset: u64, limit: usize) -> Page {
    block_on(async {
        let table = Table::open(file).await.unwrap();
        let page = table.page(offset, limit, usize::MAX).await.unwrap();
        Page { columns: table.columns().map(str::to_owned).collect(), rows: page.rows, total: page.total }
    })
}

pub(crate) fn converted(format: Format, file: &[u8], limits: &Limits) -> Result<(Summary, Vec<u8>)> {
    let mut out = vec![];
    let summary = convert(format, &Dialect::default(), &mut || Ok(file), &mut out, limits, None)?;
    Ok((summary, out))
}

pub(crate) fn parquet_of(format: Format, file: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    Ok(converted(format, file, limits)?.1)
}

/// All rows of a file, by way of Parquet.
pub(crate) fn table_of(format: Format, file: &[u8], limits: &Limits) -> Result<Page> {
    let (summary, out) = converted(format, file, limits)?;
    let page = page_of(InMemory::new(out), 0, 1_000_000);
    let names: Vec<String> = summary.columns.into_iter().map(|column| column.name).collect();
    assert_eq!((names, summary.rows, page.rows.len() as u64), (page.columns.clone(), page.total, page.total));
    Ok(page)
}

/// Limits under which a small file goes through every turn: cut into such
/// chunks, many pages, several row groups, and several threads.
pub(crate) fn tight(chunk_bytes: usize) -> Limits {
    Limits {
        chunk_bytes,
        look_ahead_bytes: chunk_bytes,
        page_bytes: 16,
        row_group_bytes: 256,
        threads: 1 + chunk_bytes % 3,
        ..Limits::default()
    }
}

pub(crate) fn texts(page: &Page) -> Vec<Vec<String>> {
    let text = |cell: &CellValue| match cell {
        CellValue::Text(text) => text.clone(),
        other => panic!("{other:?} is no text"),
    };
    page.rows.iter().map(|row| row.iter().map(text).collect()).collect()
}
