//! The schedule of the sweeper.

use crate::events;
use dataset_core::lifecycle::Lifecycle;
use std::time::Duration;

/// The template's timeout of the function.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Sweeps now and then at each interval, until the task is dropped.
pub(crate) async fn sweep_every(interval: Duration, lifecycle: Lifecycle) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = lifecycle.clock.now();
        let invocation = events::invocation(events::schedule(now), "schedule", now, TIMEOUT);
        if let Err(error) = dataset_sweeper::handle(invocation, &lifecycle).await {
            tracing::error!(%error, "the sweep was not complete");
        }
    }
}
