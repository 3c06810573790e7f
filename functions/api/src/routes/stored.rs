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
use std::sync::{Arc, Weak};
use std::time::Instant;
use tokio::runtime::Handle;

/// What the rows of one answer may have of [`MAX_ANSWER_BYTES`](crate::limit::MAX_ANSWER_BYTES).
pub(super) const MAX_BYTES: usize = 5_500_000;

/// What an export may have in bytes, so that it is written before the gateway's time is up.
pub(super) const MAX_EXPORT_BYTES: u64 = 1 << 30;

/// A stored Parquet file.
pub(super) struct Stored {
    blobs: Arc<dyn Blobs>,
    object: Object,
    /// None where little is read.
    patience: Option<Patience>,
}

/// When work on whole versions ends early: at its deadline, or when its caller has gone.
#[derive(Clone)]
pub(super) struct Patience {
    until: Instant,
    caller: Weak<()>,
}

impl Patience {
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.until || self.caller.strong_count() == 0
    }
}

/// Work on whole versions, for a caller that waits.
pub(super) struct Scan {
    patience: Patience,
    /// Dropped with the request.
    _caller: Arc<()>,
}

impl Scan {
    pub(super) fn new(api: &Api) -> Self {
        let caller = Arc::new(());
        let patience = Patience { until: Instant::now() + api.scan_time, caller: Arc::downgrade(&caller) };
        Self { patience, _caller: caller }
    }

    pub(super) fn patience(&self) -> Patience {
        self.patience.clone()
    }

    /// The rows of a version, which can be read as long as there is patience.
    pub(super) async fn open(&self, api: &Api, version: &Version) -> Result<Table<Stored>, ApiError> {
        open_with(api, version, Some(self.patience())).await
    }

    /// Runs the work where it does not block other requests.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        let runtime = Handle::current();
        let ended = tokio::task::spawn_blocking(move || runtime.block_on(work)).await;
        ended.map_err(|error| Error::internal("reading rows ended early").because(error))?
    }
}

impl Ranges for Stored {
    fn read_tail(&self, bytes: u64) -> BoxFuture<'_, io::Result<(Bytes, u64)>> {
        async move { self.blobs.read_tail(self.object, bytes).await.map_err(io::Error::other) }.boxed()
    }

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, io::Result<Bytes>> {
        async move {
            if self.patience.as_ref().is_some_and(Patience::is_over) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let pieces = self.blobs.read_range(self.object, range).await.map_err(io::Error::other)?;
            Ok(pieces.concat().into())
        }
        .boxed()
    }
}

/// The rows of a version.
pub(super) async fn open(api: &Api, version: &Version) -> Result<Table<Stored>, ApiError> {
    open_with(api, version, None).await
}

async fn open_with(
    api: &Api,
    Version(version): &Version,
    patience: Option<Patience>,
) -> Result<Table<Stored>, ApiError> {
    let stored = Stored { blobs: Arc::clone(&api.ports.blobs), object: version.rows(), patience };
    Table::open(stored).await.map_err(unreadable)
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
    if matches!(&error, dataset_formats::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut) {
        return ApiError::takes_too_long();
    }
    Error::internal("the rows could not be read").because(error).into()
}
