//! Who is calling.

use crate::Api;
use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use dataset_core::api_key::ApiKey;
use dataset_core::catalog::Scope;
use dataset_core::dataset::Dataset;
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
        let grant = api.api_keys.grant(&key.hash()).await?.ok_or_else(ApiError::unauthorized)?;
        Ok(Self { workspace_id: grant.workspace_id, user_id: grant.user_id })
    }
}

impl Caller {
    /// The group, if it exists and is of the caller's workspace.
    pub(crate) async fn group(&self, api: &Api, id: GroupId) -> Result<Group> {
        let group = api.catalog.group(id).await?;
        let group = group.ok_or_else(|| {
            Error::not_found("dataset_group_not_found", format!("there is no dataset group with id {id}"))
        })?;
        if group.workspace_id != self.workspace_id {
            return Err(Error::forbidden(
                "access_denied",
                "the dataset group belongs to another workspace; use a key of that workspace",
            ));
        }
        Ok(group)
    }

    /// The dataset, if it exists and is of the caller's workspace. One of
    /// another workspace is as good as none.
    pub(crate) async fn dataset(&self, api: &Api, id: &str) -> Result<Dataset, ApiError> {
        let id: DatasetId = id.parse().map_err(|_| ApiError::dataset_not_found())?;
        let dataset = api.catalog.dataset(id).await?.filter(|d| d.workspace_id == self.workspace_id);
        // The store takes its time to remove what has outlived its use.
        let dataset = dataset.filter(|d| !d.is_forgotten(api.clock.now()));
        dataset.ok_or_else(ApiError::dataset_not_found)
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::Workspace(self.workspace_id)
    }
}
