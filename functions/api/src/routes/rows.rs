//! The rows of a version, a page at a time, straight from Parquet.

use super::paging::{Paging, Path, Query};
use super::stored;
use crate::Api;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorResponse};
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The longest text that is searched for, in characters.
const MAX_QUERY_CHARS: usize = 255;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// Rows that have this in some cell, in any case. A number is searched as it is shown.
    #[param(max_length = 255)]
    q: Option<String>,
    /// Counts from 1.
    #[param(minimum = 1, maximum = 9007199254740991u64, default = 1)]
    page: Option<u64>,
    #[param(minimum = 1, maximum = 100, default = 10)]
    per_page: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Rows {
    success: bool,
    message: &'static str,
    columns: Vec<String>,
    /// A cell for each column of each row.
    rows: Vec<stored::Row>,
    page: u64,
    per_page: u64,
    pages: u64,
    /// All rows, or all that have `q` in them.
    total: u64,
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
) -> Result<Response, ApiError> {
    let paging = Paging::new(listing.page, listing.per_page)?;
    let text = listing.q.unwrap_or_default();
    if text.chars().count() > MAX_QUERY_CHARS {
        return Err(ApiError::bad_request("invalid_parameter", "q is longer than 255 characters; shorten it"));
    }
    let version = caller.version(&api, &id).await?;
    let table = stored::open(&api, &version).await?;
    let columns = table.columns().map(str::to_owned).collect();
    let (offset, limit) = (paging.offset(), usize::try_from(paging.per_page).unwrap_or(usize::MAX));
    let page = if text.is_empty() {
        table.page(offset, limit, stored::MAX_BYTES).await.map_err(stored::refused)?
    } else {
        let search =
            async move { table.search(&text, offset, limit, stored::MAX_BYTES).await.map_err(stored::refused) };
        stored::aside(search).await?
    };
    stored::answer(&Rows {
        success: true,
        message: "Dataset rows retrieved successfully",
        columns,
        rows: stored::rows(page.rows),
        page: paging.page,
        per_page: paging.per_page,
        pages: paging.pages(page.total),
        total: page.total,
    })
}
