//! Lists of datasets.

use super::view::view;
use crate::Api;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::limit::{self, MAX_ANSWER_BYTES};
use crate::routes::paging::{Paging, Query};
use axum::Json;
use axum::extract::State;
use dataset_core::catalog::{DatasetSummary, Scope};
use dataset_core::dataset::{self, Dataset, Status};
use dataset_core::group::Group;
use dataset_core::id::{DatasetId, GroupId};
use dataset_core::{ErrorCode, Result};
use dataset_types::ErrorResponse;
use dataset_types::dataset::{self as api, Datasets, ListDatasets, SortBy, SortOrder, StatusFilter};
use jiff::Timestamp;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A list looks at so many datasets, however many there are.
const LOOKED_AT: usize = 10_000;

fn is_wanted(wanted: &ListDatasets, listed: &DatasetSummary, now: Timestamp) -> bool {
    let status = match wanted.status {
        None | Some(StatusFilter::Active) => listed.status != Status::Failed && !listed.is_deleted,
        Some(StatusFilter::Draft) => listed.status == Status::Draft,
        Some(StatusFilter::Ready) => listed.status == Status::Ready && !listed.is_deleted,
        Some(StatusFilter::Failed) => listed.status == Status::Failed,
        Some(StatusFilter::Deleted) => listed.is_deleted,
        Some(StatusFilter::All) => true,
    };
    // DynamoDB removes expired items late.
    let forgotten = listed.status == Status::Failed
        && listed.finished_at.is_some_and(|failed_at| dataset::is_forgotten(failed_at, now));
    status && !forgotten
}

/// Identifiers are ordered in time, and break ties.
fn order(wanted: &ListDatasets, a: &DatasetSummary, b: &DatasetSummary) -> Ordering {
    let order = match wanted.sort_by {
        SortBy::CreatedAt => Ordering::Equal,
        SortBy::FinishedAt => a.finished_at.cmp(&b.finished_at),
        SortBy::VersionNumber => a.version.cmp(&b.version),
    };
    let order = order.then(a.id.cmp(&b.id));
    match wanted.sort_order {
        SortOrder::Asc => order,
        SortOrder::Desc => order.reverse(),
    }
}

/// List datasets
///
/// Drafts, versions and failures of the workspace, newest first unless asked otherwise.
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets",
    operation_id = "listDatasets",
    params(ListDatasets),
    responses(
        (status = 200, description = "A page of datasets; one beyond the end is empty", body = Datasets),
        (status = 403, description = "The dataset group belongs to another workspace", body = ErrorResponse),
        (status = 404, description = "There is no such dataset group", body = ErrorResponse),
    ),
)]
pub(in crate::routes) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Query(wanted): Query<ListDatasets>,
) -> Result<Json<Datasets>, ApiError> {
    let name = wanted.name.as_ref().map(|name| name.to_lowercase());
    let is_named = |group: &str| name.as_ref().is_none_or(|name| group.to_lowercase().contains(name));
    let newest = async |scope| api.ports.catalog.list(scope, wanted.up_to_id, LOOKED_AT + 1).await;
    let (mut listed, groups) = match wanted.dataset_group_id {
        Some(id) => {
            let group = caller.group(&api, id).await?;
            let listed = if is_named(&group.name) { newest(Scope::Group(id)).await? } else { Vec::new() };
            (listed, None)
        }
        None => {
            let (groups, listed) = tokio::try_join!(
                api.ports.catalog.group_names(caller.workspace_id),
                newest(Scope::Workspace(caller.workspace_id)),
            )?;
            let groups = groups.into_iter().filter(|group| is_named(&group.name)).map(|group| group.id);
            (listed, Some(groups.collect::<HashSet<GroupId>>()))
        }
    };
    let total_is_capped = listed.len() > LOOKED_AT;
    // Whoever goes on with it sees what this list has not looked at.
    let next_up_to_id = if total_is_capped { listed.pop().map(|next| next.id) } else { None };
    let now = api.ports.clock.now();
    listed.retain(|listed| {
        groups.as_ref().is_none_or(|groups| groups.contains(&listed.group_id)) && is_wanted(&wanted, listed, now)
    });
    listed.sort_by(|a, b| order(&wanted, a, b));
    let (total, paging) = (listed.len() as u64, Paging::new(wanted.page, wanted.per_page));
    if let Some(next) = next_up_to_id.filter(|_| paging.offset() >= total && total > 0) {
        let message = format!(
            "the page is beyond the newest {LOOKED_AT} datasets, which are what a list looks at; go on with up_to_id={next}"
        );
        return Err(ApiError::new(ErrorCode::PageTooFar, message));
    }
    Ok(Json(Datasets {
        success: true,
        message: "Datasets retrieved successfully".into(),
        datasets: views(&api, &paging.cut(listed)).await?,
        page: wanted.page.get(),
        per_page: wanted.per_page.get(),
        total,
        pages: paging.pages(total),
        total_is_capped,
        next_up_to_id,
    }))
}

/// The whole datasets, without those that were removed since they were listed.
async fn views(api: &Api, page: &[DatasetSummary]) -> Result<Vec<api::Dataset>> {
    let ids: Vec<DatasetId> = page.iter().map(|listed| listed.id).collect();
    let mut group_ids: Vec<GroupId> = page.iter().map(|listed| listed.group_id).collect();
    group_ids.sort_unstable();
    group_ids.dedup();
    let (datasets, groups) = tokio::try_join!(api.ports.catalog.datasets(&ids), api.ports.catalog.groups(&group_ids))?;
    let groups: HashMap<GroupId, Group> = groups.into_iter().map(|group| (group.id, group)).collect();
    let full = |dataset: Dataset| {
        let group = groups.get(&dataset.group_id)?;
        Some(view(dataset, group))
    };
    let mut views: Vec<_> = datasets.into_iter().filter_map(full).collect();
    cut_column_names(&mut views, MAX_COLUMN_NAMES_BYTES);
    Ok(views)
}

/// What the rest of an answer has of the limit: a hundred names of files and of groups.
const MAX_COLUMN_NAMES_BYTES: usize = MAX_ANSWER_BYTES - 1_000_000;

/// Names that stay of a version whose names are cut.
const COLUMN_NAMES_KEPT: usize = 100;

/// Cuts the names of columns, the longest lists first, until they all have at most `max_bytes` in an answer.
fn cut_column_names(datasets: &mut [api::Dataset], max_bytes: usize) {
    let bytes = |dataset: &api::Dataset| {
        let json = serde_json::to_vec(&dataset.column_names).unwrap_or_default();
        limit::length(&json)
    };
    let mut lengths: Vec<(usize, usize)> = datasets.iter().map(bytes).zip(0..).collect();
    let mut total: usize = lengths.iter().map(|(length, _)| length).sum();
    lengths.sort_unstable();
    while total > max_bytes
        && let Some((length, index)) = lengths.pop()
    {
        let dataset = &mut datasets[index];
        if let Some(names) = dataset.column_names.as_mut().filter(|names| names.len() > COLUMN_NAMES_KEPT) {
            names.truncate(COLUMN_NAMES_KEPT);
            dataset.column_names_cut = true;
            total -= length - bytes(dataset);
        }
    }
}
