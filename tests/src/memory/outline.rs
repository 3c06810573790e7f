//! The part of a dataset's state that decides what can happen next.

use super::MemoryTable;
use dataset_core::dataset::{Dataset, State};
use dataset_core::delivery::{Delivery, DeliveryKey, DeliveryState, QUEUE_GRACE};
use dataset_core::id::{DatasetId, GroupId};
use dataset_core::webhook::{Health, Webhook};
use jiff::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Draft,
    Ready,
    Failed,
}

/// Datasets with equal outlines behave the same. Times are in milliseconds from now, 0 if they have passed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outline {
    pub status: Status,
    lost_leases: u32,
    restarts: u32,
    leased: Option<(String, i64)>,
    due: Option<i64>,
    failure: Option<String>,
    outbox_due: Option<i64>,
    deliveries: Vec<Sent>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sent {
    /// When the next attempt is due, when the sweeper will look at it, and whether it is parked.
    pending: Option<(i64, i64, bool)>,
    failed: u32,
    is_delivered: bool,
    attempts: usize,
}

/// The dataset that the body of an event names.
pub fn dataset_of(body: &str) -> Option<DatasetId> {
    let payload: serde_json::Value = serde_json::from_str(body).ok()?;
    DatasetId::new(payload["details"]["dataset_id"].as_u64()?)
}

impl MemoryTable {
    /// The only delivery for a dataset.
    pub fn delivery_about(&self, id: DatasetId) -> Option<DeliveryKey> {
        let tables = self.tables();
        let delivery = tables.deliveries.values().find(|delivery| dataset_of(&delivery.body) == Some(id));
        delivery.map(|delivery| delivery.key.clone())
    }

    /// The dataset of a delivery's event.
    pub fn subject_of(&self, key: &DeliveryKey) -> Option<DatasetId> {
        dataset_of(&self.tables().deliveries.get(key)?.body)
    }

    pub fn named(&self, file_name: &str) -> Option<Dataset> {
        self.tables().datasets.values().find(|dataset| dataset.file_name.as_str() == file_name).cloned()
    }

    /// Counts the datasets that are ready or failed.
    pub fn outcomes(&self) -> usize {
        let tables = self.tables();
        tables.datasets.values().filter(|dataset| !matches!(dataset.state, State::Draft { .. })).count()
    }

    /// The latest version number of a group.
    pub fn latest(&self, id: GroupId) -> u64 {
        self.tables().groups[&id].latest_version
    }

    /// The earliest due time.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.tables().due().into_iter().map(|(at, _)| at).min()
    }

    /// The health of all webhooks, as text, with times in milliseconds from now.
    pub fn health(&self, now: Timestamp) -> String {
        let tables = self.tables();
        let ms = |at: Option<Timestamp>| at.map(|at| at.as_millisecond() - now.as_millisecond());
        let health = |webhook: &Webhook| {
            let Health { failing_since, slow_failures, open_until, resume_since } = webhook.health;
            let times = [failing_since, open_until, resume_since].map(ms);
            format!("{times:?} {slow_failures} {:?}", webhook.disabled)
        };
        tables.webhooks.values().map(health).collect()
    }

    /// Whether a delivery waits for its webhook's circuit.
    pub fn is_any_parked(&self) -> bool {
        let is_parked = |delivery: &Delivery| matches!(delivery.state, DeliveryState::Pending { is_parked: true, .. });
        self.tables().deliveries.values().any(is_parked)
    }

    pub fn outline(&self, id: DatasetId, now: Timestamp) -> Outline {
        let tables = self.tables();
        let ms = |at: Timestamp| if at <= now { 0 } else { (at.as_millisecond() - now.as_millisecond()).max(1) };
        let dataset = &tables.datasets[&id];
        let (status, lost_leases, restarts, failure, due) = match &dataset.state {
            State::Draft { due_at, lost_leases, restarts } => {
                (Status::Draft, *lost_leases, *restarts, None, Some(*due_at))
            }
            State::Ready { .. } => (Status::Ready, 0, 0, None, None),
            State::Failed { failure, .. } => {
                (Status::Failed, 0, 0, Some(failure.code.clone()), tables.unclean.get(&id).copied())
            }
        };
        let of_dataset = tables.deliveries.values().filter(|delivery| dataset_of(&delivery.body) == Some(id));
        let deliveries = of_dataset.map(|delivery| {
            let (pending, failed) = match delivery.state {
                DeliveryState::Pending { next_attempt_at, failed, is_parked } => {
                    let due = tables.due.get(&delivery.key).copied().unwrap_or(next_attempt_at + QUEUE_GRACE);
                    (Some((ms(next_attempt_at), ms(due), is_parked)), failed)
                }
                DeliveryState::Delivered | DeliveryState::Failed => (None, 0),
            };
            let is_delivered = delivery.state == DeliveryState::Delivered;
            Sent { pending, failed, is_delivered, attempts: delivery.attempts.len() }
        });
        Outline {
            status,
            lost_leases,
            restarts,
            leased: tables.leases.get(&id).map(|lease| (lease.owner.clone(), ms(lease.until))),
            due: due.map(ms),
            failure,
            outbox_due: tables
                .outbox
                .values()
                .find(|entry| dataset_of(&entry.body) == Some(id))
                .map(|entry| ms(entry.due_at)),
            deliveries: deliveries.collect(),
        }
    }
}
