//! Datasets: drafts, versions, failures.

use super::paging::{Paging, Path, Query};
use crate::Api;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorResponse};
use axum::Json;
use axum::extract::State;
use dataset_core::catalog::{Listed, Scope};
use dataset_core::dataset::{self, Dataset, Failure, State as DatasetState, Status};
use dataset_core::group::Group;
use dataset_core::id::{DatasetId, GroupId, UserId, WorkspaceId};
use dataset_core::{Error, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// Datasets of this group alone.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 9007199254740991u64)]
    dataset_group_id: Option<GroupId>,
    /// Datasets whose group has this in its name, in any case.
    name: Option<String>,
    /// Without it: versions that are not deleted, and drafts.
    #[param(inline)]
    status: Option<StatusFilter>,
    /// Datasets up to this identifier: the pages of a list stay as they are while others write.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 9007199254740991u64)]
    up_to_id: Option<DatasetId>,
    #[serde(default)]
    #[param(inline, required = false)]
    sort_by: SortBy,
    #[serde(default)]
    #[param(inline, required = false)]
    sort_order: SortOrder,
    /// Counts from 1.
    #[param(minimum = 1, maximum = 9007199254740991u64)]
    page: Option<u64>,
    #[param(minimum = 1, maximum = 100)]
    per_page: Option<u64>,
}

/// By what became of a dataset, or by whether it has been deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StatusFilter {
    Draft,
    Ready,
    Failed,
    Active,
    Deleted,
    All,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SortBy {
    #[default]
    CreatedAt,
    FinishedAt,
    VersionNumber,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SortOrder {
    Asc,
    #[default]
    Desc,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Datasets {
    success: bool,
    message: &'static str,
    datasets: Vec<DatasetView>,
    page: u64,
    per_page: u64,
    total: u64,
    pages: u64,
}

#[derive(Serialize, ToSchema)]
pub(super) struct OneDataset {
    success: bool,
    message: &'static str,
    dataset: DatasetView,
}

/// The original's fields, then ours.
#[derive(Serialize, ToSchema)]
#[schema(as = Dataset)]
struct DatasetView {
    #[schema(value_type = u64, minimum = 1)]
    id: DatasetId,
    #[schema(value_type = u64, minimum = 1)]
    dataset_group_id: GroupId,
    /// 1, 2, 3 ... in its group; -1 for what is no version.
    #[schema(minimum = -1)]
    version_number: i64,
    /// Of a version.
    #[schema(required)]
    column_names: Option<Vec<String>>,
    is_deleted: bool,
    #[schema(value_type = u64, minimum = 1)]
    user_id: UserId,
    dataset_group: GroupView,
    #[schema(value_type = Vec<String>)]
    external_ids: [(); 0],
    #[schema(value_type = Option<Object>, required)]
    filter_params: Option<()>,
    #[schema(schema_with = status)]
    status: Status,
    file_name: String,
    /// In bytes.
    file_size: u64,
    /// Of a version.
    #[schema(required)]
    row_count: Option<u64>,
    #[schema(format = "date-time")]
    created_at: String,
    /// When it became a version or failed.
    #[schema(required, format = "date-time")]
    finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureView>,
}

/// Why the file did not become a version, and where in it. Readable for 30 days.
#[derive(Serialize, ToSchema)]
#[schema(as = Failure)]
struct FailureView {
    /// A stable word for programs.
    code: String,
    message: String,
    /// 1 is the first data row.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<u64>,
    /// A physical line of the file; 1 is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// By its name where it has one, else by its position from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = column, required = false)]
    column: Option<dataset::Column>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = DatasetGroup)]
struct GroupView {
    #[schema(value_type = u64, minimum = 1)]
    id: GroupId,
    name: String,
    #[schema(value_type = u64, minimum = 1)]
    workspace_id: WorkspaceId,
    is_deleted: bool,
}

fn column() -> Schema {
    let name = ObjectBuilder::new().schema_type(Type::String);
    let index = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let description = "By its name where it has one, else by its position from 1.";
    OneOfBuilder::new().item(name).item(index).description(Some(description)).into()
}

fn status() -> Schema {
    let names = [Status::Draft, Status::Ready, Status::Failed].map(|status| serde_json::json!(status));
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
}

impl DatasetView {
    fn new(dataset: Dataset, group: &Group) -> Self {
        let (version_number, status) = (dataset.version_number(), dataset.state.status());
        let (finished_at, contents, failure) = match dataset.state {
            DatasetState::Draft { .. } => (None, None, None),
            DatasetState::Ready { finished_at, contents, .. } => (Some(finished_at), Some(contents), None),
            DatasetState::Failed { finished_at, failure } => (Some(finished_at), None, Some(failure)),
        };
        Self {
            id: dataset.id,
            dataset_group_id: dataset.group_id,
            version_number,
            row_count: contents.as_ref().map(|c| c.row_count),
            column_names: contents.map(|c| c.columns),
            is_deleted: dataset.is_deleted,
            user_id: dataset.user_id,
            dataset_group: GroupView {
                id: group.id,
                name: group.name.clone(),
                workspace_id: group.workspace_id,
                is_deleted: group.is_deleted,
            },
            external_ids: [],
            filter_params: None,
            status,
            file_name: dataset.file_name.as_str().to_owned(),
            file_size: dataset.file_size_bytes,
            created_at: dataset.created_at.to_string(),
            finished_at: finished_at.map(|at| at.to_string()),
            failure: failure.map(FailureView::new),
        }
    }
}

impl FailureView {
    fn new(Failure { code, message, row, line, column }: Failure) -> Self {
        Self { code, message, row, line, column }
    }
}

impl Listing {
    fn wants(&self, listed: &Listed, now: Timestamp) -> bool {
        let status = match self.status {
            None | Some(StatusFilter::Active) => listed.status != Status::Failed && !listed.is_deleted,
            Some(StatusFilter::Draft) => listed.status == Status::Draft,
            Some(StatusFilter::Ready) => listed.status == Status::Ready && !listed.is_deleted,
            Some(StatusFilter::Failed) => listed.status == Status::Failed,
            Some(StatusFilter::Deleted) => listed.is_deleted,
            Some(StatusFilter::All) => true,
        };
        // The store takes its time to remove what has outlived its use.
        let forgotten = listed.status == Status::Failed
            && listed.finished_at.is_some_and(|failed_at| dataset::is_forgotten(failed_at, now));
        status && !forgotten && self.up_to_id.is_none_or(|last| listed.id <= last)
    }

    /// Identifiers are ordered in time, and decide where all else is equal.
    fn order(&self, a: &Listed, b: &Listed) -> Ordering {
        let order = match self.sort_by {
            SortBy::CreatedAt => Ordering::Equal,
            SortBy::FinishedAt => a.finished_at.cmp(&b.finished_at),
            SortBy::VersionNumber => a.version.cmp(&b.version),
        };
        let order = order.then(a.id.cmp(&b.id));
        match self.sort_order {
            SortOrder::Asc => order,
            SortOrder::Desc => order.reverse(),
        }
    }
}

/// List datasets
///
/// Drafts, versions and failures of the workspace, newest first unless asked otherwise.
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets",
    operation_id = "listDatasets",
    tag = "datasets",
    params(Listing),
    responses(
        (status = 200, description = "A page of datasets; one beyond the end is empty", body = Datasets),
        (status = 403, description = "The dataset group belongs to another workspace", body = ErrorResponse),
        (status = 404, description = "There is no such dataset group", body = ErrorResponse),
    ),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Query(listing): Query<Listing>,
) -> Result<Json<Datasets>, ApiError> {
    let paging = Paging::new(listing.page, listing.per_page)?;
    let name = listing.name.as_ref().map(|name| name.to_lowercase());
    let named = |group: &str| name.as_ref().is_none_or(|name| group.to_lowercase().contains(name));
    let mut wanted = match listing.dataset_group_id {
        Some(id) => {
            let group = caller.group(&api, id).await?;
            if named(&group.name) { api.catalog.list(Scope::Group(id)).await? } else { Vec::new() }
        }
        None => {
            let (groups, mut listed) = tokio::try_join!(
                api.catalog.group_names(caller.workspace_id),
                api.catalog.list(Scope::Workspace(caller.workspace_id)),
            )?;
            let groups: HashMap<GroupId, String> = groups.into_iter().map(|group| (group.id, group.name)).collect();
            listed.retain(|dataset| groups.get(&dataset.group_id).is_some_and(|name| named(name)));
            listed
        }
    };
    let now = api.clock.now();
    wanted.retain(|listed| listing.wants(listed, now));
    wanted.sort_by(|a, b| listing.order(a, b));
    let total = wanted.len() as u64;
    Ok(Json(Datasets {
        success: true,
        message: "Datasets retrieved successfully",
        datasets: views(&api, &paging.cut(wanted)).await?,
        page: paging.page,
        per_page: paging.per_page,
        total,
        pages: paging.pages(total),
    }))
}

/// The datasets in full. What was removed since it was listed is left out.
async fn views(api: &Api, page: &[Listed]) -> Result<Vec<DatasetView>> {
    let ids: Vec<DatasetId> = page.iter().map(|listed| listed.id).collect();
    let mut group_ids: Vec<GroupId> = page.iter().map(|listed| listed.group_id).collect();
    group_ids.sort_unstable();
    group_ids.dedup();
    let (datasets, groups) = tokio::try_join!(api.catalog.datasets(&ids), api.catalog.groups(&group_ids))?;
    let groups: HashMap<GroupId, Group> = groups.into_iter().map(|group| (group.id, group)).collect();
    let view = |dataset: Dataset| Some(DatasetView::new(dataset.clone(), groups.get(&dataset.group_id)?));
    Ok(datasets.into_iter().filter_map(view).collect())
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
    if !api.catalog.set_deleted(dataset.id, is_deleted).await? {
        let message = "only a version can be deleted or restored; a draft ends by itself, and a failure is forgotten after 30 days";
        return Err(ApiError::conflict("not_a_version", message));
    }
    answer(api, Dataset { is_deleted, ..dataset }, message).await
}

async fn answer(api: &Api, dataset: Dataset, message: &'static str) -> Result<Json<OneDataset>, ApiError> {
    // Also a group that is deleted: what is known of its datasets stays readable.
    let group = api.catalog.group(dataset.group_id).await?;
    let group = group.ok_or_else(|| Error::internal(format!("dataset {} has no group", dataset.id)))?;
    Ok(Json(OneDataset { success: true, message, dataset: DatasetView::new(dataset, &group) }))
}
