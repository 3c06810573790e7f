//! Lists of datasets.

use super::view::DatasetView;
use crate::Api;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorResponse};
use crate::routes::paging::{Paging, Query};
use axum::Json;
use axum::extract::State;
use dataset_core::Result;
use dataset_core::catalog::{Listed, Scope};
use dataset_core::dataset::{self, Dataset, Status};
use dataset_core::group::Group;
use dataset_core::id::{DatasetId, GroupId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::routes) struct Listing {
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
    #[param(minimum = 1, maximum = 9007199254740991u64, default = 1)]
    page: Option<u64>,
    #[param(minimum = 1, maximum = 100, default = 10)]
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
pub(in crate::routes) struct Datasets {
    success: bool,
    message: &'static str,
    datasets: Vec<DatasetView>,
    page: u64,
    per_page: u64,
    total: u64,
    pages: u64,
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
pub(in crate::routes) async fn list(
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
            if named(&group.name) { api.ports.catalog.list(Scope::Group(id)).await? } else { Vec::new() }
        }
        None => {
            let (groups, mut listed) = tokio::try_join!(
                api.ports.catalog.group_names(caller.workspace_id),
                api.ports.catalog.list(Scope::Workspace(caller.workspace_id)),
            )?;
            let groups: HashMap<GroupId, String> = groups.into_iter().map(|group| (group.id, group.name)).collect();
            listed.retain(|dataset| groups.get(&dataset.group_id).is_some_and(|name| named(name)));
            listed
        }
    };
    let now = api.ports.clock.now();
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
    let (datasets, groups) = tokio::try_join!(api.ports.catalog.datasets(&ids), api.ports.catalog.groups(&group_ids))?;
    let groups: HashMap<GroupId, Group> = groups.into_iter().map(|group| (group.id, group)).collect();
    let view = |dataset: Dataset| Some(DatasetView::new(dataset.clone(), groups.get(&dataset.group_id)?));
    Ok(datasets.into_iter().filter_map(view).collect())
}
