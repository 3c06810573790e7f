//! The port for deliveries.

use crate::Result;
use crate::delivery::{Attempt, Delivery, DeliveryKey, DeliveryState, DeliveryStatus};
use crate::id::DeliveryId;
use crate::secret::Owner;
use async_trait::async_trait;
use jiff::Timestamp;

#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Stores those of the deliveries that are not there already.
    async fn create_deliveries(&self, deliveries: &[Delivery]) -> Result<()>;

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Delivery>>;

    /// At most `limit` deliveries to a receiver, the newest first. By status
    /// it may be some moments behind.
    async fn deliveries(&self, wanted: &DeliveryQuery, limit: usize) -> Result<DeliveryPage>;

    /// Takes the delivery for one attempt, which must have been recorded by
    /// `until`. `None` if there is nothing to do: it is final, not due yet,
    /// or being attempted.
    async fn begin_attempt(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<Option<Delivery>>;

    /// Puts a delivery that is due off until `until`, without an attempt.
    /// `false` if it is not due.
    async fn postpone(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<bool>;

    /// Appends an attempt and sets what follows from it. `delivery` is as it
    /// was when the attempt began. If it has become final meanwhile, or due
    /// anew, it stays so, unless it has been delivered now: that is final in
    /// any case.
    async fn record_attempt(
        &self,
        delivery: &Delivery,
        attempt: &Attempt,
        next: DeliveryState,
        at: Timestamp,
    ) -> Result<()>;

    /// Notes that a message is on its way for a delivery that is overdue, so
    /// that it is not before `again` that the sweeper sends another.
    async fn reminded(&self, key: &DeliveryKey, now: Timestamp, again: Timestamp) -> Result<()>;

    /// Makes a delivery due at `at` with the whole schedule before it,
    /// whatever became of it. `false` if there is none.
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
    /// Older than this one.
    pub before: Option<DeliveryId>,
    /// Of events that are not older than this, as [`DeliveryId::order`] has it.
    pub from_order: u64,
}
