//! The port for calls that must not be carried out twice.
//!
//! A reservation stores the id of the dataset before the call creates it. If the
//! call dies half-way, the next call with the same key continues with that dataset.

use crate::id::{DatasetId, WorkspaceId};
use crate::{Error, ErrorCode, Result};
use async_trait::async_trait;
use dataset_types::limits::MAX_IDEMPOTENCY_KEY_CHARS;
use jiff::Timestamp;
use std::time::Duration;

/// How long a key gives the first answer again.
pub const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// After this long, a call that has not ended is dead: a function lives for half of it.
pub const CALL_LIFETIME: Duration = Duration::from_secs(60);

/// The `Idempotency-Key` of a call.
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

/// A call that reserves its key.
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
    /// The caller carries the call out, and creates this dataset. An earlier call
    /// may have begun to, and died.
    Yours(DatasetId),
    /// An earlier call has created this dataset.
    Done(DatasetId),
    /// Another call with this key is running.
    Running,
    /// The key was used with another body.
    Reused,
}

#[async_trait]
pub trait Idempotency: Send + Sync {
    async fn reserve(&self, reservation: &Reservation) -> Result<Reserved>;

    /// Stores that the call has succeeded.
    async fn complete(&self, reservation: &Reservation) -> Result<()>;

    /// Releases the key of a call that has failed.
    async fn forget(&self, reservation: &Reservation) -> Result<()>;
}
