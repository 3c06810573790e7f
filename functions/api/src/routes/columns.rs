//! The columns of a version, summed up.

use super::kept::kept;
use super::stored::{self, Scan};
use crate::Api;
use crate::auth::{Owned, Version};
use crate::error::ApiError;
use axum::extract::State;
use axum::response::Response;
use dataset_formats::ColumnStats;
use dataset_types::rows::{Column, Columns};
use std::sync::Arc;

/// Sum up the columns of a version
///
/// The type of each column and what is in it. All rows are gone through.
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets/{dataset_id}/columns",
    operation_id = "listDatasetColumns",
    responses((status = 200, description = "The columns", body = Columns)),
)]
pub(super) async fn list(State(api): State<Arc<Api>>, Owned(version): Owned<Version>) -> Result<Response, ApiError> {
    let answer = async {
        let scan = Scan::new(&api);
        let table = scan.open(&api, &version).await?;
        let columns = scan.run(async move { table.column_stats().await.map_err(stored::unreadable) }).await?;
        Ok(Columns {
            success: true,
            message: "Dataset columns retrieved successfully".into(),
            columns: columns.into_iter().map(column).collect(),
        })
    };
    kept(&api, &("columns", version.0.id), answer).await
}

fn column(ColumnStats { name, kind, empty, lengths, range, sample, has_more }: ColumnStats) -> Column {
    let (shortest, longest) = lengths.unzip();
    let (least, greatest) = range.unzip();
    Column { name, r#type: kind.into(), empty, shortest, longest, least, greatest, sample, has_more }
}
