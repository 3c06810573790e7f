//! Reads stored versions by ranges.

use crate::Api;
use crate::auth::Version;
use crate::error::ApiError;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use dataset_core::blobs::{Blobs, Object};
use dataset_core::{Error, ErrorCode};
use dataset_formats::{Ranges, Table};
use futures::future::{BoxFuture, FutureExt};
use serde::Serialize;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Memory for the rows of one answer.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// A Lambda's answer has at most 6 MB, with headers and escapes.
const MAX_ANSWER_BYTES: usize = 6_000_000;

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
    Table::open(Stored { blobs: Arc::clone(&api.ports.blobs), object: version.rows() }).await.map_err(refused)
}

/// Runs work that may read whole versions where it does not block other requests.
pub(super) async fn on_blocking_pool<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    let runtime = Handle::current();
    let ended = tokio::task::spawn_blocking(move || runtime.block_on(work)).await;
    ended.map_err(|error| Error::internal("reading rows ended early").because(error))?
}

pub(super) fn refused(error: dataset_formats::Error) -> ApiError {
    match error {
        dataset_formats::Error::PageTooLarge => too_large(),
        dataset_formats::Error::Key { code, message } => ApiError::new(code, message),
        other => Error::internal("the rows could not be read").because(other).into(),
    }
}

fn too_large() -> ApiError {
    ApiError::new(
        ErrorCode::PageTooLarge,
        "the rows asked for are more than one answer can have; ask for fewer, by per_page or examples",
    )
}

/// An answer with rows, if a Lambda can return it. The limit is the same outside of
/// Lambda, so that what works in one place works in the other.
pub(super) fn answer(body: &impl Serialize) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(body).map_err(|e| Error::internal("the rows could not be written").because(e))?;
    // Lambda puts the answer into a JSON string.
    let escapes = memchr::memchr2_iter(b'"', b'\\', &body).count();
    if body.len() + escapes > MAX_ANSWER_BYTES {
        return Err(too_large());
    }
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}
