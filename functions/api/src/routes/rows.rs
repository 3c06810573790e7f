//! The rows of a version, a page at a time, straight from Parquet.

use super::paging::{Paging, Path, Query};
use crate::Api;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorResponse};
use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use dataset_core::Error;
use dataset_core::blobs::Blobs;
use dataset_formats::{Cell, Ranges, read_page};
use futures::future::{BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A Lambda answers with 6 MB at most, envelope and escapes included.
const MAX_PAGE_BYTES: usize = 4 << 20;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// Counts from 1.
    #[param(minimum = 1)]
    page: Option<u64>,
    #[param(minimum = 1, maximum = 100)]
    per_page: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Rows {
    success: bool,
    message: &'static str,
    columns: Vec<String>,
    /// A cell for each column of each row.
    rows: Vec<Vec<CellView>>,
    page: u64,
    per_page: u64,
    pages: u64,
    total: u64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Cell)]
struct CellView {
    r#type: &'static str,
    /// As the file had it: null, a boolean, a number, text, or nested JSON.
    #[schema(value_type = serde_json::Value)]
    value: Cell,
}

/// List the rows of a version
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets/{dataset_id}/rows",
    operation_id = "listDatasetRows",
    tag = "datasets",
    params(("dataset_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64), Listing),
    responses(
        (status = 200, description = "A page of rows; one beyond the end is empty", body = Rows),
        (status = 404, description = "There is no such dataset", body = ErrorResponse),
        (status = 409, description = "The dataset is a draft, failed or is deleted", body = ErrorResponse),
    ),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
    Query(listing): Query<Listing>,
) -> Result<Json<Rows>, ApiError> {
    let paging = Paging::new(listing.page, listing.per_page)?;
    let dataset = caller.version(&api, &id).await?;
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
