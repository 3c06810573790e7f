//! A store in which every delivery exists and is due, and nothing is kept.

use async_trait::async_trait;
use dataset_aws::SystemResolver;
use dataset_core::Ports;
use dataset_core::Result;
use dataset_core::clock::SystemClock;
use dataset_core::deliveries::{Deliveries, DeliveryPage, DeliveryQuery};
use dataset_core::delivery::{Attempt, Delivery, DeliveryKey, DeliveryState};
use dataset_core::destination::Policy;
use dataset_core::event::EventType;
use dataset_core::id::DeliveryId;
use dataset_core::id::{WebhookId, WorkspaceId};
use dataset_core::ids::SystemIds;
use dataset_core::queue::Queue;
use dataset_core::secret::Owner;
use dataset_core::webhook::Webhook;
use dataset_core::webhooks::Webhooks;
use dataset_tests::memory::{Fakes, MemoryVault};
use dataset_webhooks::Sender;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

const BODY: &str = r#"{"details": {"dataset_id": 456, "dataset_version_number": 3}, "event_type": "dataset_version_created_by_file", "timestamp": "2023-12-01T22:05:57.924833", "user_email": null, "user_id": 1, "user_name": null, "workspace_id": 1}"#;

pub(crate) struct MadeUp {
    url: String,
}

/// The `n`th delivery, to one of `webhooks` webhooks.
pub(crate) fn key(n: u64, webhooks: u64) -> DeliveryKey {
    let webhook_id = dataset_tests::webhook_id(n % webhooks + 1);
    let workspace_id = dataset_tests::workspace(1);
    DeliveryKey { workspace_id, webhook_id, delivery_id: DeliveryId::at(n, webhook_id) }
}

impl MadeUp {
    pub(crate) fn webhooks(url: &str) -> Sender {
        let store = Arc::new(Self { url: url.to_owned() });
        let ports = Ports {
            webhooks: store.clone(),
            deliveries: store.clone(),
            queue: store,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            ..Fakes::default().ports()
        };
        Sender::new(ports, Arc::new(MemoryVault), Policy::private(), Arc::new(SystemResolver)).unwrap()
    }
}

#[async_trait]
impl Webhooks for MadeUp {
    async fn register(&self, _: &Webhook) -> Result<()> {
        Ok(())
    }

    async fn webhook(&self, _: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>> {
        Ok(Some(dataset_tests::webhook(id.get(), 1, &self.url)))
    }

    async fn webhooks(&self, _: WorkspaceId) -> Result<Vec<Webhook>> {
        Ok(Vec::new())
    }

    async fn replace(&self, _: &Webhook) -> Result<bool> {
        Ok(true)
    }

    async fn remove(&self, _: WorkspaceId, _: WebhookId) -> Result<bool> {
        Ok(true)
    }
}

#[async_trait]
impl Deliveries for MadeUp {
    async fn create_deliveries(&self, _: &[Delivery]) -> Result<()> {
        Ok(())
    }

    async fn delivery(&self, _: &DeliveryKey) -> Result<Option<Delivery>> {
        Ok(None)
    }

    async fn deliveries(&self, _: &DeliveryQuery, _: usize) -> Result<DeliveryPage> {
        Ok(DeliveryPage { deliveries: Vec::new(), next: None })
    }

    async fn pending(&self, _: Owner, _: Option<&DeliveryId>, _: usize) -> Result<Vec<DeliveryKey>> {
        Ok(Vec::new())
    }

    async fn park(&self, _: &DeliveryKey, _: Timestamp, _: Timestamp) -> Result<bool> {
        Ok(false)
    }

    async fn wake(&self, _: &DeliveryKey, _: Timestamp) -> Result<bool> {
        Ok(false)
    }

    async fn reminded(&self, _: &DeliveryKey, _: Timestamp, _: Timestamp) -> Result<()> {
        Ok(())
    }

    async fn begin_attempt(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<Option<Delivery>> {
        Ok(Some(Delivery {
            key: key.clone(),
            event_type: EventType::VersionCreated,
            body: BODY.to_owned(),
            created_at: now,
            state: DeliveryState::fresh(until),
            attempts: Vec::new(),
        }))
    }

    async fn postpone(&self, _: &DeliveryKey, _: Timestamp, _: Timestamp) -> Result<bool> {
        Ok(true)
    }

    async fn record_attempt(&self, _: &Delivery, _: &Attempt, next: DeliveryState, _: Timestamp) -> Result<()> {
        assert_eq!(next, DeliveryState::Delivered);
        Ok(())
    }

    async fn requeue(&self, _: &DeliveryKey, _: Timestamp) -> Result<bool> {
        Ok(true)
    }
}

#[async_trait]
impl Queue for MadeUp {
    async fn send(&self, _: &[DeliveryKey], _: Duration) -> Result<()> {
        Ok(())
    }
}
