//! Deliveries that wait for a webhook whose circuit is open.
//!
//! A parked delivery is due only after [`PARKED_FOR`], so it costs nothing meanwhile, and its retry schedule
//! stands still. The webhook has a due time instead, at which one delivery probes; when the webhook
//! answers again, or is disabled, all are woken, the oldest first.

use crate::clock::after;
use crate::delivery::{DeliveryKey, DeliveryState};
use crate::ids::{Ids, spread};
use crate::queue::MAX_MESSAGES;
use crate::secret::Owner;
use crate::webhook::{Circuit, Webhook};
use crate::webhooks::change;
use crate::{Ports, Result};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use std::time::Duration;

/// When a parked delivery is due even if nothing wakes it: one that was parked by what had read the webhook
/// before its circuit closed is not lost, only late.
const PARKED_FOR: Duration = Duration::from_secs(24 * 3600);

/// Deliveries that are listed at a time, and woken in one call at most: the rest is left to the next.
const LISTED: usize = 1_000;
const MAX_WOKEN: usize = 10_000;

const AT_ONCE: usize = 16;

/// Until when a delivery is parked at `now`.
///
/// # Errors
/// If that is beyond the range of times.
pub fn parked_until(ids: &dyn Ids, now: Timestamp) -> Result<Timestamp> {
    after(now, spread(ids, PARKED_FOR))
}

/// The state of a new delivery: due, or parked if the circuit is open.
pub(crate) fn first_state(ports: &Ports, webhook: &Webhook, now: Timestamp) -> Result<DeliveryState> {
    Ok(match webhook.circuit(now) {
        _ if webhook.disabled.is_some() => DeliveryState::Failed,
        Circuit::Closed | Circuit::HalfOpen => DeliveryState::fresh(now),
        Circuit::OpenUntil(_) => DeliveryState::parked(parked_until(ports.ids.as_ref(), now)?),
    })
}

/// Does what is due for a webhook: wakes one delivery if the circuit is half open, all if it is closed or the
/// webhook is disabled.
///
/// # Errors
/// If a port failed; the webhook stays due.
pub async fn resume(ports: &Ports, owner: Owner) -> Result<()> {
    let now = ports.clock.now();
    let Some(webhook) = ports.webhooks.webhook(owner.workspace_id, owner.webhook_id).await? else {
        return Ok(());
    };
    if webhook.disabled.is_none() {
        match webhook.circuit(now) {
            Circuit::OpenUntil(_) => return Ok(()),
            Circuit::HalfOpen => return probe(ports, owner, now).await,
            Circuit::Closed => {}
        }
    }
    let Some(since) = webhook.health.resume_since else {
        return Ok(());
    };
    let is_all = wake_all(ports, owner, now).await?;
    if is_all && webhook.due_at().is_some_and(|due_at| due_at <= now) {
        change(ports.webhooks.as_ref(), owner.workspace_id, owner.webhook_id, |webhook| webhook.resumed(since)).await?;
    }
    Ok(())
}

/// Wakes the oldest parked delivery as the probe. If none is parked, the circuit keeps no one waiting.
async fn probe(ports: &Ports, owner: Owner, now: Timestamp) -> Result<()> {
    let listed = ports.deliveries.pending(owner, None, LISTED).await?;
    for key in &listed {
        if ports.deliveries.wake(key, now).await? {
            return ports.queue.send(std::slice::from_ref(key), Duration::ZERO).await;
        }
    }
    if listed.len() == LISTED {
        return Ok(());
    }
    let close = |webhook: &mut Webhook| webhook.circuit(now) == Circuit::HalfOpen && webhook.close_circuit(now);
    change(ports.webhooks.as_ref(), owner.workspace_id, owner.webhook_id, close).await.map(drop)
}

/// Wakes what is parked, the oldest first. `false` if there may be more.
async fn wake_all(ports: &Ports, owner: Owner, now: Timestamp) -> Result<bool> {
    let mut newest = None;
    for _ in 0..MAX_WOKEN / LISTED {
        let listed = ports.deliveries.pending(owner, newest.as_ref(), LISTED).await?;
        let chunks: Vec<Vec<DeliveryKey>> = listed.chunks(MAX_MESSAGES).map(<[_]>::to_vec).collect();
        let chunks = stream::iter(chunks).map(|keys| wake(ports, keys, now));
        chunks.buffered(AT_ONCE).try_collect::<()>().await?;
        if listed.len() < LISTED {
            return Ok(true);
        }
        newest = listed.last().map(|key| key.delivery_id.clone());
    }
    Ok(false)
}

async fn wake(ports: &Ports, keys: Vec<DeliveryKey>, now: Timestamp) -> Result<()> {
    let mut woken = Vec::with_capacity(keys.len());
    for key in keys {
        if ports.deliveries.wake(&key, now).await? {
            woken.push(key);
        }
    }
    if woken.is_empty() { Ok(()) } else { ports.queue.send(&woken, Duration::ZERO).await }
}
