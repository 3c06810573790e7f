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
use dataset_core::id::{DatasetId, GroupId, WorkspaceId};
use dataset_core::{ErrorCode, Result};
use dataset_types::ErrorResponse;
use dataset_types::dataset::{self as api, Datasets, ListDatasets, SortBy, SortOrder, StatusFilter};
use jiff::Timestamp;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
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
    let (scope, group) = match wanted.dataset_group_id {
        Some(id) => (Scope::Group(id), Some(caller.group(&api, id).await?)),
        None => (Scope::Workspace(caller.workspace_id), None),
    };
    let list = List { api: &api, wanted: &wanted, scope, group, workspace_id: caller.workspace_id };
    let paging = Paging::new(wanted.page, wanted.per_page);
    if wanted.tag.is_some() || wanted.metadata.is_some() {
        return list.annotated(paging).await;
    }
    let all = LOOKED_AT.max(paging.end().unwrap_or_default());
    // Where the rest is counted, no more has to be looked at than the page.
    let few = paging.end().filter(|_| is_countable(&wanted)).map_or(all, |end| (end + SURPLUS).min(all));
    let (counted, mut looked) = tokio::try_join!(list.counted(), list.look(few))?;
    let is_enough = counted.is_some() && paging.end().is_some_and(|end| looked.found.len() > end);
    if few < all && looked.next.is_some() && !is_enough {
        looked = list.look(all).await?;
    }
    let Looked { mut found, next } = looked;
    found.sort_by(|a, b| order(&wanted, a, b));
    let count = found.len() as u64;
    if let Some(next) = next.filter(|_| paging.offset() >= count && count > 0) {
        let message = format!(
            "the page is beyond the newest {LOOKED_AT} datasets, which are what a list looks at; go on with up_to_id={next}"
        );
        return Err(ApiError::new(ErrorCode::PageTooFar, message));
    }
    let (total, total_is_capped) = match (next, counted) {
        (None, _) => (count, false),
        (Some(_), Some(counted)) => (counted.max(count), false),
        (Some(_), None) => (count, true),
    };
    let behind = paging.end().and_then(|end| found.get(end)).map(|behind| behind.id);
    Ok(Json(Datasets {
        success: true,
        message: "Datasets retrieved successfully".into(),
        datasets: read(&api, &paging.cut(found)).await?,
        page: wanted.page.get(),
        per_page: wanted.per_page.get(),
        total,
        pages: paging.pages(total),
        total_is_capped,
        next_up_to_id: behind.filter(|_| is_newest_first(&wanted)).or(next),
    }))
}

/// Datasets that are looked at beyond a page, since some of them may not be wanted.
const SURPLUS: usize = 100;

/// Datasets that are read whole for a page, and at once: one may have 400 KB.
const MAX_READ: usize = 1_000;
const READ_AT_ONCE: usize = 100;

/// A list that is asked for.
struct List<'a> {
    api: &'a Api,
    wanted: &'a ListDatasets,
    scope: Scope,
    group: Option<Group>,
    workspace_id: WorkspaceId,
}

/// What is wanted of the newest datasets, and the first that was not looked at.
struct Looked {
    found: Vec<DatasetSummary>,
    next: Option<DatasetId>,
}

impl List<'_> {
    /// Looks at so many of the newest datasets.
    async fn look(&self, limit: usize) -> Result<Looked> {
        let mut found = self.api.ports.catalog.list(self.scope, self.wanted.up_to_id, limit + 1).await?;
        let next = if found.len() > limit { found.pop().map(|next| next.id) } else { None };
        let (of, now) = (conditions(self.wanted.status), self.api.ports.clock.now());
        found.retain(|found| of.contains(&found.condition) && !is_forgotten(found, now));
        let groups = self.shown(found.iter().map(|found| found.group_id)).await?;
        found.retain(|found| groups.contains(&found.group_id));
        Ok(Looked { found, next })
    }

    /// A page of those that have what is asked for in their annotations, which no index has: so they are read whole,
    /// newest first, until the page is full or enough of them are read.
    async fn annotated(&self, paging: Paging) -> Result<Json<Datasets>, ApiError> {
        if paging.offset() > 0 || !is_newest_first(self.wanted) {
            let message = "a list by tag or metadata is newest first, and goes on with next_up_to_id as up_to_id; leave page, sort_by and sort_order out";
            return Err(ApiError::new(ErrorCode::InvalidParameter, message));
        }
        let (tag, metadata) = (self.wanted.tag.as_ref(), self.wanted.metadata.as_ref().map(|query| &query.0));
        let Looked { found, next } = self.look(LOOKED_AT).await?;
        let per_page = self.wanted.per_page.get() as usize;
        let (mut page, mut behind) = (Vec::new(), found.get(MAX_READ).map(|found| found.id).or(next));
        for some in found[..found.len().min(MAX_READ)].chunks(READ_AT_ONCE) {
            let datasets = whole(self.api, some).await?;
            page.extend(datasets.into_iter().filter(|dataset| dataset.annotations.have(tag, metadata)));
            if page.len() > per_page {
                behind = Some(page[per_page].id);
                page.truncate(per_page);
                break;
            }
        }
        let total = page.len() as u64;
        Ok(Json(Datasets {
            success: true,
            message: "Datasets retrieved successfully".into(),
            datasets: views(&groups_of(self.api, page.iter().map(|dataset| dataset.group_id)).await?, page),
            page: 1,
            per_page: self.wanted.per_page.get(),
            total,
            pages: paging.pages(total),
            total_is_capped: behind.is_some(),
            next_up_to_id: behind,
        }))
    }

    /// Those of the groups that are not deleted and have the name that is asked for.
    async fn shown(&self, ids: impl Iterator<Item = GroupId>) -> Result<HashSet<GroupId>> {
        let name = self.wanted.name.as_ref().map(|name| name.to_lowercase());
        let is_named = |group: &Group| name.as_ref().is_none_or(|name| group.name.to_lowercase().contains(name));
        let groups = match &self.group {
            Some(group) => vec![group.clone()],
            None => {
                self.api.ports.catalog.groups(&ids.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()).await?
            }
        };
        Ok(groups.into_iter().filter(|group| !group.is_deleted && is_named(group)).map(|group| group.id).collect())
    }

    /// How many there are, if that is known without looking at them all.
    async fn counted(&self) -> Result<Option<u64>> {
        if !is_countable(self.wanted) {
            return Ok(None);
        }
        let (catalog, of) = (&self.api.ports.catalog, conditions(self.wanted.status));
        let drafts = async {
            if !of.contains(&Condition::Draft) {
                return Ok(Some(Vec::new()));
            }
            let drafts = catalog.drafts(self.workspace_id, LOOKED_AT + 1).await;
            // A table that was restored from a time before may lack the index.
            let drafts = drafts.inspect_err(|e| tracing::warn!(error = e.chain(), "the drafts are not counted"));
            Ok(drafts.ok().filter(|drafts| drafts.len() <= LOOKED_AT))
        };
        let (Some(totals), Some(drafts)) = tokio::try_join!(catalog.totals(self.workspace_id), drafts)? else {
            return Ok(None);
        };
        let versions = match &self.group {
            _ if !of.contains(&Condition::Ready) => Some(0),
            Some(group) => group.versions(),
            None => Some(totals.versions),
        };
        let groups = self.shown(drafts.iter().copied()).await?;
        let drafts = drafts.iter().filter(|group| groups.contains(group)).count() as u64;
        Ok(versions.map(|versions| versions + drafts))
    }
}

fn is_newest_first(wanted: &ListDatasets) -> bool {
    matches!((wanted.sort_by, wanted.sort_order), (SortBy::CreatedAt, SortOrder::Desc))
}

/// Whether what is asked for is counted where it is written: all versions, all drafts, or both.
fn is_countable(wanted: &ListDatasets) -> bool {
    let is_counted = |condition: &Condition| matches!(condition, Condition::Draft | Condition::Ready);
    let is_whole = wanted.name.is_none() && wanted.up_to_id.is_none();
    is_newest_first(wanted) && is_whole && conditions(wanted.status).iter().all(is_counted)
}

/// DynamoDB removes expired items late.
fn is_forgotten(listed: &DatasetSummary, now: Timestamp) -> bool {
    listed.condition == Condition::Failed && listed.finished_at.is_some_and(|at| dataset::is_forgotten(at, now))
}

/// The whole datasets, without those that were removed since they were listed.
async fn whole(api: &Api, listed: &[DatasetSummary]) -> Result<Vec<Dataset>> {
    let ids: Vec<DatasetId> = listed.iter().map(|listed| listed.id).collect();
    api.ports.catalog.datasets(&ids).await
}

async fn groups_of(api: &Api, ids: impl Iterator<Item = GroupId>) -> Result<HashMap<GroupId, Group>> {
    let ids: BTreeSet<GroupId> = ids.collect();
    let groups = api.ports.catalog.groups(&ids.into_iter().collect::<Vec<_>>()).await?;
    Ok(groups.into_iter().map(|group| (group.id, group)).collect())
}

async fn read(api: &Api, page: &[DatasetSummary]) -> Result<Vec<api::Dataset>> {
    let groups = groups_of(api, page.iter().map(|listed| listed.group_id));
    let (datasets, groups) = tokio::try_join!(whole(api, page), groups)?;
    Ok(views(&groups, datasets))
}

fn views(groups: &HashMap<GroupId, Group>, datasets: Vec<Dataset>) -> Vec<api::Dataset> {
    let full = |dataset: Dataset| {
        let group = groups.get(&dataset.group_id)?;
        let mut view = view(dataset, group);
        // A hundred failures would have ten thousand.
        view.failure.iter_mut().for_each(|failure| failure.violations.clear());
        Some(view)
    };
    let mut views: Vec<_> = datasets.into_iter().filter_map(full).collect();
    cut_column_names(&mut views, MAX_COLUMN_NAMES_BYTES);
    views
}

/// What the rest of an answer leaves of the limit: a hundred names of files and of groups, and annotations, of which
/// each has up to 20 KB with what is escaped.
const MAX_COLUMN_NAMES_BYTES: usize = MAX_ANSWER_BYTES - 3_000_000;

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
