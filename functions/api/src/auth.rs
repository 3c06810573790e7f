//! Authentication, and access to what belongs to the caller.

use crate::Api;
use crate::error::ApiError;
use crate::routes::{LOOKED_AT, Path};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use dataset_core::api_key::ApiKey;
use dataset_core::api_keys::Admission;
use dataset_core::catalog::{Condition, Scope};
use dataset_core::dataset::{Dataset, State};
use dataset_core::group::Group;
use dataset_core::id::{DatasetId, GroupId, UserId, WebhookId, WorkspaceId};
use dataset_core::webhook::Webhook;
use dataset_core::{Error, ErrorCode, Result};
use dataset_types::address::VersionName;
use std::sync::Arc;

const HEADER: &str = "x-api-key";

/// The principal behind the key in `X-API-KEY`.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) user_id: UserId,
}

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        // A key is admitted, and counted, once for each request.
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let key = parts.headers.get(HEADER).and_then(|value| value.to_str().ok());
        let key = key.and_then(|key| ApiKey::parse(key).ok()).ok_or_else(ApiError::unauthorized)?;
        let now = api.ports.clock.now();
        let caller = match api.api_keys.admit(&key.hash(), now, api.call_limit).await? {
            Admission::Granted(grant) => Self { workspace_id: grant.workspace_id, user_id: grant.user_id },
            Admission::Limited { until } => {
                return Err(ApiError::too_many_requests(until.duration_since(now).try_into().unwrap_or_default()));
            }
            Admission::Unknown => return Err(ApiError::unauthorized()),
        };
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

/// What the first parameter of the path names. Rejected unless it is the caller's.
pub(crate) struct Owned<T>(pub(crate) T);

/// A dataset whose rows can be read.
pub(crate) struct Version(pub(crate) Dataset);

/// The parameters of the path, each by its name.
struct Names(Vec<(String, String)>);

impl Names {
    fn of(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn first(&self) -> &str {
        self.0.first().map_or("", |(_, value)| value)
    }
}

macro_rules! owned {
    ($($type:ty: $find:ident)+) => {
        $(impl FromRequestParts<Arc<Api>> for Owned<$type> {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
                let caller = Caller::from_request_parts(parts, api).await?;
                let Path(names) = Path::<Vec<(String, String)>>::from_request_parts(parts, api).await?;
                caller.$find(api, &Names(names)).await.map(Self)
            }
        })+
    };
}

owned! {
    Dataset: named_dataset
    Version: named_version
    Group: named_group
    Webhook: named_webhook
}

impl Caller {
    /// Who calls, and the group if there is one, which are looked up at once.
    pub(crate) async fn with_group(
        parts: &mut Parts,
        api: &Arc<Api>,
        group: Option<GroupId>,
    ) -> Result<(Self, Option<Group>), ApiError> {
        let found = async {
            match group {
                Some(id) => api.ports.catalog.group(id).await,
                None => Ok(None),
            }
        };
        let (caller, found) = tokio::join!(Self::from_request_parts(parts, api), found);
        // Whoever is unknown learns nothing of groups.
        let caller = caller?;
        let group = found?.map(|group| caller.owns(group)).transpose()?.flatten();
        Ok((caller, group))
    }

    /// The group, if it exists and is of the caller's workspace. One that is deleted is as good as none.
    pub(crate) async fn group(&self, api: &Api, id: GroupId) -> Result<Group, ApiError> {
        let group = api.ports.catalog.group(id).await?.map(|group| self.owns(group)).transpose()?.flatten();
        group.ok_or_else(|| ApiError::group_not_found(&id))
    }

    /// `None` for a group that is deleted.
    fn owns(&self, group: Group) -> Result<Option<Group>, ApiError> {
        if group.is_deleted {
            return Ok(None);
        }
        if group.workspace_id != self.workspace_id {
            return Err(Error::refused(
                ErrorCode::AccessDenied,
                "the dataset group belongs to another workspace; use a key of that workspace",
            )
            .into());
        }
        Ok(Some(group))
    }

    /// The group whose id is in the path.
    async fn named_group(&self, api: &Api, names: &Names) -> Result<Group, ApiError> {
        let id = names.first();
        self.group(api, id.parse().map_err(|_| ApiError::group_not_found(id))?).await
    }

    async fn named_webhook(&self, api: &Api, names: &Names) -> Result<Webhook, ApiError> {
        let id = names.first();
        let id: WebhookId = id.parse().map_err(|_| ApiError::webhook_not_found(id))?;
        let webhook = api.ports.webhooks.webhook(self.workspace_id, id).await?;
        webhook.ok_or_else(|| ApiError::webhook_not_found(&id))
    }

    /// By its id, or by its number in a group.
    async fn named_dataset(&self, api: &Api, names: &Names) -> Result<Dataset, ApiError> {
        let Some(version) = names.of("version") else {
            let id = names.first();
            return self.dataset(api, id.parse().map_err(|_| ApiError::dataset_not_found(id))?).await;
        };
        let group = self.named_group(api, names).await?;
        let name: VersionName = version.parse().map_err(|_| ApiError::version_not_found(&group, version))?;
        let id = version_of(api, &group, &name).await?.ok_or_else(|| ApiError::version_not_found(&group, version))?;
        self.dataset(api, id).await
    }

    async fn dataset(&self, api: &Api, id: DatasetId) -> Result<Dataset, ApiError> {
        let dataset = api.ports.catalog.dataset(id).await?.filter(|d| d.workspace_id == self.workspace_id);
        // DynamoDB removes expired items late.
        let dataset = dataset.filter(|d| !d.is_forgotten(api.ports.clock.now()));
        dataset.ok_or_else(|| ApiError::dataset_not_found(&id))
    }

    async fn named_version(&self, api: &Api, names: &Names) -> Result<Version, ApiError> {
        readable(api, self.named_dataset(api, names).await?).await
    }

    /// The dataset, if its rows can be read.
    pub(crate) async fn version(&self, api: &Api, id: DatasetId) -> Result<Version, ApiError> {
        readable(api, self.dataset(api, id).await?).await
    }
}

/// The version of a group that has this name.
pub(crate) async fn version_of(api: &Api, group: &Group, name: &VersionName) -> Result<Option<DatasetId>> {
    let catalog = &api.ports.catalog;
    let number = match name {
        // Whatever was not published is looked for nowhere.
        VersionName::Number(number) if !(1..=group.latest_version).contains(number) => return Ok(None),
        VersionName::Number(number) => *number,
        VersionName::Labelled(name) => {
            return Ok(api.ports.labels.label(group.id, name).await?.map(|label| label.dataset_id));
        }
        VersionName::Latest => return newest(api, group).await,
    };
    catalog.version(group.id, number).await
}

async fn newest(api: &Api, group: &Group) -> Result<Option<DatasetId>> {
    let catalog = &api.ports.catalog;
    let newest = match catalog.version(group.id, group.latest_version).await? {
        Some(id) => catalog.dataset(id).await?.filter(|dataset| !dataset.is_deleted),
        None => None,
    };
    if let Some(newest) = newest {
        return Ok(Some(newest.id));
    }
    let listed = catalog.list(Scope::Group(group.id), None, LOOKED_AT).await?;
    let ready = listed.into_iter().filter(|listed| listed.condition == Condition::Ready);
    Ok(ready.max_by_key(|listed| listed.version).map(|listed| listed.id))
}

async fn readable(api: &Api, dataset: Dataset) -> Result<Version, ApiError> {
    let (code, message) = match dataset.state {
        State::Ready { .. } if dataset.is_deleted => {
            (ErrorCode::DatasetDeleted, "the version is deleted; restore it to read its rows")
        }
        State::Ready { .. } if is_group_deleted(api, &dataset).await? => {
            (ErrorCode::DatasetGroupDeleted, "the dataset group of the version is deleted, and its rows with it")
        }
        State::Ready { .. } => return Ok(Version(dataset)),
        State::Draft { .. } => {
            (ErrorCode::DatasetNotReady, "the dataset is still a draft; ask again when its status is ready")
        }
        State::Failed { .. } => (
            ErrorCode::DatasetFailed,
            "the file of this dataset could not be taken in, so it has no rows; its failure says why",
        ),
    };
    Err(ApiError::new(code, message))
}

pub(crate) async fn is_group_deleted(api: &Api, dataset: &Dataset) -> Result<bool> {
    Ok(api.ports.catalog.group(dataset.group_id).await?.is_none_or(|group| group.is_deleted))
}
