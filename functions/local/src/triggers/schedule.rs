//! What happens by the clock: the sweeper's schedule, and a lifecycle rule of the bucket.

use crate::engines::expire;
use crate::events;
use dataset_core::Ports;
use dataset_core::clock::Clock;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The template's timeout of the function.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Sweeps now and then at each interval, until the task is dropped.
pub(crate) async fn sweep_every(interval: Duration, ports: Ports) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = ports.clock.now();
        let invocation = events::invocation(events::schedule(now), "schedule", now, TIMEOUT);
        if let Err(error) = dataset_sweeper::handle(invocation, &ports).await {
            tracing::error!(%error, "the sweep was not complete");
        }
    }
}

/// The template's rule for what was made to be downloaded.
const EXPORT_LIFETIME: Duration = Duration::from_secs(2 * 24 * 3600);

/// Removes files that were made to be downloaded, until the task is dropped.
pub(crate) async fn expire_exports(objects: PathBuf, bucket: &'static str, clock: Arc<dyn Clock>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(3600));
    loop {
        ticks.tick().await;
        let before = clock.now().checked_sub(EXPORT_LIFETIME).unwrap_or_default();
        if let Err(error) = expire(&objects, bucket, "exports", before) {
            tracing::warn!(%error, "old exports were not all removed");
        }
    }
}
