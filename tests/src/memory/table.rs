//! The catalog and the webhooks in memory.

use super::callers::Callers;
use async_trait::async_trait;
use dataset_core::catalog::{
    Catalog, DatasetSummary, Due, FailedDraft, GroupName, LeaseRequest, Leased, OutboxEntry, Publication, Published,
    Scope, Totals,
};
use dataset_core::dataset::{Dataset, State};
use dataset_core::delivery::{Delivery, DeliveryKey, DeliveryState, QUEUE_GRACE};
use dataset_core::group::{Group, name_taken};
use dataset_core::id::EventId;
use dataset_core::id::{DatasetId, GroupId, WebhookId, WorkspaceId};
use dataset_core::labels::{Label, LabelName, is_labelled};
use dataset_core::schemas::Schema;
use dataset_core::webhook::Webhook;
use dataset_core::{Error, Result};
use dataset_types::annotations::AnnotateDataset;
use dataset_types::dialect::Dialect;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

#[derive(Default)]
pub struct MemoryTable(Mutex<Tables>);

/// Copies the content.
impl Clone for MemoryTable {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.tables().clone()))
    }
}

#[derive(Clone, Default)]
pub(super) struct Tables {
    pub(super) callers: Callers,
    pub(super) groups: BTreeMap<GroupId, Group>,
    pub(super) labels: BTreeMap<(GroupId, LabelName), Label>,
    pub(super) schemas: BTreeMap<GroupId, Vec<Schema>>,
    pub(super) datasets: BTreeMap<DatasetId, Dataset>,
    pub(super) leases: HashMap<DatasetId, LeaseRequest>,
    /// Failed datasets whose objects are still to be removed, and since when.
    pub(super) unclean: BTreeMap<DatasetId, Timestamp>,
    /// Withdrawn drafts, and when their objects are to be removed.
    withdrawn: BTreeMap<DatasetId, (GroupId, Timestamp)>,
    pub(super) outbox: BTreeMap<EventId, OutboxEntry>,
    pub(super) webhooks: BTreeMap<(WorkspaceId, WebhookId), Webhook>,
    pub(super) deliveries: BTreeMap<DeliveryKey, Delivery>,
    /// When the sweeper looks at pending deliveries, if not at the usual time.
    pub(super) due: HashMap<DeliveryKey, Timestamp>,
    pub(super) loses_a_record: bool,
    calls: usize,
}

impl Tables {
    /// Without those that are deleted.
    fn groups_of(&self, workspace: WorkspaceId) -> impl Iterator<Item = &Group> {
        self.groups.values().filter(move |group| group.workspace_id == workspace && !group.is_deleted)
    }

    /// All work that is due, and when.
    pub(super) fn due(&self) -> Vec<(Timestamp, Due)> {
        let drafts = self.datasets.values().filter_map(|dataset| match dataset.state {
            State::Draft { due_at, .. } => Some((due_at, Due::Dataset(dataset.id))),
            _ => None,
        });
        let unclean = self.unclean.iter().map(|(id, at)| (*at, Due::Dataset(*id)));
        let withdrawn = self.withdrawn.iter().map(|(id, (_, at))| (*at, Due::Dataset(*id)));
        let outbox = self.outbox.values().map(|entry| (entry.due_at, Due::Outbox(entry.event_id.clone())));
        let deliveries = self.deliveries.values().filter_map(|delivery| match delivery.state {
            DeliveryState::Pending { next_attempt_at, .. } => {
                let due_at = self.due.get(&delivery.key).copied().unwrap_or(next_attempt_at + QUEUE_GRACE);
                Some((due_at, Due::Delivery(delivery.key.clone())))
            }
            _ => None,
        });
        let webhooks =
            self.webhooks.values().filter_map(|webhook| Some((webhook.due_at()?, Due::Webhook(webhook.owner()))));
        drafts.chain(unclean).chain(withdrawn).chain(outbox).chain(deliveries).chain(webhooks).collect()
    }
}

impl MemoryTable {
    /// The next attempt will be made but not recorded, as if its process had died.
    pub fn lose_a_record(&self) {
        self.tables().loses_a_record = true;
    }

    /// How often it has been called so far.
    pub fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    pub(super) fn tables(&self) -> MutexGuard<'_, Tables> {
        let mut tables = self.0.lock().unwrap();
        tables.calls += 1;
        tables
    }
}

pub(super) fn id_taken() -> Error {
    Error::already_exists("the identifier is in use")
}

fn is_draft(dataset: &Dataset) -> bool {
    matches!(dataset.state, State::Draft { .. })
}

#[async_trait]
impl Catalog for MemoryTable {
    async fn create_group(&self, group: &Group) -> Result<()> {
        let mut tables = self.tables();
        let same =
            |other: &Group| !other.is_deleted && other.workspace_id == group.workspace_id && other.name == group.name;
        if tables.groups.values().any(same) {
            return Err(name_taken(&group.name));
        }
        if tables.groups.contains_key(&group.id) {
            return Err(id_taken());
        }
        tables.groups.insert(group.id, group.clone());
        Ok(())
    }

    async fn group(&self, id: GroupId) -> Result<Option<Group>> {
        Ok(self.tables().groups.get(&id).cloned())
    }

    async fn groups(&self, ids: &[GroupId]) -> Result<Vec<Group>> {
        let tables = self.tables();
        Ok(ids.iter().filter_map(|id| tables.groups.get(id).cloned()).collect())
    }

    async fn group_names(&self, workspace: WorkspaceId, after: Option<&str>, limit: usize) -> Result<Vec<GroupName>> {
        let tables = self.tables();
        let groups = tables.groups_of(workspace).filter(|group| after.is_none_or(|after| *group.name > *after));
        let mut names: Vec<GroupName> =
            groups.map(|group| GroupName { name: group.name.clone(), id: group.id }).collect();
        names.sort_by(|a, b| a.name.cmp(&b.name));
        names.truncate(limit);
        Ok(names)
    }

    async fn totals(&self, workspace: WorkspaceId) -> Result<Option<Totals>> {
        let tables = self.tables();
        let mut totals = Totals::default();
        for group in tables.groups_of(workspace) {
            totals.groups += 1;
            totals.versions += group.versions().unwrap();
        }
        Ok(tables.callers.is_counted(workspace).then_some(totals))
    }

    async fn drafts(&self, workspace: WorkspaceId, limit: usize) -> Result<Vec<GroupId>> {
        let tables = self.tables();
        let drafts = tables.datasets.values().filter(|dataset| dataset.workspace_id == workspace && is_draft(dataset));
        Ok(drafts.take(limit).map(|draft| draft.group_id).collect())
    }

    async fn set_dialect(&self, id: GroupId, dialect: &Dialect) -> Result<bool> {
        let mut tables = self.tables();
        let group = tables.groups.get_mut(&id).filter(|group| !group.is_deleted);
        Ok(group.map(|group| group.dialect = dialect.clone()).is_some())
    }

    async fn delete_group(&self, group: &Group) -> Result<()> {
        if let Some(group) = self.tables().groups.get_mut(&group.id) {
            group.is_deleted = true;
        }
        Ok(())
    }

    async fn create_draft(&self, draft: &Dataset) -> Result<()> {
        let mut tables = self.tables();
        let is_other = tables.datasets.get(&draft.id).is_some_and(|other| other != draft);
        if is_other || tables.withdrawn.contains_key(&draft.id) {
            return Err(id_taken());
        }
        tables.datasets.insert(draft.id, draft.clone());
        Ok(())
    }

    async fn withdraw(&self, draft: &Dataset, clean_at: Timestamp) -> Result<bool> {
        let mut tables = self.tables();
        let is_it = |stored: &Dataset| is_draft(stored) && stored.created_at == draft.created_at;
        if tables.datasets.get(&draft.id).is_some_and(|stored| !is_it(stored)) {
            return Ok(false);
        }
        tables.datasets.remove(&draft.id);
        tables.leases.remove(&draft.id);
        tables.withdrawn.insert(draft.id, (draft.group_id, clean_at));
        Ok(true)
    }

    async fn withdrawn(&self, id: DatasetId) -> Result<Option<(GroupId, Timestamp)>> {
        Ok(self.tables().withdrawn.get(&id).map(|(group, at)| (*group, crate::rounded(*at))))
    }

    async fn forget_withdrawn(&self, id: DatasetId) -> Result<()> {
        self.tables().withdrawn.remove(&id);
        Ok(())
    }

    async fn dataset(&self, id: DatasetId) -> Result<Option<Dataset>> {
        Ok(self.tables().datasets.get(&id).cloned())
    }

    async fn datasets(&self, ids: &[DatasetId]) -> Result<Vec<Dataset>> {
        let tables = self.tables();
        Ok(ids.iter().filter_map(|id| tables.datasets.get(id).cloned()).collect())
    }

    async fn version(&self, group: GroupId, number: u64) -> Result<Option<DatasetId>> {
        let is_it = |dataset: &&Dataset| {
            dataset.group_id == group && matches!(dataset.state, State::Ready { version, .. } if version == number)
        };
        Ok(self.tables().datasets.values().find(is_it).map(|dataset| dataset.id))
    }

    async fn list(&self, scope: Scope, up_to: Option<DatasetId>, limit: usize) -> Result<Vec<DatasetSummary>> {
        let inside = |dataset: &&Dataset| match scope {
            Scope::Group(id) => dataset.group_id == id,
            Scope::Workspace(id) => dataset.workspace_id == id,
        };
        let tables = self.tables();
        let datasets = tables.datasets.values().rev().filter(|dataset| up_to.is_none_or(|last| dataset.id <= last));
        Ok(datasets.filter(inside).take(limit).map(DatasetSummary::from).collect())
    }

    async fn annotate(&self, id: DatasetId, change: &AnnotateDataset) -> Result<Option<Dataset>> {
        let mut tables = self.tables();
        let found = tables.datasets.get_mut(&id);
        Ok(found.map(|dataset| {
            dataset.annotations.change(change);
            dataset.clone()
        }))
    }

    async fn set_deleted(&self, dataset: &Dataset, is_deleted: bool) -> Result<bool> {
        let tables = &mut *self.tables();
        let is_version = |dataset: &&mut Dataset| matches!(dataset.state, State::Ready { .. });
        let Some(dataset) = tables.datasets.get_mut(&dataset.id).filter(is_version) else {
            return Ok(false);
        };
        if is_deleted && !dataset.labels.is_empty() {
            return Err(is_labelled());
        }
        if dataset.is_deleted != is_deleted {
            dataset.is_deleted = is_deleted;
            let count = tables.groups.get_mut(&dataset.group_id).unwrap().deleted_versions.as_mut().unwrap();
            *count = if is_deleted { *count + 1 } else { *count - 1 };
        }
        Ok(true)
    }

    async fn acquire_lease(&self, id: DatasetId, request: &LeaseRequest) -> Result<Leased> {
        let mut tables = self.tables();
        let taken =
            tables.leases.get(&id).is_some_and(|other| other.until > request.now && other.owner != request.owner);
        let Some(dataset) = tables.datasets.get_mut(&id) else {
            return Ok(Leased::Unknown);
        };
        let State::Draft { lost_leases, restarts, .. } = dataset.state else {
            return Ok(Leased::Final(dataset.clone()));
        };
        if taken {
            return Ok(Leased::Busy);
        }
        dataset.state = State::Draft { due_at: crate::rounded(request.until), lost_leases: lost_leases + 1, restarts };
        let dataset = dataset.clone();
        tables.leases.insert(id, request.clone());
        Ok(Leased::Yours(dataset))
    }

    async fn release_lease(&self, id: DatasetId, owner: &str, until: Timestamp) -> Result<bool> {
        let mut tables = self.tables();
        let is_owner = tables.leases.get(&id).is_some_and(|lease| lease.owner == owner);
        let Some(Dataset { state: State::Draft { due_at, lost_leases, .. }, .. }) = tables.datasets.get_mut(&id) else {
            return Ok(false);
        };
        if is_owner {
            *due_at = crate::rounded(until);
            *lost_leases -= 1;
            tables.leases.remove(&id);
        }
        Ok(is_owner)
    }

    async fn restart(&self, id: DatasetId, judged: Timestamp, until: Timestamp) -> Result<bool> {
        let mut tables = self.tables();
        let Some(Dataset { state: State::Draft { due_at, restarts, .. }, .. }) = tables.datasets.get_mut(&id) else {
            return Ok(false);
        };
        if *due_at != judged {
            return Ok(false);
        }
        *due_at = crate::rounded(until);
        *restarts += 1;
        tables.leases.remove(&id);
        Ok(true)
    }

    async fn publish(&self, publication: &Publication) -> Result<Published> {
        let mut tables = self.tables();
        if !tables.datasets.get(&publication.dataset_id).is_some_and(is_draft) {
            return Ok(Published::NotADraft);
        }
        let group = tables.groups.get_mut(&publication.group_id).unwrap();
        if group.latest_version + 1 != publication.version || group.is_deleted != publication.is_group_deleted {
            return Ok(Published::NumberTaken);
        }
        group.latest_version = publication.version;
        tables.datasets.get_mut(&publication.dataset_id).unwrap().state = State::Ready {
            version: publication.version,
            finished_at: publication.finished_at,
            contents: publication.contents.clone(),
        };
        tables.outbox.insert(publication.event.event_id.clone(), publication.event.clone());
        Ok(Published::Done)
    }

    async fn fail(&self, failed: &FailedDraft) -> Result<bool> {
        let mut tables = self.tables();
        let judged = |dataset: &Dataset| matches!(dataset.state, State::Draft { due_at, lost_leases, .. } if (due_at, lost_leases) == (failed.due_at, failed.lost_leases));
        let Some(dataset) = tables.datasets.get_mut(&failed.dataset_id).filter(|dataset| judged(dataset)) else {
            return Ok(false);
        };
        dataset.state = State::Failed { failure: failed.failure.clone(), finished_at: failed.finished_at };
        tables.unclean.insert(failed.dataset_id, failed.clean_at);
        tables.outbox.insert(failed.event.event_id.clone(), failed.event.clone());
        Ok(true)
    }

    async fn cleaned_up(&self, id: DatasetId) -> Result<()> {
        self.tables().unclean.remove(&id);
        Ok(())
    }

    async fn outbox_entry(&self, id: &EventId) -> Result<Option<OutboxEntry>> {
        let entry = self.tables().outbox.get(id).cloned();
        Ok(entry.map(|entry| OutboxEntry { due_at: crate::rounded(entry.due_at), ..entry }))
    }

    async fn close_outbox_entry(&self, id: &EventId) -> Result<()> {
        self.tables().outbox.remove(id);
        Ok(())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>> {
        let mut due: Vec<(Timestamp, Due)> = self.tables().due().into_iter().filter(|(at, _)| *at <= now).collect();
        due.sort_by_key(|(at, _)| *at);
        due.truncate(limit);
        Ok(due.into_iter().map(|(_, due)| due).collect())
    }
}
