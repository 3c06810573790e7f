//! One pass over what is overdue.

use dataset_core::catalog::Due;
use dataset_core::clock::after;
use dataset_core::delivery::DeliveryKey;
use dataset_core::queue::MAX_MESSAGES;
use dataset_core::{Ports, Result, outbox, parking, uploads};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashSet;
use std::time::Duration;

/// Overdue items that are worked on at a time.
const BATCH: usize = 1_000;

const AT_ONCE: usize = 16;

/// A pass begins no batch when less time than this is left.
const MARGIN: SignedDuration = SignedDuration::from_secs(15);

/// Interval at which an overdue delivery is queued again.
const REMIND_EVERY: Duration = Duration::from_secs(5 * 60);

/// Works on what is overdue, batch by batch, until nothing is left or the invocation is about to end.
///
/// # Errors
/// If what is overdue could not be read. What failed by itself is logged, and stays due.
pub(crate) async fn sweep(ports: &Ports, deadline: Option<Timestamp>) -> Result<()> {
    let (mut seen, mut failed, mut wanted) = (HashSet::new(), 0, BATCH);
    loop {
        let due = ports.catalog.due(ports.clock.now(), wanted).await?;
        let found = due.len();
        // The index may lag, and what failed is still due: each item is worked on once.
        let fresh: Vec<Due> = due.into_iter().filter(|due| seen.insert(due.clone())).collect();
        let is_last = found < wanted;
        // What has been worked on and is still due stands before the rest.
        let again = found - fresh.len();
        failed += work_on(ports, fresh).await;
        wanted = BATCH + again.max(failed);
        let has_time = deadline.is_some_and(|deadline| deadline.duration_since(ports.clock.now()) > MARGIN);
        if is_last || !has_time {
            break;
        }
    }
    if !seen.is_empty() {
        tracing::info!(overdue = seen.len(), failed, "swept");
    }
    Ok(())
}

/// Works on a batch, uploads and events before deliveries, which may be many. Returns how many items failed.
async fn work_on(ports: &Ports, due: Vec<Due>) -> usize {
    let (mut deliveries, mut others) = (Vec::new(), Vec::new());
    for due in due {
        match due {
            Due::Delivery(key) => deliveries.push(key),
            other => others.push(other),
        }
    }
    let others = stream::iter(others).map(|due| settle(ports, due));
    let failed: Vec<usize> = others.buffer_unordered(AT_ONCE).collect().await;
    let chunks: Vec<Vec<DeliveryKey>> = deliveries.chunks(MAX_MESSAGES).map(<[_]>::to_vec).collect();
    let chunks = stream::iter(chunks).map(|keys| queue_again(ports, keys));
    let not_queued: Vec<usize> = chunks.buffer_unordered(AT_ONCE).collect().await;
    failed.into_iter().chain(not_queued).sum()
}

async fn settle(ports: &Ports, due: Due) -> usize {
    let result = match &due {
        Due::Dataset(id) => uploads::expire(ports, *id).await,
        Due::Outbox(id) => outbox::relay_overdue(ports, id).await,
        Due::Delivery(key) => remind(ports, std::slice::from_ref(key)).await,
        Due::Webhook(owner) => parking::resume(ports, *owner).await,
    };
    failures(result, &due, 1)
}

async fn queue_again(ports: &Ports, keys: Vec<DeliveryKey>) -> usize {
    failures(remind(ports, &keys).await, &keys, keys.len())
}

/// Logs a failure of so many items, and counts them.
fn failures(result: Result<()>, due: &(impl std::fmt::Debug + ?Sized), items: usize) -> usize {
    let Err(error) = result else { return 0 };
    tracing::error!(?due, error = error.chain(), "overdue work failed; the next pass tries again");
    items
}

/// Queues deliveries again, and postpones their due times, so that deliveries that stay overdue do not keep
/// others from their turn.
async fn remind(ports: &Ports, keys: &[DeliveryKey]) -> Result<()> {
    let now = ports.clock.now();
    let again = after(now, REMIND_EVERY)?;
    ports.queue.send(keys, Duration::ZERO).await?;
    for key in keys {
        ports.deliveries.reminded(key, now, again).await?;
    }
    Ok(())
}
