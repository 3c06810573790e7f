//! Datasets: drafts, versions, failures.

pub(super) mod list;
mod view;

use crate::Api;
use crate::auth::{Owned, is_group_deleted};
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use dataset_core::dataset::Dataset;
use dataset_core::{Error, ErrorCode};
use dataset_types::dataset::OneDataset;
use std::sync::Arc;
use view::view;

/// Get a dataset
///
/// A draft, a version, or a failure with its reason.
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets/{dataset_id}",
    operation_id = "getDataset",
    responses((status = 200, description = "The dataset", body = OneDataset)),
)]
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    Owned(dataset): Owned<Dataset>,
) -> Result<Json<OneDataset>, ApiError> {
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
    responses((status = 200, description = "The deleted version", body = OneDataset)),
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Owned(dataset): Owned<Dataset>,
) -> Result<Json<OneDataset>, ApiError> {
    set_deleted(&api, dataset, true, "Dataset deleted successfully").await
}

/// Restore a deleted version
#[utoipa::path(
    post,
    path = "/api/public/v2/datasets/{dataset_id}/restore",
    operation_id = "restoreDataset",
    responses((status = 200, description = "The version", body = OneDataset)),
)]
pub(super) async fn restore(
    State(api): State<Arc<Api>>,
    Owned(dataset): Owned<Dataset>,
) -> Result<Json<OneDataset>, ApiError> {
    if is_group_deleted(&api, &dataset).await? {
        let message = "the dataset group of the version is deleted, so it can't be restored";
        return Err(ApiError::new(ErrorCode::DatasetGroupDeleted, message));
    }
    set_deleted(&api, dataset, false, "Dataset restored successfully").await
}

async fn set_deleted(
    api: &Api,
    dataset: Dataset,
    is_deleted: bool,
    message: &str,
) -> Result<Json<OneDataset>, ApiError> {
    if !api.ports.catalog.set_deleted(&dataset, is_deleted).await? {
        let message = "only a version can be deleted or restored; a draft ends by itself, and a failure is forgotten after 30 days";
        return Err(ApiError::new(ErrorCode::NotAVersion, message));
    }
    answer(api, Dataset { is_deleted, ..dataset }, message).await
}

async fn answer(api: &Api, dataset: Dataset, message: &str) -> Result<Json<OneDataset>, ApiError> {
    // Also of a deleted group, whose datasets stay readable.
    let group = api.ports.catalog.group(dataset.group_id).await?;
    let group = group.ok_or_else(|| Error::internal(format!("dataset {} has no group", dataset.id)))?;
    Ok(Json(OneDataset { success: true, message: message.into(), dataset: view(dataset, &group) }))
}
