//! The port for the queue. A message is a hint that a delivery is due: it may come
//! twice, late or never, and the delivery's item decides.

use crate::Result;
use crate::delivery::DeliveryKey;
use async_trait::async_trait;
use std::time::Duration;

/// The longest delay that the queue can hold a message back for.
pub const MAX_DELAY: Duration = Duration::from_secs(15 * 60);

/// Messages that the queue takes in one call.
pub const MAX_MESSAGES: usize = 10;

#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends a message for each delivery, to arrive after `delay`, which is at most [`MAX_DELAY`].
    async fn send(&self, deliveries: &[DeliveryKey], delay: Duration) -> Result<()>;
}
