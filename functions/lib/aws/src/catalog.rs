//! The catalog on DynamoDB.

mod datasets;
mod groups;
mod leases;
mod outcomes;
pub(crate) mod totals;

pub(crate) use outcomes::outbox_put;

use crate::failure::unexpected;
use crate::item::{Attributes, Read, n, s};
use crate::table::{
    DATASET, DUE_INDEX, DUE_SHARDS, Key, OUTBOX, RECEIVER_PREFIX, Table, delivery_key, due_shard, event_of,
};
use async_trait::async_trait;
use dataset_core::catalog::{
    Catalog, DatasetSummary, Due, FailedDraft, GroupName, LeaseRequest, Leased, OutboxEntry, Publication, Published,
    Scope, Totals,
};
use dataset_core::dataset::Dataset;
use dataset_core::group::Group;
use dataset_core::id::EventId;
use dataset_core::id::{DatasetId, GroupId, WorkspaceId};
use dataset_core::secret::Owner;
use dataset_core::{Error, Result};
use dataset_types::annotations::AnnotateDataset;
use dataset_types::dialect::Dialect;
use futures::future::try_join_all;
use groups::read as read_group;
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

#[async_trait]
impl Catalog for Table {
    async fn create_group(&self, group: &Group) -> Result<()> {
        groups::create(self, group).await
    }

    async fn group(&self, id: GroupId) -> Result<Option<Group>> {
        self.get(Key::group(id)).await?.map(|item| read_group(&item)).transpose()
    }

    async fn groups(&self, ids: &[GroupId]) -> Result<Vec<Group>> {
        let items = self.get_all(distinct(ids).map(Key::group)).await?;
        let groups = items.iter().map(read_group).collect::<Result<Vec<_>>>()?;
        Ok(in_order(ids, groups, |group| group.id))
    }

    async fn group_names(&self, workspace: WorkspaceId, after: Option<&str>, limit: usize) -> Result<Vec<GroupName>> {
        groups::names(self, workspace, after, limit).await
    }

    async fn totals(&self, workspace: WorkspaceId) -> Result<Option<Totals>> {
        totals::read(self, workspace).await
    }

    async fn drafts(&self, workspace: WorkspaceId, limit: usize) -> Result<Vec<GroupId>> {
        datasets::drafts(self, workspace, limit).await
    }

    async fn set_dialect(&self, id: GroupId, dialect: &Dialect) -> Result<bool> {
        groups::set_dialect(self, id, dialect).await
    }

    async fn delete_group(&self, group: &Group) -> Result<()> {
        groups::delete(self, group).await
    }

    async fn create_draft(&self, draft: &Dataset) -> Result<()> {
        let stored = self.put_if_absent(datasets::draft_item(draft)?).await?;
        if stored { Ok(()) } else { Err(id_taken()) }
    }

    async fn withdraw(&self, draft: &Dataset, clean_at: Timestamp) -> Result<bool> {
        datasets::withdraw(self, draft, clean_at).await
    }

    async fn withdrawn(&self, id: DatasetId) -> Result<Option<(GroupId, Timestamp)>> {
        datasets::withdrawn(self, id).await
    }

    async fn forget_withdrawn(&self, id: DatasetId) -> Result<()> {
        datasets::forget_withdrawn(self, id).await
    }

    async fn dataset(&self, id: DatasetId) -> Result<Option<Dataset>> {
        let item = self.get(Key::dataset(id)).await?;
        Ok(item.as_ref().map(datasets::read_unless_withdrawn).transpose()?.flatten())
    }

    async fn datasets(&self, ids: &[DatasetId]) -> Result<Vec<Dataset>> {
        let items = self.get_all(distinct(ids).map(Key::dataset)).await?;
        let datasets = items.iter().filter_map(|item| datasets::read_unless_withdrawn(item).transpose());
        let datasets = datasets.collect::<Result<Vec<_>>>()?;
        Ok(in_order(ids, datasets, |dataset| dataset.id))
    }

    async fn version(&self, group: GroupId, number: u64) -> Result<Option<DatasetId>> {
        datasets::version(self, group, number).await
    }

    async fn list(&self, scope: Scope, up_to: Option<DatasetId>, limit: usize) -> Result<Vec<DatasetSummary>> {
        datasets::list(self, scope, up_to, limit).await
    }

    async fn annotate(&self, id: DatasetId, change: &AnnotateDataset) -> Result<Option<Dataset>> {
        datasets::annotate(self, id, change).await
    }

    async fn set_deleted(&self, dataset: &Dataset, is_deleted: bool) -> Result<bool> {
        datasets::set_deleted(self, dataset, is_deleted).await
    }

    async fn acquire_lease(&self, id: DatasetId, request: &LeaseRequest) -> Result<Leased> {
        leases::acquire(self, id, request).await
    }

    async fn release_lease(&self, id: DatasetId, owner: &str, due_at: Timestamp) -> Result<bool> {
        leases::release(self, id, owner, due_at).await
    }

    async fn restart(&self, id: DatasetId, judged: Timestamp, due_at: Timestamp) -> Result<bool> {
        leases::restart(self, id, judged, due_at).await
    }

    async fn publish(&self, publication: &Publication) -> Result<Published> {
        outcomes::publish(self, publication).await
    }

    async fn fail(&self, failed: &FailedDraft) -> Result<bool> {
        outcomes::fail(self, failed).await
    }

    async fn cleaned_up(&self, id: DatasetId) -> Result<()> {
        outcomes::cleaned_up(self, id).await
    }

    async fn outbox_entry(&self, id: &EventId) -> Result<Option<OutboxEntry>> {
        outcomes::outbox_entry(self, id).await
    }

    async fn close_outbox_entry(&self, id: &EventId) -> Result<()> {
        let delete = self.client.delete_item().table_name(&self.name);
        delete.set_key(Some(Key::outbox(id).attributes())).send().await.map_err(unexpected("the table"))?;
        Ok(())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>> {
        // The shards are about equally full, and hold no more together than is asked for twice.
        let of_each = limit.div_ceil(DUE_SHARDS as usize) * 2;
        let shards = (0..DUE_SHARDS).map(|shard| self.due_in(shard, now, of_each.min(limit)));
        let mut items: Vec<_> = try_join_all(shards).await?.into_iter().flatten().collect();
        items.sort_by_key(|(due_at, _)| *due_at);
        items.truncate(limit);
        Ok(items.into_iter().map(|(_, due)| due).collect())
    }
}

impl Table {
    /// What is due in a shard, with the times.
    async fn due_in(&self, shard: u64, now: Timestamp, limit: usize) -> Result<Vec<(Option<i64>, Due)>> {
        // A page ends at 1 MB, too.
        let mut found = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(DUE_INDEX)
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", s(due_shard(shard)))
            .expression_attribute_values(":now", n(now.as_millisecond()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .into_paginator()
            .items()
            .send();
        let mut items = vec![];
        while items.len() < limit
            && let Some(item) = found.try_next().await.map_err(unexpected("the table"))?
        {
            match read_due(&item) {
                Ok(due) => items.push((Read(&item).maybe("due_at"), due)),
                // An item that can't be read must not stop the others.
                Err(error) => tracing::error!(error = error.chain(), "left alone"),
            }
        }
        Ok(items)
    }
}

/// Without duplicates.
fn distinct<T: Copy + Ord>(ids: &[T]) -> impl Iterator<Item = T> {
    ids.iter().copied().collect::<BTreeSet<T>>().into_iter()
}

/// The items found, in the order of the ids.
fn in_order<I: Copy + Eq + Hash, T: Clone>(ids: &[I], found: Vec<T>, id: impl Fn(&T) -> I) -> Vec<T> {
    let found: HashMap<I, T> = found.into_iter().map(|item| (id(&item), item)).collect();
    ids.iter().filter_map(|id| found.get(id).cloned()).collect()
}

fn read_due(item: &Attributes) -> Result<Due> {
    let read = Read(item);
    let (pk, sk) = (read.text("pk")?, read.text("sk")?);
    let dataset = || pk.strip_prefix("D#").and_then(|id| id.parse().ok());
    let webhook = |id: &str| {
        let workspace_id = pk.strip_prefix("W#")?.parse().ok()?;
        Some(Due::Webhook(Owner { workspace_id, webhook_id: id.parse().ok()? }))
    };
    match sk {
        DATASET => dataset().map(Due::Dataset),
        OUTBOX => event_of(pk).map(Due::Outbox),
        _ => match sk.strip_prefix(RECEIVER_PREFIX) {
            Some(id) => webhook(id),
            None => delivery_key(pk, sk).ok().map(Due::Delivery),
        },
    }
    .ok_or_else(|| Error::internal(format!("item {pk} {sk} is due, but nothing that is known")))
}

fn id_taken() -> Error {
    Error::already_exists("the identifier is in use")
}
