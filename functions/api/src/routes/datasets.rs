//! Datasets: drafts, versions, failures.

pub(super) mod list;
mod view;

use super::idempotency::{CallKey, once};
use super::labels;
use super::paging::Query;
use crate::Api;
use crate::auth::{Caller, Owned, is_group_deleted};
use crate::body::{Json as JsonBody, NoBody};
use crate::error::ApiError;
use axum::Json;
use axum::extract::State as Held;
use dataset_core::dataset::{Dataset, State, Status, taken_back};
use dataset_core::drift::drift;
use dataset_core::{Error, ErrorCode, Result, outbox, uploads};
use dataset_types::ErrorResponse;
use dataset_types::annotations::AnnotateDataset;
use dataset_types::dataset::{self as api, DeleteDataset, OneDataset};
use dataset_types::upload::IdempotencyKeyHeader;
use futures::FutureExt;
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
    Held(api): Held<Arc<Api>>,
    Owned(dataset): Owned<Dataset>,
) -> Result<Json<OneDataset>, ApiError> {
    answer(&api, dataset, "Dataset retrieved successfully").await
}

/// Annotate a dataset
///
/// Changes its description, tags or metadata; its rows never change. What is not given stays, and of two calls at once
/// the last one stays.
#[utoipa::path(
    patch,
    path = "/api/public/v2/datasets/{dataset_id}",
    operation_id = "annotateDataset",
    request_body = AnnotateDataset,
    responses((status = 200, description = "The dataset as it is now", body = OneDataset)),
)]
pub(super) async fn annotate(
    Held(api): Held<Arc<Api>>,
    Owned(dataset): Owned<Dataset>,
    JsonBody(change): JsonBody<AnnotateDataset>,
) -> Result<Json<OneDataset>, ApiError> {
    let annotated = api.ports.catalog.annotate(dataset.id, &change).await?;
    let annotated = annotated.ok_or_else(|| ApiError::dataset_not_found(&dataset.id))?;
    answer(&api, annotated, "Dataset annotated successfully").await
}

/// Delete a dataset
///
/// Puts a version away: it is left out of lists and its rows can't be read. Its number stays taken, and
/// `restoreDataset` brings it back. A draft is taken back: it fails as `withdrawn`, for good.
#[utoipa::path(
    delete,
    path = "/api/public/v2/datasets/{dataset_id}",
    operation_id = "deleteDataset",
    params(DeleteDataset),
    responses(
        (status = 200, description = "The deleted version, or the failure that the draft is now", body = OneDataset),
        (status = 409, description = "It is neither a version nor a draft, has not the status asked for, or has a label", body = ErrorResponse),
    ),
)]
pub(super) async fn delete(
    Held(api): Held<Arc<Api>>,
    Owned(dataset): Owned<Dataset>,
    caller: Caller,
    Query(DeleteDataset { status, unlabel }): Query<DeleteDataset>,
    _: NoBody,
) -> Result<Json<OneDataset>, ApiError> {
    let mut dataset = dataset;
    if matches!(dataset.state, State::Draft { .. }) && status.is_none_or(|status| status == Status::Draft) {
        let id = dataset.id;
        if let Some(failed) = uploads::take_back(&api.ports, &dataset).await?
            && let Err(error) = outbox::relay(&api.ports, &failed.event).await
        {
            tracing::warn!(dataset_id = id.get(), error = error.chain(), "outcome is left in the outbox");
        }
        dataset = api.ports.catalog.dataset(id).await?.ok_or_else(|| ApiError::dataset_not_found(&id))?;
    }
    match (&dataset.state, status) {
        // Also a repeat.
        (State::Failed { failure, .. }, None | Some(Status::Draft)) if *failure == taken_back() => {
            answer(&api, dataset, "Dataset withdrawn successfully").await
        }
        (state, Some(status)) if state.status() != status => {
            let (is, asked) = (<&str>::from(state.status()), <&str>::from(status));
            let message = format!("the dataset is {is} and not {asked}, so it stays; ask for it as it is");
            Err(ApiError::new(ErrorCode::StatusChanged, message))
        }
        _ => {
            if unlabel && !dataset.labels.is_empty() {
                let group = api.ports.catalog.group(dataset.group_id).await?;
                let group = group.ok_or_else(|| Error::internal(format!("dataset {} has no group", dataset.id)))?;
                labels::unlabel(&api, &caller, &group, &dataset).await?;
                dataset.labels.clear();
            }
            set(&api, &dataset, true).await?;
            answer(&api, Dataset { is_deleted: true, ..dataset }, "Dataset deleted successfully").await
        }
    }
}

/// Restore a deleted version
#[utoipa::path(
    post,
    path = "/api/public/v2/datasets/{dataset_id}/restore",
    operation_id = "restoreDataset",
    params(IdempotencyKeyHeader),
    responses((status = 200, description = "The version", body = OneDataset)),
)]
pub(super) async fn restore(
    Held(api): Held<Arc<Api>>,
    caller: Caller,
    Owned(dataset): Owned<Dataset>,
    key: CallKey,
    _: NoBody,
) -> Result<Json<OneDataset>, ApiError> {
    let (api, restored) = (api.as_ref(), &dataset);
    let make = |_| {
        async move {
            if is_group_deleted(api, restored).await? {
                let message = "the dataset group of the version is deleted, so it can't be restored";
                return Err(Error::refused(ErrorCode::DatasetGroupDeleted, message));
            }
            set(api, restored, false).await
        }
        .boxed()
    };
    once(api, &caller, key, &("restoreDataset", dataset.id), make).await?;
    answer(api, Dataset { is_deleted: false, ..dataset }, "Dataset restored successfully").await
}

async fn set(api: &Api, dataset: &Dataset, is_deleted: bool) -> Result<()> {
    if api.ports.catalog.set_deleted(dataset, is_deleted).await? {
        return Ok(());
    }
    let message =
        "only a version can be deleted or restored, and only a draft taken back; a failure is forgotten after 30 days";
    Err(Error::refused(ErrorCode::NotAVersion, message))
}

async fn answer(api: &Api, dataset: Dataset, message: &str) -> Result<Json<OneDataset>, ApiError> {
    // Also of a deleted group, whose datasets stay readable.
    let (group, drift) = tokio::try_join!(api.ports.catalog.group(dataset.group_id), drift_of(api, &dataset))?;
    let group = group.ok_or_else(|| Error::internal(format!("dataset {} has no group", dataset.id)))?;
    let dataset = api::Dataset { drift, ..view(dataset, &group) };
    Ok(Json(OneDataset { success: true, message: message.into(), dataset }))
}

/// How a version differs from the one before, deleted or not.
async fn drift_of(api: &Api, dataset: &Dataset) -> Result<Option<api::Drift>> {
    let State::Ready { version: version @ 2.., contents, .. } = &dataset.state else { return Ok(None) };
    let Some(before) = api.ports.catalog.version(dataset.group_id, version - 1).await? else { return Ok(None) };
    Ok(match api.ports.catalog.dataset(before).await?.map(|before| before.state) {
        Some(State::Ready { contents: before, .. }) => drift(&before, contents),
        _ => None,
    })
}
