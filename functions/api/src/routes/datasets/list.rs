//! Lists of datasets.

use super::view::view;
use crate::Api;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::limit::{self, MAX_ANSWER_BYTES};
use crate::routes::paging::{LOOKED_AT, Paging, Query};
use axum::Json;
use axum::extract::State;
use dataset_core::catalog::{Condition, DatasetSummary, Scope};
use dataset_core::dataset::{self, Dataset};
use dataset_core::group::Group;
use dataset_core::id::{DatasetId, GroupId};
use dataset_core::{ErrorCode, Result};
use dataset_types::ErrorResponse;
use dataset_types::dataset::{self as api, Datasets, ListDatasets, SortBy, SortOrder, StatusFilter};
use jiff::Timestamp;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The conditions of the datasets that are asked for.
fn conditions(status: Option<StatusFilter>) -> &'static [Condition] {
    match status {
        None | Some(StatusFilter::Active) => &[Condition::Draft, Condition::Ready],
        Some(StatusFilter::Draft) => &[Condition::Draft],
        Some(StatusFilter::Ready) => &[Condition::Ready],
        Some(StatusFilter::Failed) => &[Condition::Failed],
        Some(StatusFilter::Deleted) => &[Condition::Deleted],
        Some(StatusFilter::All) => &Condition::ALL,
    }
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
    let catalog = &api.ports.catalog;
    let name = wanted.name.as_ref().map(|name| name.to_lowercase());
    let is_named = |group: &str| name.as_ref().is_none_or(|name| group.to_lowercase().contains(name));
    let (scope, group) = match wanted.dataset_group_id {
        Some(id) => (Scope::Group(id), Some(caller.group(&api, id).await?)),
        None => (Scope::Workspace(caller.workspace_id), None),
    };
    let groups = async {
        Ok(match &group {
            Some(group) => Shown::AllOrNone(is_named(&group.name)),
            None if name.is_none() => {
                Shown::AllBut(catalog.deleted_groups(caller.workspace_id).await?.into_iter().collect())
            }
            None => {
                let groups = catalog.group_names(caller.workspace_id, None, LOOKED_AT).await?;
                Shown::Only(groups.into_iter().filter(|group| is_named(&group.name)).map(|group| group.id).collect())
            }
        })
    };
    let paging = Paging::new(wanted.page, wanted.per_page);
    let of = conditions(wanted.status);
    let newest = async |limit| catalog.list(scope, of, wanted.up_to_id, limit + 1).await;
    // Where the rest is counted, no more has to be looked at than the page.
    let few = paging.end().filter(|_| is_countable(&wanted)).unwrap_or(LOOKED_AT);
    let (groups, counted, listed) =
        tokio::try_join!(groups, counted(&api, &wanted, scope, group.as_ref()), newest(few))?;
    let now = api.ports.clock.now();
    let narrow = |mut listed: Vec<DatasetSummary>, limit: usize| {
        // Whoever goes on with it sees what this list has not looked at.
        let next = if listed.len() > limit { listed.pop().map(|next| next.id) } else { None };
        listed.retain(|listed| groups.shows(listed.group_id) && !is_forgotten(listed, now));
        (listed, next)
    };
    let (mut listed, mut next_up_to_id) = narrow(listed, few);
    if few < LOOKED_AT && next_up_to_id.is_some() && (counted.is_none() || listed.len() < few) {
        (listed, next_up_to_id) = narrow(newest(LOOKED_AT).await?, LOOKED_AT);
    }
    listed.sort_by(|a, b| order(&wanted, a, b));
    let found = listed.len() as u64;
    if let Some(next) = next_up_to_id.filter(|_| paging.offset() >= found && found > 0) {
        let message = format!(
            "the page is beyond the newest {LOOKED_AT} datasets, which are what a list looks at; go on with up_to_id={next}"
        );
        return Err(ApiError::new(ErrorCode::PageTooFar, message));
    }
    let total_is_capped = next_up_to_id.is_some() && counted.is_none();
    let total = if next_up_to_id.is_some() { counted.unwrap_or(found).max(found) } else { found };
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

/// The groups whose datasets are shown.
enum Shown {
    AllOrNone(bool),
    AllBut(HashSet<GroupId>),
    Only(HashSet<GroupId>),
}

impl Shown {
    fn shows(&self, group: GroupId) -> bool {
        match self {
            Self::AllOrNone(all) => *all,
            Self::AllBut(groups) => !groups.contains(&group),
            Self::Only(groups) => groups.contains(&group),
        }
    }
}

/// Whether what is asked for is counted where it is written: all versions, all drafts, or both.
fn is_countable(wanted: &ListDatasets) -> bool {
    let is_newest_first = matches!((wanted.sort_by, wanted.sort_order), (SortBy::CreatedAt, SortOrder::Desc));
    let is_counted = |condition: &Condition| matches!(condition, Condition::Draft | Condition::Ready);
    let is_whole = wanted.name.is_none() && wanted.up_to_id.is_none();
    is_newest_first && is_whole && conditions(wanted.status).iter().all(is_counted)
}

/// How many there are, if that is known without looking at them all.
async fn counted(api: &Api, wanted: &ListDatasets, scope: Scope, group: Option<&Group>) -> Result<Option<u64>> {
    if !is_countable(wanted) {
        return Ok(None);
    }
    let of = conditions(wanted.status);
    let versions = async {
        Ok(match (group, scope) {
            _ if !of.contains(&Condition::Ready) => Some(0),
            (Some(group), _) => group.versions(),
            (None, Scope::Workspace(id)) => api.ports.catalog.totals(id).await?.map(|totals| totals.versions),
            (None, Scope::Group(_)) => None,
        })
    };
    let drafts = async { if of.contains(&Condition::Draft) { api.ports.catalog.drafts(scope).await } else { Ok(0) } };
    let (versions, drafts) = tokio::try_join!(versions, drafts)?;
    Ok(versions.map(|versions| versions + drafts))
}

/// DynamoDB removes expired items late.
fn is_forgotten(listed: &DatasetSummary, now: Timestamp) -> bool {
    listed.condition == Condition::Failed && listed.finished_at.is_some_and(|at| dataset::is_forgotten(at, now))
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
