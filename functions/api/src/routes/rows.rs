//! The rows of a version, a page at a time, straight from Parquet.

use super::paging::{Paging, Path, Query};
use crate::Api;
use crate::auth::Caller;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use dataset_core::Error;
use dataset_core::blobs::Blobs;
use dataset_core::dataset::State as DatasetState;
use dataset_formats::{Cell, Ranges, read_page};
use futures::future::{BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A Lambda answers with 6 MB at most, envelope and escapes included.
const MAX_PAGE_BYTES: usize = 4 << 20;

#[derive(Deserialize)]
pub(super) struct Listing {
    page: Option<u64>,
    per_page: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct Rows {
    success: bool,
    message: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<CellView>>,
    page: u64,
    per_page: u64,
    pages: u64,
    total: u64,
}

#[derive(Serialize)]
struct CellView {
    r#type: &'static str,
    value: Cell,
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
    Query(listing): Query<Listing>,
) -> Result<Json<Rows>, ApiError> {
    let paging = Paging::new(listing.page, listing.per_page)?;
    let dataset = caller.dataset(&api, &id).await?;
    let conflict = |code, message| ApiError::new(StatusCode::CONFLICT, code, message);
    match &dataset.state {
        DatasetState::Ready { .. } => {}
        DatasetState::Draft { .. } => {
            let message = "the dataset is still a draft; ask again when its status is ready";
            return Err(conflict("dataset_not_ready", message));
        }
        DatasetState::Failed { .. } => {
            let message = "the file of this dataset could not be taken in, so it has no rows; its failure says why";
            return Err(conflict("dataset_failed", message));
        }
    }
    let object = Object { blobs: Arc::clone(&api.blobs), key: dataset.rows_key() };
    let limit = usize::try_from(paging.per_page).unwrap_or(usize::MAX);
    let page = read_page(object, paging.offset(), limit, MAX_PAGE_BYTES).await.map_err(|error| match error {
        dataset_formats::Error::PageTooLarge => ApiError::bad_request(
            "page_too_large",
            "the rows of this page have over 4 MiB together; ask for fewer by a smaller per_page",
        ),
        other => Error::internal("the rows could not be read").because(other).into(),
    })?;
    let view = |value| CellView { r#type: "dataset", value };
    Ok(Json(Rows {
        success: true,
        message: "Dataset rows retrieved successfully",
        columns: page.columns,
        rows: page.rows.into_iter().map(|row| row.into_iter().map(view).collect()).collect(),
        page: paging.page,
        per_page: paging.per_page,
        pages: paging.pages(page.total),
        total: page.total,
    }))
}

/// A stored Parquet file.
struct Object {
    blobs: Arc<dyn Blobs>,
    key: String,
}

impl Ranges for Object {
    fn read_tail(&self, bytes: u64) -> BoxFuture<'_, io::Result<(Bytes, u64)>> {
        async move { self.blobs.read_tail(&self.key, bytes).await.map_err(io::Error::other) }.boxed()
    }

    fn read(&self, range: Range<u64>) -> BoxFuture<'_, io::Result<Bytes>> {
        async move { self.blobs.read_range(&self.key, range).await.map_err(io::Error::other) }.boxed()
    }
}
