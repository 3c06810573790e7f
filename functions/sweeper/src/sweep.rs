//! One pass over what is overdue.

use dataset_core::catalog::Due;
use dataset_core::clock::after;
use dataset_core::delivery::DeliveryKey;
use dataset_core::{Ports, Result, outbox, uploads};
use futures::{StreamExt, stream};
use std::time::Duration;

/// Overdue items in one pass. The next pass comes within a minute.
const MAX_DUE: usize = 1_000;

const AT_ONCE: usize = 16;

/// Interval at which an overdue delivery is queued again.
const REMIND_EVERY: Duration = Duration::from_secs(5 * 60);

pub(crate) async fn sweep(ports: &Ports) -> Result<()> {
    let due = ports.catalog.due(ports.clock.now(), MAX_DUE).await?;
    let found = due.len();
    let done = stream::iter(due).map(|due| settle(ports, due)).buffer_unordered(AT_ONCE);
    let faults: Vec<_> = done.filter_map(|result| async { result.err() }).collect().await;
    if found > 0 {
        tracing::info!(overdue = found, failed = faults.len(), "swept");
    }
    faults.into_iter().next().map_or(Ok(()), Err)
}

async fn settle(ports: &Ports, due: Due) -> Result<()> {
    let result = match &due {
        Due::Dataset(id) => uploads::expire(ports, *id).await,
        Due::Outbox(id) => outbox::relay_overdue(ports, id).await,
        Due::Delivery(key) => remind(ports, key).await,
    };
    if let Err(error) = &result {
        tracing::error!(?due, error = error.chain(), "overdue work failed; the next pass tries again");
    }
    result
}

/// Queues a delivery again, and postpones its due time, so that a delivery that
/// stays overdue does not keep others from their turn.
async fn remind(ports: &Ports, key: &DeliveryKey) -> Result<()> {
    let now = ports.clock.now();
    ports.queue.send(std::slice::from_ref(key), Duration::ZERO).await?;
    ports.deliveries.reminded(key, now, after(now, REMIND_EVERY)?).await
}
