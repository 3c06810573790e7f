//! The port for calls that must not be carried out twice.
//!
//! A reservation names the dataset that the call is going to create, before
//! anything of it is there. Should the call die half-way, whoever makes it
//! again goes on with that same dataset, wherever the first had come to.

use crate::id::{DatasetId, WorkspaceId};
use crate::{Error, ErrorCode, Result};
use async_trait::async_trait;
use dataset_types::limits::MAX_IDEMPOTENCY_KEY_CHARS;
use jiff::Timestamp;
use std::time::Duration;

/// How long the answer to a call is remembered.
pub const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// How long a call can be under way; the functions live for half of it.
pub const CALL_LIFETIME: Duration = Duration::from_secs(60);

/// What a client calls one of its calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub fn parse(key: &str) -> Result<Self> {
        if !(1..=MAX_IDEMPOTENCY_KEY_CHARS).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::refused(
                ErrorCode::InvalidIdempotencyKey,
                "Idempotency-Key must have 1 to 255 visible ASCII characters",
            ));
        }
        Ok(Self(key.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A call that wants to be the only one of its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Reservation {
    pub workspace_id: WorkspaceId,
    pub key: IdempotencyKey,
    /// Equal for equal calls, and only for them.
    pub fingerprint: String,
    /// What the call creates, if it is the first.
    pub dataset_id: DatasetId,
    pub now: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The call is to be carried out, and creates this dataset. Another may
    /// have begun it, and died.
    Yours(DatasetId),
    /// It has been carried out, and created this dataset.
    Done(DatasetId),
    /// Another is at it.
    Running,
    /// The key was used for another call.
    Reused,
}

#[async_trait]
pub trait Idempotency: Send + Sync {
    async fn reserve(&self, reservation: &Reservation) -> Result<Reserved>;

    /// Notes that a call has been carried out.
    async fn complete(&self, reservation: &Reservation) -> Result<()>;

    /// Forgets a call that has come to nothing.
    async fn forget(&self, reservation: &Reservation) -> Result<()>;
}
