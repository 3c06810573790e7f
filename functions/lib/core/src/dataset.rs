//! A dataset: a draft that becomes either a version, for ever, or a failure.

use crate::blobs::Object;
use crate::id::{DatasetId, GroupId, UserId, WorkspaceId};
use crate::upload::FileName;
use dataset_types::FailureCode;
pub use dataset_types::annotations::Annotations;
pub use dataset_types::dataset::{Column, Failure, Status};
use dataset_types::dialect::Dialect;
use dataset_types::label::LabelName;
use dataset_types::notice::Notice;
use dataset_types::rows::ColumnType;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a draft waits for its file. The function that stores the file lives for
/// half of this, so an older draft without a file never gets one.
pub const DRAFT_LIFETIME: Duration = Duration::from_secs(60);

/// How long a presigned upload is valid: enough for the largest file on a slow line.
pub const UPLOAD_LIFETIME: Duration = Duration::from_secs(3600);

/// After this long, no function can be working on a withdrawn draft any more.
pub const WITHDRAWN_GRACE: Duration = Duration::from_secs(600);

/// How long the record of a failure stays readable.
pub const FAILURE_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    pub id: DatasetId,
    pub group_id: GroupId,
    pub workspace_id: WorkspaceId,
    pub user_id: UserId,
    pub file_name: FileName,
    pub file_size_bytes: u64,
    /// What was said of how its file is written.
    pub said: Dialect,
    pub created_at: Timestamp,
    /// When its upload expires.
    pub file_due_at: Timestamp,
    /// Whether a version is deleted. It can be restored.
    pub is_deleted: bool,
    /// Those of a version, which can't be deleted with any.
    pub labels: BTreeSet<LabelName>,
    pub annotations: Annotations,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq)]
pub enum State {
    Draft {
        /// When the sweeper fails it if no file came, or restarts it.
        due_at: Timestamp,
        /// Leases that were never released, because their processors died.
        lost_leases: u32,
        /// How often the sweeper restarted it.
        restarts: u32,
    },
    Ready {
        version: u64,
        finished_at: Timestamp,
        contents: Contents,
    },
    Failed {
        failure: Failure,
        finished_at: Timestamp,
    },
}

/// What parsing found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    pub columns: Vec<String>,
    pub row_count: u64,
    /// How the file was read. Versions of the first releases do not know.
    pub dialect: Option<Dialect>,
    /// What was unusual in the file.
    pub notices: Vec<Notice>,
    /// The schema of the group that the rows fulfil, if one was in force.
    #[serde(default)]
    pub schema_version: Option<u64>,
    /// Of each column; empty for versions of the first releases.
    #[serde(default)]
    pub shape: Vec<ColumnShape>,
    /// The SHA-256 of the file and of the rows in Parquet, in hexadecimal. Versions of the first releases have none.
    #[serde(default)]
    pub file_sha256: Option<String>,
    #[serde(default)]
    pub rows_sha256: Option<String>,
}

/// A column's type, and how many of its cells are empty. Stored in short: there may be 4,096 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(ColumnType, u64)", into = "(ColumnType, u64)")]
pub struct ColumnShape {
    pub kind: ColumnType,
    pub empty: u64,
}

impl From<(ColumnType, u64)> for ColumnShape {
    fn from((kind, empty): (ColumnType, u64)) -> Self {
        Self { kind, empty }
    }
}

impl From<ColumnShape> for (ColumnType, u64) {
    fn from(ColumnShape { kind, empty }: ColumnShape) -> Self {
        (kind, empty)
    }
}

pub fn upload_expired() -> Failure {
    Failure::new(FailureCode::UploadExpired, "the file never arrived in storage; upload it again")
}

pub fn taken_back() -> Failure {
    Failure::new(FailureCode::Withdrawn, "the upload was taken back by its owner; send the file again if it is wanted")
}

/// For a file that was given up, when it is not known what stopped the parser.
pub fn processing_failed() -> Failure {
    Failure::new(
        FailureCode::ProcessingFailed,
        "the file could not be processed after several tries; upload it again, and if it fails again ask the operator to look at the processor's log",
    )
}

/// The wait before a draft's next restart, after so many.
pub fn backoff(restarts: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(15 * 60);
    DRAFT_LIFETIME.saturating_mul(2_u32.saturating_pow(restarts)).min(LONGEST)
}

impl State {
    pub fn status(&self) -> Status {
        match self {
            State::Draft { .. } => Status::Draft,
            State::Ready { .. } => Status::Ready,
            State::Failed { .. } => Status::Failed,
        }
    }
}

impl Dataset {
    /// The published number; -1 if it is no version.
    pub fn version_number(&self) -> i64 {
        match &self.state {
            State::Ready { version, .. } => i64::try_from(*version).unwrap_or(i64::MAX),
            State::Draft { .. } | State::Failed { .. } => -1,
        }
    }

    /// Whether it is a failure whose record has expired.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Failed { finished_at, .. } if is_forgotten(finished_at, now))
    }

    /// Its file, as it was sent.
    pub fn upload(&self) -> Object {
        Object::Upload(self.id)
    }

    /// Its rows, once it is a version.
    pub fn rows(&self) -> Object {
        Object::Rows(self.group_id, self.id)
    }
}

/// Whether the record of a failure at `failed_at` has expired.
pub fn is_forgotten(failed_at: Timestamp, now: Timestamp) -> bool {
    failed_at.checked_add(FAILURE_LIFETIME).is_ok_and(|forgotten| forgotten <= now)
}
