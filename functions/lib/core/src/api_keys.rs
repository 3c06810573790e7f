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
    /// Admits a call, counts it, and stores the time as the key's last use. With a
    /// limit, only so many calls are admitted in a [`WINDOW`].
    async fn admit(&self, key: &KeyHash, now: Timestamp, limit: Option<NonZero<u32>>) -> Result<Admission>;

    /// Stores a key's principal. A key that is known already keeps its own, and a revoked key stays revoked.
    async fn allow(&self, key: &KeyHash, grant: &Grant) -> Result<()>;

    /// The live keys of a workspace, oldest first.
    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<KnownKey>>;

    /// Revokes a key, at once. `false` if the workspace has no such key.
    async fn revoke(&self, workspace: WorkspaceId, id: KeyId) -> Result<bool>;
}

#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    Granted(Grant),
    /// The limit is reached until then.
    Limited {
        until: Timestamp,
    },
    /// The key is unknown or revoked.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct KnownKey {
    pub grant: Grant,
    pub last_used_at: Option<Timestamp>,
}

/// The start of the window that `now` is in.
pub fn window_of(now: Timestamp) -> Timestamp {
    let length = WINDOW.as_secs().cast_signed();
    Timestamp::from_second(now.as_second().div_euclid(length) * length).unwrap_or(now)
}
