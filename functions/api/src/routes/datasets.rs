//! Datasets: drafts, versions, failures.

pub(super) mod list;
mod view;

use super::paging::Path;
use crate::Api;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorResponse};
use axum::Json;
use axum::extract::State;
use dataset_core::Error;
use dataset_core::dataset::Dataset;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use view::DatasetView;

#[derive(Serialize, ToSchema)]
pub(super) struct OneDataset {
    success: bool,
    message: &'static str,
    dataset: DatasetView,
}

/// Get a dataset
///
/// A draft, a version, or a failure with its reason.
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets/{dataset_id}",
    operation_id = "getDataset",
    tag = "datasets",
    params(("dataset_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    responses(
        (status = 200, description = "The dataset", body = OneDataset),
        (status = 404, description = "There is no such dataset", body = ErrorResponse),
    ),
)]
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
) -> Result<Json<OneDataset>, ApiError> {
    let dataset = caller.dataset(&api, &id).await?;
    answer(&api, dataset, "Dataset retrieved successfully").await
}

/// Delete a version
///
/// Puts a version away: it is left out of lists and its rows can't be read. Its number stays taken, and
/// `restoreDataset` brings it back.
#[utoipa::path(
    delete,
    path = "/api/public/v2/datasets/{dataset_id}",
    operation_id = "deleteDataset",
    tag = "datasets",
    params(("dataset_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    responses(
        (status = 200, description = "The deleted version", body = OneDataset),
        (status = 404, description = "There is no such dataset", body = ErrorResponse),
        (status = 409, description = "The dataset is no version", body = ErrorResponse),
    ),
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
) -> Result<Json<OneDataset>, ApiError> {
    set_deleted(&api, &caller, &id, true, "Dataset deleted successfully").await
}

/// Restore a deleted version
#[utoipa::path(
    post,
    path = "/api/public/v2/datasets/{dataset_id}/restore",
    operation_id = "restoreDataset",
    tag = "datasets",
    params(("dataset_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    responses(
        (status = 200, description = "The version", body = OneDataset),
        (status = 404, description = "There is no such dataset", body = ErrorResponse),
        (status = 409, description = "The dataset is no version", body = ErrorResponse),
    ),
)]
pub(super) async fn restore(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
) -> Result<Json<OneDataset>, ApiError> {
    set_deleted(&api, &caller, &id, false, "Dataset restored successfully").await
}

async fn set_deleted(
    api: &Api,
    caller: &Caller,
    id: &str,
    is_deleted: bool,
    message: &'static str,
) -> Result<Json<OneDataset>, ApiError> {
    let dataset = caller.dataset(api, id).await?;
    if !is_deleted && caller.is_group_deleted(api, &dataset).await? {
        let message = "the dataset group of the version is deleted, so it can't be restored";
        return Err(ApiError::conflict("dataset_group_deleted", message));
    }
    if !api.ports.catalog.set_deleted(dataset.id, is_deleted).await? {
        let message = "only a version can be deleted or restored; a draft ends by itself, and a failure is forgotten after 30 days";
        return Err(ApiError::conflict("not_a_version", message));
    }
    answer(api, Dataset { is_deleted, ..dataset }, message).await
}

async fn answer(api: &Api, dataset: Dataset, message: &'static str) -> Result<Json<OneDataset>, ApiError> {
    // Also a group that is deleted: what is known of its datasets stays readable.
    let group = api.ports.catalog.group(dataset.group_id).await?;
    let group = group.ok_or_else(|| Error::internal(format!("dataset {} has no group", dataset.id)))?;
    Ok(Json(OneDataset { success: true, message, dataset: DatasetView::new(dataset, &group) }))
}
