//! Datasets: drafts, versions, failures.

use super::paging::{Paging, Path, Query};
use crate::Api;
use crate::auth::Caller;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use dataset_core::catalog::Scope;
use dataset_core::dataset::{Dataset, Failure, State as DatasetState};
use dataset_core::group::Group;
use dataset_core::id::{DatasetId, GroupId, UserId, WorkspaceId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Listing {
    dataset_group_id: Option<GroupId>,
    name: Option<String>,
    status: Option<Status>,
    page: Option<u64>,
    per_page: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Draft,
    Ready,
    Failed,
}

#[derive(Serialize)]
pub(super) struct Datasets {
    success: bool,
    message: &'static str,
    datasets: Vec<DatasetView>,
    page: u64,
    per_page: u64,
    total: u64,
    pages: u64,
}

#[derive(Serialize)]
pub(super) struct One {
    success: bool,
    message: &'static str,
    dataset: DatasetView,
}

/// The original's fields, then ours.
#[derive(Serialize)]
struct DatasetView {
    id: DatasetId,
    dataset_group_id: GroupId,
    version_number: i64,
    column_names: Option<Vec<String>>,
    is_deleted: bool,
    user_id: UserId,
    dataset_group: GroupView,
    external_ids: [(); 0],
    filter_params: Option<()>,
    status: Status,
    file_name: String,
    file_size: u64,
    row_count: Option<u64>,
    created_at: String,
    finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

#[derive(Serialize)]
struct GroupView {
    id: GroupId,
    name: String,
    workspace_id: WorkspaceId,
    is_deleted: bool,
}

impl DatasetView {
    fn new(dataset: Dataset, group: &Group) -> Self {
        let version_number = dataset.version_number();
        let (status, finished_at, contents, failure) = match dataset.state {
            DatasetState::Draft { .. } => (Status::Draft, None, None, None),
            DatasetState::Ready { finished_at, contents, .. } => {
                (Status::Ready, Some(finished_at), Some(contents), None)
            }
            DatasetState::Failed { finished_at, failure } => (Status::Failed, Some(finished_at), None, Some(failure)),
        };
        Self {
            id: dataset.id,
            dataset_group_id: dataset.group_id,
            version_number,
            row_count: contents.as_ref().map(|c| c.row_count),
            column_names: contents.map(|c| c.columns),
            is_deleted: false,
            user_id: dataset.user_id,
            dataset_group: GroupView {
                id: group.id,
                name: group.name.clone(),
                workspace_id: group.workspace_id,
                is_deleted: false,
            },
            external_ids: [],
            filter_params: None,
            status,
            file_name: dataset.file_name.as_str().to_owned(),
            file_size: dataset.file_size_bytes,
            created_at: dataset.created_at.to_string(),
            finished_at: finished_at.map(|at| at.to_string()),
            failure,
        }
    }
}

fn status(dataset: &Dataset) -> Status {
    match dataset.state {
        DatasetState::Draft { .. } => Status::Draft,
        DatasetState::Ready { .. } => Status::Ready,
        DatasetState::Failed { .. } => Status::Failed,
    }
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Query(listing): Query<Listing>,
) -> Result<Json<Datasets>, ApiError> {
    let paging = Paging::new(listing.page, listing.per_page)?;
    let groups: HashMap<GroupId, Group> = match listing.dataset_group_id {
        Some(id) => HashMap::from([(id, caller.group(&api, id).await?)]),
        None => api.catalog.groups(caller.workspace_id).await?.into_iter().map(|group| (group.id, group)).collect(),
    };
    let name = listing.name.map(|name| name.to_lowercase());
    let named = |group: &Group| name.as_ref().is_none_or(|name| group.name.to_lowercase().contains(name));
    let scope = listing.dataset_group_id.map_or(caller.scope(), Scope::Group);
    let datasets = api.catalog.datasets(scope, listing.status == Some(Status::Failed)).await?;
    let now = api.clock.now();
    let wanted: Vec<(Dataset, &Group)> = datasets
        .into_iter()
        .filter(|dataset| !dataset.is_forgotten(now))
        .filter(|dataset| listing.status.is_none_or(|wanted| wanted == status(dataset)))
        .filter_map(|dataset| groups.get(&dataset.group_id).map(|group| (dataset, group)))
        .filter(|(_, group)| named(group))
        .collect();
    let total = wanted.len() as u64;
    Ok(Json(Datasets {
        success: true,
        message: "Datasets retrieved successfully",
        datasets: paging.cut(wanted).into_iter().map(|(dataset, group)| DatasetView::new(dataset, group)).collect(),
        page: paging.page,
        per_page: paging.per_page,
        total,
        pages: paging.pages(total),
    }))
}

pub(super) async fn read(State(api): State<Arc<Api>>, caller: Caller, Path(id): Path) -> Result<Json<One>, ApiError> {
    let dataset = caller.dataset(&api, &id).await?;
    let group = caller.group(&api, dataset.group_id).await?;
    let dataset = DatasetView::new(dataset, &group);
    Ok(Json(One { success: true, message: "Dataset retrieved successfully", dataset }))
}
