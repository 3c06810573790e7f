//! The port for deliveries.

use crate::Result;
use crate::delivery::{Attempt, Delivery, DeliveryKey, DeliveryState, DeliveryStatus};
use crate::id::DeliveryId;
use crate::secret::Owner;
use async_trait::async_trait;
use jiff::Timestamp;

#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Stores the deliveries that do not exist yet.
    async fn create_deliveries(&self, deliveries: &[Delivery]) -> Result<()>;

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Delivery>>;

    /// At most `limit` deliveries to a webhook, the newest first. With a status, the
    /// list may lag by some moments.
    async fn deliveries(&self, wanted: &DeliveryQuery, limit: usize) -> Result<DeliveryPage>;

    /// Leases the delivery for one attempt, which must be recorded by `until`.
    /// `None` if it has ended, is not due yet, or is being attempted.
    async fn begin_attempt(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<Option<Delivery>>;

    /// Postpones a delivery that is due, without an attempt. `false` if it is not due.
    async fn postpone(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<bool>;

    /// Appends an attempt and sets the next state. `delivery` is as it was when the
    /// attempt began. If it has ended or become due again meanwhile, it keeps that
    /// state, unless it has been delivered now, which is final in any case.
    async fn record_attempt(
        &self,
        delivery: &Delivery,
        attempt: &Attempt,
        next: DeliveryState,
        at: Timestamp,
    ) -> Result<()>;

    /// At most `limit` pending deliveries to a webhook that are newer than `after`, the oldest first. The list
    /// may lag by some moments.
    async fn pending(&self, webhook: Owner, after: Option<&DeliveryId>, limit: usize) -> Result<Vec<DeliveryKey>>;

    /// Parks a delivery that is due, until `until` at the latest. `false` if it is not due.
    async fn park(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<bool>;

    /// Makes a parked delivery due at `now`. `false` if it is not parked.
    async fn wake(&self, key: &DeliveryKey, now: Timestamp) -> Result<bool>;

    /// Stores that an overdue delivery has been queued, so that the sweeper does not
    /// queue it again before `again`.
    async fn reminded(&self, key: &DeliveryKey, now: Timestamp, again: Timestamp) -> Result<()>;

    /// Makes a delivery due at `at`, at the start of its schedule, whatever its
    /// state. `false` if there is none.
    async fn requeue(&self, key: &DeliveryKey, at: Timestamp) -> Result<bool>;
}

/// Some deliveries, and where the next page begins.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryPage {
    pub deliveries: Vec<Delivery>,
    pub next: Option<DeliveryId>,
}

/// The deliveries to list.
#[derive(Clone, Debug)]
pub struct DeliveryQuery {
    pub webhook: Owner,
    pub status: Option<DeliveryStatus>,
    /// Deliveries older than this one.
    pub before: Option<DeliveryId>,
    /// Deliveries of events from this [`DeliveryId::order`] on.
    pub from_order: u64,
}
