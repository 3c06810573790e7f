//! Webhooks and their deliveries in memory.

use super::table::{MemoryTable, id_taken};
use async_trait::async_trait;
use dataset_core::deliveries::{Deliveries, DeliveryPage, DeliveryQuery};
use dataset_core::delivery::{
    Attempt, Delivery, DeliveryKey, DeliveryState, DeliveryStatus, MAX_ATTEMPTS_KEPT, QUEUE_GRACE,
};
use dataset_core::id::{DeliveryId, WebhookId, WorkspaceId};
use dataset_core::secret::{Owner, Sealed, Secret, Vault};
use dataset_core::webhook::Webhook;
use dataset_core::webhooks::Webhooks;
use dataset_core::{Error, Result};
use jiff::Timestamp;

#[async_trait]
impl Webhooks for MemoryTable {
    async fn register(&self, webhook: &Webhook) -> Result<()> {
        let mut tables = self.tables();
        let key = (webhook.workspace_id, webhook.id);
        if tables.webhooks.get(&key).is_some_and(|other| other != webhook) {
            return Err(id_taken());
        }
        tables.webhooks.insert(key, webhook.clone());
        Ok(())
    }

    async fn webhook(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>> {
        Ok(self.tables().webhooks.get(&(workspace, id)).cloned())
    }

    async fn webhooks(&self, workspace: WorkspaceId) -> Result<Vec<Webhook>> {
        Ok(self.tables().webhooks.values().filter(|r| r.workspace_id == workspace).cloned().collect())
    }

    async fn replace(&self, changed: &Webhook) -> Result<bool> {
        match self.tables().webhooks.get_mut(&(changed.workspace_id, changed.id)) {
            Some(stored) if stored.revision == changed.revision => {
                *stored = Webhook { revision: changed.revision + 1, ..changed.clone() };
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn remove(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
        Ok(self.tables().webhooks.remove(&(workspace, id)).is_some())
    }
}

impl MemoryTable {
    /// Makes a delivery due later, if it is due.
    fn put_off(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp, parks: bool) -> bool {
        let mut tables = self.tables();
        let tables = &mut *tables;
        match tables.deliveries.get_mut(key) {
            Some(Delivery { state: DeliveryState::Pending { next_attempt_at, is_parked, .. }, .. })
                if *next_attempt_at <= now =>
            {
                (*next_attempt_at, *is_parked) = (until, parks);
                tables.due.remove(key);
                true
            }
            _ => false,
        }
    }
}

#[async_trait]
impl Deliveries for MemoryTable {
    async fn create_deliveries(&self, deliveries: &[Delivery]) -> Result<()> {
        let mut tables = self.tables();
        for delivery in deliveries {
            tables.deliveries.entry(delivery.key.clone()).or_insert_with(|| delivery.clone());
        }
        Ok(())
    }

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Delivery>> {
        Ok(self.tables().deliveries.get(key).cloned())
    }

    async fn deliveries(&self, wanted: &DeliveryQuery, limit: usize) -> Result<DeliveryPage> {
        let Owner { workspace_id, webhook_id } = wanted.webhook;
        let fits = |delivery: &&Delivery| {
            let order = delivery.key.delivery_id.order();
            delivery.key.workspace_id == workspace_id
                && delivery.key.webhook_id == webhook_id
                && wanted.status.is_none_or(|status| delivery.state.status() == status)
                && wanted.before.as_ref().is_none_or(|before| order < before.order())
                && order >= wanted.from_order
        };
        let mut found: Vec<Delivery> = self.tables().deliveries.values().filter(fits).cloned().collect();
        found.sort_by(|a, b| b.key.delivery_id.cmp(&a.key.delivery_id));
        found.truncate(limit);
        let last = found.last().filter(|_| found.len() == limit);
        Ok(DeliveryPage { next: last.map(|last| last.key.delivery_id.clone()), deliveries: found })
    }

    async fn begin_attempt(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<Option<Delivery>> {
        if !self.put_off(key, now, until, false) {
            return Ok(None);
        }
        self.tables().due.insert(key.clone(), until);
        self.delivery(key).await
    }

    async fn postpone(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<bool> {
        Ok(self.put_off(key, now, until, false))
    }

    async fn park(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<bool> {
        Ok(self.put_off(key, now, until, true))
    }

    async fn record_attempt(
        &self,
        begun: &Delivery,
        attempt: &Attempt,
        next: DeliveryState,
        _: Timestamp,
    ) -> Result<()> {
        let mut tables = self.tables();
        let tables = &mut *tables;
        if std::mem::take(&mut tables.loses_a_record) {
            return Err(Error::unavailable("the record was lost"));
        }
        if let Some(delivery) = tables.deliveries.get_mut(&begun.key) {
            delivery.attempts.push(attempt.clone());
            let surplus = delivery.attempts.len().saturating_sub(MAX_ATTEMPTS_KEPT);
            delivery.attempts.drain(..surplus);
            let lease = |state| match state {
                DeliveryState::Pending { next_attempt_at, .. } => Some(next_attempt_at),
                _ => None,
            };
            let is_still = lease(delivery.state).is_some() && lease(delivery.state) == lease(begun.state);
            if next == DeliveryState::Delivered || is_still {
                delivery.state = next;
                tables.due.remove(&begun.key);
            }
        }
        Ok(())
    }

    async fn pending(&self, webhook: Owner, after: Option<&DeliveryId>, limit: usize) -> Result<Vec<DeliveryKey>> {
        let tables = self.tables();
        let is_pending = |delivery: &&Delivery| {
            delivery.state.status() == DeliveryStatus::Pending
                && delivery.key.workspace_id == webhook.workspace_id
                && delivery.key.webhook_id == webhook.webhook_id
                && after.is_none_or(|after| delivery.key.delivery_id.order() > after.order())
        };
        let mut keys: Vec<_> = tables.deliveries.values().filter(is_pending).map(|found| found.key.clone()).collect();
        keys.sort_by_key(|key| key.delivery_id.order());
        keys.truncate(limit);
        Ok(keys)
    }

    async fn wake(&self, key: &DeliveryKey, now: Timestamp) -> Result<bool> {
        let mut tables = self.tables();
        let tables = &mut *tables;
        match tables.deliveries.get_mut(key) {
            Some(Delivery { state: DeliveryState::Pending { next_attempt_at, is_parked, .. }, .. }) if *is_parked => {
                (*next_attempt_at, *is_parked) = (now, false);
                tables.due.remove(key);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn reminded(&self, key: &DeliveryKey, now: Timestamp, again: Timestamp) -> Result<()> {
        let mut tables = self.tables();
        if let Some(Delivery { state: DeliveryState::Pending { next_attempt_at, .. }, .. }) = tables.deliveries.get(key)
            && tables.due.get(key).copied().unwrap_or(*next_attempt_at + QUEUE_GRACE) <= now
        {
            tables.due.insert(key.clone(), again);
        }
        Ok(())
    }

    async fn requeue(&self, key: &DeliveryKey, at: Timestamp) -> Result<bool> {
        let mut tables = self.tables();
        tables.due.remove(key);
        match tables.deliveries.get_mut(key) {
            Some(delivery) => {
                delivery.state = DeliveryState::fresh(at);
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

/// A vault that does not encrypt, but checks whose secret it opens.
#[derive(Default)]
pub struct MemoryVault;

#[async_trait]
impl Vault for MemoryVault {
    async fn seal(&self, secret: &Secret, owner: Owner) -> Result<Sealed> {
        Ok(Sealed(format!("{owner:?}|{}", secret.reveal())))
    }

    async fn open(&self, sealed: &Sealed, owner: Owner) -> Result<Secret> {
        let secret = sealed.0.strip_prefix(&format!("{owner:?}|"));
        let secret = secret.ok_or_else(|| Error::internal("the secret is another receiver's"))?;
        Ok(Secret::new(secret.to_owned()))
    }
}
