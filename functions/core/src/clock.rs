//! The port for time.

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
