//! The port for calls that must not be carried out twice.
//!
//! A reservation stores the id of what the call makes before it makes it. If the call
//! dies half-way, the next call with the same key goes on with that id.

use crate::id::WorkspaceId;
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
    /// The id of what the call makes, if it is the first; see [`crate::ids::time_ordered`].
    pub id: u64,
    pub now: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The caller carries the call out, and makes what has this id. An earlier call may have begun to,
    /// and died.
    Yours(u64),
    /// An earlier call has made it.
    Done {
        id: u64,
        /// Where it can't be told from what was made.
        answer: Option<String>,
    },
    /// Another call with this key is running.
    Running,
    /// The key was used with another body.
    Reused,
}

#[async_trait]
pub trait Idempotency: Send + Sync {
    async fn reserve(&self, reservation: &Reservation) -> Result<Reserved>;

    /// Stores that the call has succeeded, and its answer where that can't be told from what was made.
    async fn complete(&self, reservation: &Reservation, answer: Option<&str>) -> Result<()>;

    /// Frees the key of a call that has come to nothing.
    async fn forget(&self, reservation: &Reservation) -> Result<()>;

    /// Lets the next call go on at once with what this one may have begun.
    async fn release(&self, reservation: &Reservation) -> Result<()>;
}
