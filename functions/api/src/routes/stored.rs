//! Reads stored versions by ranges.

use crate::Api;
use crate::auth::Version;
use crate::error::ApiError;
use axum::body::Bytes;
use dataset_core::Error;
use dataset_core::blobs::{Blobs, Object};
use dataset_formats::{Ranges, Table};
use futures::future::{BoxFuture, FutureExt};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Memory for the rows of one answer.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// A stored Parquet file.
pub(super) struct Stored {
    blobs: Arc<dyn Blobs>,
    object: Object,
}

impl Ranges for Stored {
    fn read_tail(&self, bytes: u64) -> BoxFuture<'_, io::Result<(Bytes, u64)>> {
        async move { self.blobs.read_tail(self.object, bytes).await.map_err(io::Error::other) }.boxed()
    }

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, io::Result<Bytes>> {
        async move { self.blobs.read_range(self.object, range).await.map_err(io::Error::other) }.boxed()
    }
}

/// The rows of a version.
pub(super) async fn open(api: &Api, Version(version): &Version) -> Result<Table<Stored>, ApiError> {
    Table::open(Stored { blobs: Arc::clone(&api.ports.blobs), object: version.rows() }).await.map_err(unreadable)
}

/// Runs work that may read whole versions where it does not block other requests.
pub(super) async fn on_blocking_pool<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    let runtime = Handle::current();
    let ended = tokio::task::spawn_blocking(move || runtime.block_on(work)).await;
    ended.map_err(|error| Error::internal("reading rows ended early").because(error))?
}

/// `parameter` is what makes a page smaller.
pub(super) fn refused(error: dataset_formats::Error, parameter: &str) -> ApiError {
    match error {
        dataset_formats::Error::PageTooLarge => ApiError::page_too_large(parameter),
        dataset_formats::Error::Key { code, message } => ApiError::new(code, message),
        other => unreadable(other),
    }
}

pub(super) fn unreadable(error: dataset_formats::Error) -> ApiError {
    Error::internal("the rows could not be read").because(error).into()
}
