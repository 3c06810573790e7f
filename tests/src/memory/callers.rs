//! API keys and idempotent calls, in memory.

use super::MemoryTable;
use async_trait::async_trait;
use dataset_core::api_key::{Grant, KeyHash};
use dataset_core::api_keys::{Admission, ApiKeys, KnownKey, WINDOW, window_of};
use dataset_core::id::{KeyId, WorkspaceId};
use dataset_core::idempotency::{CALL_LIFETIME, Idempotency, IdempotencyKey, MEMORY, Reservation, Reserved};
use dataset_core::{Error, Result};
use jiff::Timestamp;
use std::collections::HashMap;
use std::num::NonZero;

#[derive(Clone, Default)]
pub(super) struct Callers {
    keys: HashMap<KeyHash, Key>,
    calls: HashMap<(WorkspaceId, IdempotencyKey), Call>,
    loses_completion: bool,
}

#[derive(Clone)]
struct Key {
    known: KnownKey,
    window: Timestamp,
    calls: u32,
    is_revoked: bool,
}

#[derive(Clone)]
struct Call {
    fingerprint: String,
    id: u64,
    answer: Option<String>,
    until: Option<Timestamp>,
    forgotten_at: Timestamp,
}

impl Callers {
    /// Whether the workspace has begun with a key.
    pub(super) fn is_counted(&self, workspace: WorkspaceId) -> bool {
        self.keys.values().any(|key| key.known.grant.workspace_id == workspace)
    }
}

impl MemoryTable {
    /// The next call dies before it is known to be complete.
    pub fn lose_completion(&self) {
        self.tables().callers.loses_completion = true;
    }
}

#[async_trait]
impl ApiKeys for MemoryTable {
    async fn admit(&self, hash: &KeyHash, now: Timestamp, limit: Option<NonZero<u32>>) -> Result<Admission> {
        let mut tables = self.tables();
        let Some(key) = tables.callers.keys.get_mut(hash).filter(|key| !key.is_revoked) else {
            return Ok(Admission::Unknown);
        };
        if window_of(now) > key.window {
            (key.window, key.calls) = (window_of(now), 0);
        }
        if limit.is_some_and(|limit| key.calls >= limit.get()) {
            return Ok(Admission::Limited { until: key.window + WINDOW });
        }
        key.calls += 1;
        key.known.last_used_at = Some(now);
        Ok(Admission::Granted(key.known.grant.clone()))
    }

    async fn allow(&self, hash: &KeyHash, grant: &Grant) -> Result<()> {
        let known = KnownKey { grant: grant.clone(), last_used_at: None };
        let key = Key { known, window: Timestamp::UNIX_EPOCH, calls: 0, is_revoked: false };
        self.tables().callers.keys.entry(hash.clone()).or_insert(key);
        Ok(())
    }

    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<KnownKey>> {
        let tables = self.tables();
        let keys = tables.callers.keys.values().filter(|key| !key.is_revoked).map(|key| key.known.clone());
        let mut keys: Vec<KnownKey> = keys.filter(|key| key.grant.workspace_id == workspace).collect();
        keys.sort_by_key(|key| key.grant.id);
        Ok(keys)
    }

    async fn revoke(&self, workspace: WorkspaceId, id: KeyId) -> Result<bool> {
        let mut tables = self.tables();
        let is_meant = |grant: &Grant| (grant.workspace_id, grant.id) == (workspace, id);
        let key = tables.callers.keys.values_mut().find(|key| !key.is_revoked && is_meant(&key.known.grant));
        Ok(key.map(|key| key.is_revoked = true).is_some())
    }
}

#[async_trait]
impl Idempotency for MemoryTable {
    async fn reserve(&self, reservation: &Reservation) -> Result<Reserved> {
        let mut tables = self.tables();
        let until = Some(reservation.now + CALL_LIFETIME);
        let calls = &mut tables.callers.calls;
        if let Some(call) = calls.get_mut(&key(reservation)).filter(|call| call.forgotten_at > reservation.now) {
            if call.fingerprint != reservation.fingerprint {
                return Ok(Reserved::Reused);
            }
            return Ok(match call.until {
                None => Reserved::Done { id: call.id, answer: call.answer.clone() },
                Some(until) if until > reservation.now => Reserved::Running,
                Some(_) => {
                    call.until = until;
                    Reserved::Yours(call.id)
                }
            });
        }
        let call = Call {
            fingerprint: reservation.fingerprint.clone(),
            id: reservation.id,
            answer: None,
            until,
            forgotten_at: reservation.now + MEMORY,
        };
        calls.insert(key(reservation), call);
        Ok(Reserved::Yours(reservation.id))
    }

    async fn complete(&self, reservation: &Reservation, answer: Option<&str>) -> Result<()> {
        let mut tables = self.tables();
        if std::mem::take(&mut tables.callers.loses_completion) {
            return Err(Error::unavailable("the table is down"));
        }
        if let Some(call) = tables.callers.calls.get_mut(&key(reservation))
            && call.fingerprint == reservation.fingerprint
        {
            (call.until, call.answer) = (None, answer.map(str::to_owned));
        }
        Ok(())
    }

    async fn forget(&self, reservation: &Reservation) -> Result<()> {
        let mut tables = self.tables();
        let calls = &mut tables.callers.calls;
        let is_ours = |call: &Call| call.id == reservation.id && call.until.is_some();
        if calls.get(&key(reservation)).is_some_and(is_ours) {
            calls.remove(&key(reservation));
        }
        Ok(())
    }

    async fn release(&self, reservation: &Reservation) -> Result<()> {
        if let Some(call) = self.tables().callers.calls.get_mut(&key(reservation))
            && call.id == reservation.id
            && let Some(until) = &mut call.until
        {
            *until = (*until).min(reservation.now);
        }
        Ok(())
    }
}

fn key(reservation: &Reservation) -> (WorkspaceId, IdempotencyKey) {
    (reservation.workspace_id, reservation.key.clone())
}
