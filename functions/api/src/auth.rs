//! Who is calling.

use crate::Api;
use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use dataset_core::api_key::ApiKey;
use dataset_core::api_keys::Admission;
use dataset_core::dataset::{Dataset, State};
use dataset_core::group::Group;
use dataset_core::id::{DatasetId, GroupId, UserId, WorkspaceId};
use dataset_core::{Error, Result};
use std::sync::Arc;

const HEADER: &str = "x-api-key";

/// The holder of the key in `X-API-KEY`.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) user_id: UserId,
}

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let key = parts.headers.get(HEADER).and_then(|value| value.to_str().ok());
        let key = key.and_then(|key| ApiKey::parse(key).ok()).ok_or_else(ApiError::unauthorized)?;
        let now = api.ports.clock.now();
        match api.api_keys.admit(&key.hash(), now, api.call_limit).await? {
            Admission::Granted(grant) => Ok(Self { workspace_id: grant.workspace_id, user_id: grant.user_id }),
            Admission::Limited { until } => {
                Err(ApiError::too_many_requests(until.duration_since(now).try_into().unwrap_or_default()))
            }
            Admission::Unknown => Err(ApiError::unauthorized()),
        }
    }
}

impl Caller {
    /// The group, if it exists and is of the caller's workspace. One that is
    /// deleted is as good as none.
    pub(crate) async fn group(&self, api: &Api, id: GroupId) -> Result<Group, ApiError> {
        let group = api.ports.catalog.group(id).await?.filter(|group| !group.is_deleted);
        let group = group.ok_or_else(ApiError::group_not_found)?;
        if group.workspace_id != self.workspace_id {
            return Err(Error::forbidden(
                "access_denied",
                "the dataset group belongs to another workspace; use a key of that workspace",
            )
            .into());
        }
        Ok(group)
    }

    /// The dataset, if it exists and is of the caller's workspace. One of
    /// another workspace is as good as none.
    pub(crate) async fn dataset(&self, api: &Api, id: &str) -> Result<Dataset, ApiError> {
        let id: DatasetId = id.parse().map_err(|_| ApiError::dataset_not_found())?;
        let dataset = api.ports.catalog.dataset(id).await?.filter(|d| d.workspace_id == self.workspace_id);
        // The store takes its time to remove what has outlived its use.
        let dataset = dataset.filter(|d| !d.is_forgotten(api.ports.clock.now()));
        dataset.ok_or_else(ApiError::dataset_not_found)
    }

    pub(crate) async fn is_group_deleted(&self, api: &Api, dataset: &Dataset) -> Result<bool> {
        Ok(api.ports.catalog.group(dataset.group_id).await?.is_none_or(|group| group.is_deleted))
    }

    /// The dataset, if its rows can be read.
    pub(crate) async fn version(&self, api: &Api, id: &str) -> Result<Dataset, ApiError> {
        let dataset = self.dataset(api, id).await?;
        let (code, message) = match dataset.state {
            State::Ready { .. } if dataset.is_deleted => {
                ("dataset_deleted", "the version is deleted; restore it to read its rows")
            }
            State::Ready { .. } if self.is_group_deleted(api, &dataset).await? => {
                ("dataset_group_deleted", "the dataset group of the version is deleted, and its rows with it")
            }
            State::Ready { .. } => return Ok(dataset),
            State::Draft { .. } => {
                ("dataset_not_ready", "the dataset is still a draft; ask again when its status is ready")
            }
            State::Failed { .. } => (
                "dataset_failed",
                "the file of this dataset could not be taken in, so it has no rows; its failure says why",
            ),
        };
        Err(ApiError::conflict(code, message))
    }
}
