//! One pass over what is overdue.

use dataset_core::catalog::Due;
use dataset_core::clock::after;
use dataset_core::delivery::DeliveryKey;
use dataset_core::queue::MAX_MESSAGES;
use dataset_core::{Ports, Result, outbox, parking, uploads};
use futures::future::try_join_all;
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::future::ready;
use std::time::Duration;

/// Overdue items that a pass reads; what is beyond is left to the next.
const MAX_READ: usize = 200_000;

/// Of drafts, events and webhooks, and of messages to the queue.
const AT_ONCE: usize = 16;

/// A pass begins nothing when less time than this is left.
const MARGIN: SignedDuration = SignedDuration::from_secs(15);

/// Interval at which an overdue delivery is queued again.
const REMIND_EVERY: Duration = Duration::from_secs(5 * 60);

/// Works on what is overdue until nothing is left or the invocation is about to end. Deliveries, of which
/// there may be many, and all else do not wait for each other.
///
/// # Errors
/// If what is overdue could not be read. What failed by itself is logged, and stays due.
pub(crate) async fn sweep(ports: &Ports, deadline: Option<Timestamp>) -> Result<()> {
    let due = ports.catalog.due(ports.clock.now(), MAX_READ).await?;
    let overdue = due.len();
    let (mut deliveries, mut others) = (Vec::new(), Vec::new());
    for due in due {
        match due {
            Due::Delivery(key) => deliveries.push(key),
            other => others.push(other),
        }
    }
    let batches: Vec<Vec<DeliveryKey>> = in_turn(deliveries).chunks(MAX_MESSAGES).map(<[_]>::to_vec).collect();
    let has_time = || deadline.is_none_or(|deadline| deadline.duration_since(ports.clock.now()) > MARGIN);
    let others = stream::iter(others).take_while(|_| ready(has_time())).map(|due| settle(ports, due));
    let batches = stream::iter(batches).take_while(|_| ready(has_time())).map(|keys| queue_again(ports, keys));
    let (others, batches) = tokio::join!(
        others.buffer_unordered(AT_ONCE).collect::<Vec<Swept>>(),
        batches.buffer_unordered(AT_ONCE).collect::<Vec<Swept>>(),
    );
    if overdue > 0 {
        let swept = others.iter().chain(&batches);
        let (begun, failed) = swept.fold((0, 0), |sum, swept| (sum.0 + swept.items, sum.1 + swept.failed));
        tracing::info!(overdue, left = overdue - begun, failed, "swept");
    }
    Ok(())
}

/// The webhooks' deliveries in turn, each webhook's oldest first, so that one with many keeps no other waiting.
fn in_turn(oldest_first: Vec<DeliveryKey>) -> Vec<DeliveryKey> {
    let mut counts: HashMap<_, usize> = HashMap::new();
    let turn = |key: DeliveryKey| {
        let count = counts.entry((key.workspace_id, key.webhook_id)).or_default();
        *count += 1;
        (*count, key)
    };
    let mut turns: Vec<(usize, DeliveryKey)> = oldest_first.into_iter().map(turn).collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, key)| key).collect()
}

/// Items that were worked on together, and how many of them failed.
struct Swept {
    items: usize,
    failed: usize,
}

async fn settle(ports: &Ports, due: Due) -> Swept {
    let result = match &due {
        Due::Dataset(id) => uploads::expire(ports, *id).await,
        Due::Outbox(id) => outbox::relay_overdue(ports, id).await,
        Due::Delivery(key) => remind(ports, std::slice::from_ref(key)).await,
        Due::Webhook(owner) => parking::resume(ports, *owner).await,
    };
    swept(result, &due, 1)
}

async fn queue_again(ports: &Ports, keys: Vec<DeliveryKey>) -> Swept {
    swept(remind(ports, &keys).await, &keys, keys.len())
}

fn swept(result: Result<()>, due: &impl std::fmt::Debug, items: usize) -> Swept {
    let Err(error) = result else { return Swept { items, failed: 0 } };
    tracing::error!(?due, error = error.chain(), "overdue work failed; the next pass tries again");
    Swept { items, failed: items }
}

/// Queues deliveries again, and postpones their due times, so that deliveries that stay overdue do not keep
/// others from their turn.
async fn remind(ports: &Ports, keys: &[DeliveryKey]) -> Result<()> {
    let now = ports.clock.now();
    let again = after(now, REMIND_EVERY)?;
    ports.queue.send(keys, Duration::ZERO).await?;
    try_join_all(keys.iter().map(|key| ports.deliveries.reminded(key, now, again))).await.map(drop)
}
