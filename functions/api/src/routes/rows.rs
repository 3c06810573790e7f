//! The rows of a version, a page at a time, straight from Parquet.

use super::paging::{Paging, Query};
use super::stored::{self, Scan};
use crate::Api;
use crate::auth::{Owned, Version};
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use dataset_core::ErrorCode;
use dataset_formats::{Error, Matches, RowPage, Search};
use dataset_types::limits::MAX_SEARCH_CHARS;
use dataset_types::rows::{ListRows, Rows};
use std::sync::Arc;

/// List the rows of a version
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets/{dataset_id}/rows",
    operation_id = "listDatasetRows",
    params(ListRows),
    responses((status = 200, description = "A page of rows; one beyond the end is empty", body = Rows)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Owned(version): Owned<Version>,
    Query(ListRows { q, after_row, page, per_page }): Query<ListRows>,
) -> Result<Json<Rows>, ApiError> {
    let text = q.unwrap_or_default();
    if text.chars().count() > MAX_SEARCH_CHARS {
        return Err(ApiError::new(ErrorCode::InvalidParameter, "q is longer than 255 characters; shorten it"));
    }
    let paging = Paging::new(page, per_page);
    let table = stored::open(&api, &version).await?;
    let columns = table.columns().map(str::to_owned).collect();
    let (offset, limit, all) = (paging.offset(), per_page.as_usize(), table.row_count());
    let found = if text.is_empty() {
        let offset = offset.saturating_add(after_row);
        let RowPage { rows, total } = table.page(offset, limit, stored::MAX_BYTES).await.map_err(refused)?;
        Matches { rows, total: total.saturating_sub(after_row), searched_to_row: all }
    } else {
        let scan = Scan::new(&api);
        let patience = scan.patience();
        let search = async move {
            let search = Search { text: &text, after_row, offset, limit, max_bytes: stored::MAX_BYTES };
            table.search(&search, || patience.is_over()).await.map_err(refused)
        };
        scan.run(search).await?
    };
    Ok(Json(Rows {
        success: true,
        message: "Dataset rows retrieved successfully".into(),
        columns,
        rows: found.rows.into_iter().map(Into::into).collect(),
        page: page.get(),
        per_page: per_page.get(),
        pages: paging.pages(found.total),
        total: found.total,
        searched_to_row: found.searched_to_row,
        is_complete: found.searched_to_row == all,
    }))
}

fn refused(error: Error) -> ApiError {
    stored::refused(error, "per_page")
}
