//! The port for the catalog: groups, datasets and the outbox.

use crate::Result;
use crate::dataset::{Contents, Dataset, Failure, State, Status};
use crate::delivery::DeliveryKey;
use crate::event::EventType;
use crate::group::Group;
use crate::id::{DatasetId, EventId, GroupId, WorkspaceId};
use crate::secret::Owner;
use async_trait::async_trait;
use dataset_types::annotations::AnnotateDataset;
use dataset_types::dialect::Dialect;
use jiff::Timestamp;

#[async_trait]
pub trait Catalog: Send + Sync {
    /// Stores a group. Refused as `name_taken` if the workspace has one of that
    /// name; `AlreadyExists` if the id is in use.
    async fn create_group(&self, group: &Group) -> Result<()>;

    async fn group(&self, id: GroupId) -> Result<Option<Group>>;

    /// The groups that exist, in the order of the ids.
    async fn groups(&self, ids: &[GroupId]) -> Result<Vec<Group>>;

    /// The groups of the workspace that are not deleted, by name, at most `limit` of those after a name.
    async fn group_names(&self, workspace: WorkspaceId, after: Option<&str>, limit: usize) -> Result<Vec<GroupName>>;

    /// What the workspace has; `None` if it had groups before that was counted.
    async fn totals(&self, workspace: WorkspaceId) -> Result<Option<Totals>>;

    /// The group of each draft in the workspace, at most `limit`. The list may lag by some moments.
    async fn drafts(&self, workspace: WorkspaceId, limit: usize) -> Result<Vec<GroupId>>;

    /// Sets what is said of a group's files. `false` if there is no such group, or it is deleted.
    async fn set_dialect(&self, id: GroupId, dialect: &Dialect) -> Result<bool>;

    /// Deletes a group and frees its name. A repeat is no error.
    async fn delete_group(&self, group: &Group) -> Result<()>;

    /// Stores a draft; `AlreadyExists` if its id is in use. An identical draft is no
    /// error, since it is a retry of the same call.
    async fn create_draft(&self, draft: &Dataset) -> Result<()>;

    /// Withdraws this draft, which no one was told of. `false` if it has an outcome,
    /// which stays, or if the id is another draft's. Its objects are due to be
    /// removed at `clean_at`, and its id stays in use until then.
    async fn withdraw(&self, draft: &Dataset, clean_at: Timestamp) -> Result<bool>;

    /// The group of a withdrawn draft that is not cleaned up yet, and when it is due.
    async fn withdrawn(&self, id: DatasetId) -> Result<Option<(GroupId, Timestamp)>>;

    /// Frees the id of a withdrawn draft whose objects are removed.
    async fn forget_withdrawn(&self, id: DatasetId) -> Result<()>;

    async fn dataset(&self, id: DatasetId) -> Result<Option<Dataset>>;

    /// The datasets that exist, in the order of the ids.
    async fn datasets(&self, ids: &[DatasetId]) -> Result<Vec<Dataset>>;

    /// The version of a group that has this number, deleted or not.
    async fn version(&self, group: GroupId, number: u64) -> Result<Option<DatasetId>>;

    /// The newest datasets of a scope, newest first, at most `limit` of those up to an id. The list may lag by
    /// some moments.
    async fn list(&self, scope: Scope, up_to: Option<DatasetId>, limit: usize) -> Result<Vec<DatasetSummary>>;

    /// Changes what is said of a dataset. `None` if there is none.
    async fn annotate(&self, id: DatasetId, change: &AnnotateDataset) -> Result<Option<Dataset>>;

    /// Deletes a version, or restores it. `false` if the dataset is no version; refused as `dataset_labelled` if it is
    /// to be deleted and has a label.
    async fn set_deleted(&self, dataset: &Dataset, is_deleted: bool) -> Result<bool>;

    /// Leases a draft for one parse, unless another invocation has it. The lease
    /// counts as lost until it is released.
    async fn acquire_lease(&self, id: DatasetId, request: &LeaseRequest) -> Result<Leased>;

    /// Releases the lease of `owner`, which then does not count as lost. The draft
    /// is due at `due_at`. `false` if the lease is not the owner's any more.
    async fn release_lease(&self, id: DatasetId, owner: &str, due_at: Timestamp) -> Result<bool>;

    /// Restarts a draft that was due at `judged`; it is due again at `due_at`. `false` if it is no draft any
    /// more, or was leased or restarted since it was judged.
    async fn restart(&self, id: DatasetId, judged: Timestamp, due_at: Timestamp) -> Result<bool>;

    /// In one transaction, the group's latest number goes from `version - 1` to
    /// `version`, the draft becomes that version, and the event enters the outbox.
    async fn publish(&self, publication: &Publication) -> Result<Published>;

    /// In one transaction, the draft becomes a failure whose objects are due to be removed, and the event
    /// enters the outbox. `false` if it is no draft any more, or was leased or restarted since it was judged.
    async fn fail(&self, failed: &FailedDraft) -> Result<bool>;

    /// Stores that the objects of a failed draft are removed.
    async fn cleaned_up(&self, id: DatasetId) -> Result<()>;

    async fn outbox_entry(&self, id: &EventId) -> Result<Option<OutboxEntry>>;

    /// Removes an entry that has been relayed.
    async fn close_outbox_entry(&self, id: &EventId) -> Result<()>;

    /// What is overdue at `now`, the oldest first, about `limit` at most. The list may lag by some moments.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Group(GroupId),
    Workspace(WorkspaceId),
}

/// What a workspace has, without what is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub groups: u64,
    /// In groups that are not deleted.
    pub versions: u64,
}

/// What a list tells datasets apart by: each is in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Draft,
    Ready,
    Deleted,
    Failed,
}

impl Condition {
    pub const ALL: [Self; 4] = [Self::Draft, Self::Ready, Self::Deleted, Self::Failed];

    pub fn of(status: Status, is_deleted: bool) -> Self {
        match status {
            Status::Draft => Self::Draft,
            Status::Ready if is_deleted => Self::Deleted,
            Status::Ready => Self::Ready,
            Status::Failed => Self::Failed,
        }
    }
}

/// A group's id and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName {
    pub name: String,
    pub id: GroupId,
}

/// The attributes of a dataset that lists filter and sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetSummary {
    pub id: DatasetId,
    pub group_id: GroupId,
    pub condition: Condition,
    /// The number of a version.
    pub version: Option<u64>,
    /// When it became a version or a failure.
    pub finished_at: Option<Timestamp>,
}

impl From<&Dataset> for DatasetSummary {
    fn from(dataset: &Dataset) -> Self {
        let (version, finished_at) = match dataset.state {
            State::Draft { .. } => (None, None),
            State::Ready { version, finished_at, .. } => (Some(version), Some(finished_at)),
            State::Failed { finished_at, .. } => (None, Some(finished_at)),
        };
        Self {
            id: dataset.id,
            group_id: dataset.group_id,
            condition: Condition::of(dataset.state.status(), dataset.is_deleted),
            version,
            finished_at,
        }
    }
}

/// An invocation that asks for the lease of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The id of the invocation. A retry has the same id, and takes over the lease: its predecessor is dead.
    pub owner: String,
    pub now: Timestamp,
    /// When the invocation will have ended.
    pub until: Timestamp,
}

/// The answer to a [`LeaseRequest`].
#[derive(Clone, Debug, PartialEq)]
pub enum Leased {
    /// The draft is the caller's until its lease ends.
    Yours(Dataset),
    /// Another invocation has it.
    Busy,
    /// The draft has become a version or a failure.
    Final(Dataset),
    /// No such dataset.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    pub dataset_id: DatasetId,
    pub group_id: GroupId,
    /// Its versions, which are as any other's, are not among those that the workspace has.
    pub is_group_deleted: bool,
    pub version: u64,
    pub finished_at: Timestamp,
    pub contents: Contents,
    pub event: OutboxEntry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    Done,
    /// Another version took the number, or the group was deleted; read the group again.
    NumberTaken,
    /// The dataset is no draft any more.
    NotADraft,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FailedDraft {
    pub dataset_id: DatasetId,
    /// The draft's due time when it was judged.
    pub due_at: Timestamp,
    pub lost_leases: u32,
    pub finished_at: Timestamp,
    /// When its objects are due to be removed, unless [`Catalog::cleaned_up`] says that they are.
    pub clean_at: Timestamp,
    pub failure: Failure,
    pub event: OutboxEntry,
}

/// An event that has not been relayed yet.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxEntry {
    pub event_id: EventId,
    pub workspace_id: WorkspaceId,
    pub event_type: EventType,
    pub body: String,
    /// When the sweeper relays it, unless it has been relayed by then.
    pub due_at: Timestamp,
}

/// Something that is overdue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Due {
    /// A draft to restart or to expire, or a failure or withdrawn draft to clean up.
    Dataset(DatasetId),
    Outbox(EventId),
    Delivery(DeliveryKey),
    /// A webhook for which deliveries wait.
    Webhook(Owner),
}
