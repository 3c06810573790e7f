//! The port for webhook receivers and the deliveries to them.

use crate::Result;
use crate::delivery::{Attempt, Delivery, DeliveryKey, DeliveryState, Receiver};
use crate::id::{ReceiverId, WorkspaceId};
use async_trait::async_trait;
use jiff::Timestamp;

#[async_trait]
pub trait Receivers: Send + Sync {
    /// Stores a receiver whose id must be new; a `Conflict` if it is not. The
    /// very same receiver again is no conflict: it is the same call.
    async fn register(&self, receiver: &Receiver) -> Result<()>;

    async fn receiver(&self, workspace: WorkspaceId, id: ReceiverId) -> Result<Option<Receiver>>;

    /// Every receiver of the workspace, by id; sees each one registered before the call.
    async fn receivers(&self, workspace: WorkspaceId) -> Result<Vec<Receiver>>;

    /// Stores a delivery unless it is there already.
    async fn create_delivery(&self, delivery: &Delivery) -> Result<()>;

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Delivery>>;

    /// Takes the delivery for one attempt, which must have been recorded by
    /// `until`. `None` if there is nothing to do: it is final, not due yet,
    /// or being attempted.
    async fn begin_attempt(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<Option<Delivery>>;

    /// Appends an attempt and sets what follows from it. A delivery that is
    /// final stays as it is.
    async fn record_attempt(&self, key: &DeliveryKey, attempt: &Attempt, next: DeliveryState) -> Result<()>;
}
