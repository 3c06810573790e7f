//! The port for time.

use crate::{Error, Result};
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;

#[async_trait]
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;

    /// Whole milliseconds, as logs have them.
    fn ms_since(&self, started: Timestamp) -> i64 {
        self.now().as_millisecond() - started.as_millisecond()
    }

    async fn sleep(&self, duration: Duration);
}

/// `at` plus `duration`.
///
/// # Errors
/// If that is out of range.
pub fn after(at: Timestamp, duration: Duration) -> Result<Timestamp> {
    at.checked_add(duration).map_err(|e| Error::internal("the time is out of range").because(e))
}

/// The machine's own clock.
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where time comes in")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where time passes")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
