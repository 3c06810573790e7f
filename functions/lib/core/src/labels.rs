//! The port for labels: names of versions that are moved.

use crate::catalog::OutboxEntry;
use crate::id::{DatasetId, GroupId, UserId};
use crate::{Error, ErrorCode, Result};
use async_trait::async_trait;
pub use dataset_types::label::LabelName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a label is, and where it has been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub name: LabelName,
    pub dataset_id: DatasetId,
    /// Newest first, and never empty.
    pub moves: Vec<Move>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub version: u64,
    pub at: Timestamp,
    pub user_id: UserId,
}

impl Label {
    pub fn version(&self) -> u64 {
        self.moves.first().map_or(0, |newest| newest.version)
    }
}

/// A label that goes from one version to another, or comes, or goes away.
#[derive(Clone, Debug, PartialEq)]
pub struct Moving {
    pub group_id: GroupId,
    pub name: LabelName,
    pub from: Option<DatasetId>,
    pub to: Option<Label>,
    pub event: OutboxEntry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    Done,
    /// The label is elsewhere by now.
    Elsewhere,
    /// Where it goes is no version, or a deleted one.
    NoVersion,
}

/// The error of every adapter when a version with a label is deleted.
pub fn is_labelled() -> Error {
    let message =
        "the version has a label, so it stays; move the label, or have it taken away with the version, by unlabel";
    Error::refused(ErrorCode::DatasetLabelled, message)
}

#[async_trait]
pub trait Labels: Send + Sync {
    async fn label(&self, group: GroupId, name: &LabelName) -> Result<Option<Label>>;

    /// Those of a group, by name.
    async fn labels(&self, group: GroupId) -> Result<Vec<Label>>;

    /// In one transaction, the label moves if it is where it comes from, both versions know of it, and the event
    /// enters the outbox.
    async fn move_label(&self, moving: &Moving) -> Result<Moved>;
}
