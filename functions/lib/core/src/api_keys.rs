//! The port for API keys.

use crate::Result;
use crate::api_key::{Grant, KeyHash};
use crate::id::{KeyId, WorkspaceId};
use async_trait::async_trait;
use jiff::Timestamp;
use std::num::NonZero;
use std::time::Duration;

/// Calls are counted over this long.
pub const WINDOW: Duration = Duration::from_secs(10);

#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Counts a call by the holder of a key, and notes the time as that of
    /// its last use. With a limit, only so many are let in during a [`WINDOW`].
    async fn admit(&self, key: &KeyHash, now: Timestamp, limit: Option<NonZero<u32>>) -> Result<Admission>;

    /// Stores what a key lets in. A key that is known already keeps what it
    /// has, and one that was revoked stays so.
    async fn allow(&self, key: &KeyHash, grant: &Grant) -> Result<()>;

    /// The live keys of a workspace, oldest first.
    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<KnownKey>>;

    /// Ends a key, at once. `false` if the workspace has no such key.
    async fn revoke(&self, workspace: WorkspaceId, id: KeyId) -> Result<bool>;
}

#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    Granted(Grant),
    /// There were too many calls; from then on there may be more.
    Limited {
        until: Timestamp,
    },
    /// No key that is known.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct KnownKey {
    pub grant: Grant,
    pub last_used_at: Option<Timestamp>,
}

/// When the window began that `now` is in.
pub fn window_of(now: Timestamp) -> Timestamp {
    let length = WINDOW.as_secs().cast_signed();
    Timestamp::from_second(now.as_second().div_euclid(length) * length).unwrap_or(now)
}
