//! The port for the catalog: groups, datasets and the outbox.

use crate::Result;
use crate::dataset::{Contents, Dataset, Failure, State, Status};
use crate::delivery::DeliveryKey;
use crate::event::EventType;
use crate::group::Group;
use crate::id::EventId;
use crate::id::{DatasetId, GroupId, WorkspaceId};
use async_trait::async_trait;
use jiff::Timestamp;

#[async_trait]
pub trait Catalog: Send + Sync {
    /// Stores a group; a `Conflict` with code `name_taken` if the workspace
    /// has one of that name, with another code if the id is in use.
    async fn create_group(&self, group: &Group) -> Result<()>;

    async fn group(&self, id: GroupId) -> Result<Option<Group>>;

    /// Those of the groups that there are, in the order of the ids.
    async fn groups(&self, ids: &[GroupId]) -> Result<Vec<Group>>;

    /// Every group of the workspace that is not deleted, by name.
    async fn group_names(&self, workspace: WorkspaceId) -> Result<Vec<GroupName>>;

    /// Puts a group away and frees its name. Once more is no error.
    async fn delete_group(&self, group: &Group) -> Result<()>;

    /// Stores a draft whose id must be new; a `Conflict` if it is not. The
    /// very same draft again is no conflict: it is the same call.
    async fn create_draft(&self, draft: &Dataset) -> Result<()>;

    /// Takes back this very draft, which no one was told of: there is no such
    /// dataset any more. `false` if it has come to an outcome, which stays, or
    /// if the id is another's. What may have been stored for it is due to be removed at `clean_at`; until that
    /// was done, its id is in use.
    async fn withdraw(&self, draft: &Dataset, clean_at: Timestamp) -> Result<bool>;

    /// The group of a withdrawn draft that is still to be cleaned up after, and when.
    async fn withdrawn(&self, id: DatasetId) -> Result<Option<(GroupId, Timestamp)>>;

    /// Notes that nothing of a withdrawn draft is stored any more.
    async fn forget_withdrawn(&self, id: DatasetId) -> Result<()>;

    async fn dataset(&self, id: DatasetId) -> Result<Option<Dataset>>;

    /// Those of the datasets that there are, in the order of the ids.
    async fn datasets(&self, ids: &[DatasetId]) -> Result<Vec<Dataset>>;

    /// All datasets of a scope, newest first, by what lists are made of. It
    /// may be some moments behind.
    async fn list(&self, scope: Scope) -> Result<Vec<DatasetSummary>>;

    /// Puts a version away, or takes it out again. `false` if it is no version.
    async fn set_deleted(&self, id: DatasetId, is_deleted: bool) -> Result<bool>;

    /// Takes a draft for one parse, unless another has it. It counts as lost
    /// until it is released.
    async fn acquire_lease(&self, id: DatasetId, request: &LeaseRequest) -> Result<Leased>;

    /// Gives a draft back that `owner` has, as if it never had: anyone may take
    /// it, and the sweeper looks at it again at `due_at`. `false` if it is not
    /// the owner's any more.
    async fn release_lease(&self, id: DatasetId, owner: &str, due_at: Timestamp) -> Result<bool>;

    /// Notes that a draft which was due at `judged` starts again: anyone may
    /// take it, and the sweeper looks at it again at `due_at`. `false` if it is
    /// no draft any more, or was leased or restarted since it was judged.
    async fn restart(&self, id: DatasetId, judged: Timestamp, due_at: Timestamp) -> Result<bool>;

    /// In one transaction: the group's latest number goes from
    /// `version - 1` to `version`, the draft becomes that version, the
    /// event enters the outbox.
    async fn publish(&self, publication: &Publication) -> Result<Published>;

    /// In one transaction: the draft becomes a failure whose objects are
    /// still to be removed, and the event enters the outbox. `false` if it
    /// is no draft any more, or was leased or restarted since it was judged.
    async fn fail(&self, failed: &FailedDraft) -> Result<bool>;

    /// Notes that nothing of a failed draft is stored any more.
    async fn cleaned_up(&self, id: DatasetId) -> Result<()>;

    async fn outbox_entry(&self, id: &EventId) -> Result<Option<OutboxEntry>>;

    /// Removes an entry that has been relayed.
    async fn close_outbox_entry(&self, id: &EventId) -> Result<()>;

    /// What should have been done by `now` and was not, the oldest first, at
    /// most about `limit` of it. It may be some moments behind.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Group(GroupId),
    Workspace(WorkspaceId),
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
    pub status: Status,
    /// The number of a version.
    pub version: Option<u64>,
    /// When it became a version or a failure.
    pub finished_at: Option<Timestamp>,
    pub is_deleted: bool,
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
            status: dataset.state.status(),
            version,
            finished_at,
            is_deleted: dataset.is_deleted,
        }
    }
}

/// An invocation that asks for the lease of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The invocation's id. A retry of it has the same, and takes its own
    /// lease up again: its predecessor is dead.
    pub owner: String,
    pub now: Timestamp,
    /// When the invocation will have ended, one way or the other.
    pub until: Timestamp,
}

/// The answer to a [`LeaseRequest`].
#[derive(Clone, Debug, PartialEq)]
pub enum Leased {
    /// The draft is the caller's until its lease ends.
    Yours(Dataset),
    /// Another invocation has it.
    Busy,
    /// It is a version or a failure by now.
    Final(Dataset),
    /// No such dataset.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    pub dataset_id: DatasetId,
    pub group_id: GroupId,
    pub version: u64,
    pub finished_at: Timestamp,
    pub contents: Contents,
    pub event: OutboxEntry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    Done,
    /// Another version took the number; read the group again.
    NumberTaken,
    /// It is no draft any more.
    NotADraft,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FailedDraft {
    pub dataset_id: DatasetId,
    /// The draft's as it was judged.
    pub due_at: Timestamp,
    pub lost_leases: u32,
    pub finished_at: Timestamp,
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
    /// When the sweeper relays it, if no one has by then.
    pub due_at: Timestamp,
}

/// Something that is overdue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// A draft to start or expire, or what is left of one to clean up after.
    Dataset(DatasetId),
    Outbox(EventId),
    Delivery(DeliveryKey),
}
