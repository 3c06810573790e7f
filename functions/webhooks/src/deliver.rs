//! One delivery that may be due: attempts it, postpones it, or leaves it alone.

use crate::Sender;
use crate::attempt::{Answer, post, secrets};
use crate::client::ATTEMPT_TIMEOUT;
use dataset_core::Result;
use dataset_core::clock::after;
use dataset_core::delivery::{Attempt, Delivery, DeliveryKey, DeliveryState, retry_delay};
use dataset_core::event::EventType;
use dataset_core::ids::spread;
use dataset_core::parking::{parked_until, resume};
use dataset_core::queue::MAX_DELAY;
use dataset_core::webhook::{AttemptResult, Circuit, Outcome, Webhook};
use dataset_core::webhooks::change;
use jiff::Timestamp;
use std::pin::pin;
use std::time::Duration;
use tokio::time::Instant;

/// How long an attempt may stay unrecorded before the delivery is due again.
const ATTEMPT_LEASE: Duration = ATTEMPT_TIMEOUT.saturating_mul(3);

/// An attempt that has waited so long for an answer opens the circuit for the others.
const SLOW_AFTER: Duration = Duration::from_secs(2);

/// How long a delivery is postponed while its webhook is busy.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Makes and records an attempt, if the delivery is due.
///
/// # Errors
/// If the delivery could not be read or the attempt not be recorded; what the receiver does is no error.
pub(crate) async fn deliver(sender: &Sender, key: &DeliveryKey) -> Result<()> {
    let now = sender.ports.clock.now();
    let webhook = sender.ports.webhooks.webhook(key.workspace_id, key.webhook_id).await?;
    let webhook = match webhook {
        Some(webhook) if webhook.disabled.is_none() => webhook,
        Some(_) => return give_up(sender, key, now, "the webhook is disabled").await,
        None => return give_up(sender, key, now, "the webhook has been deleted").await,
    };
    let Some(_permit) = sender.limits.acquire(webhook.id).await else {
        return postpone(sender, key, now, after(now, spread(sender.ports.ids.as_ref(), BUSY_WAIT))?).await;
    };
    let circuit = webhook.circuit(now);
    let is_probe = circuit == Circuit::HalfOpen;
    match circuit {
        Circuit::Closed => {}
        Circuit::OpenUntil(_) => return park(sender, key, now).await,
        Circuit::HalfOpen if !is_due(sender, key, now).await? => return Ok(()),
        Circuit::HalfOpen => {
            let mut probed = webhook.clone();
            probed.start_probe(after(now, ATTEMPT_LEASE)?);
            if !sender.ports.webhooks.replace(&probed).await? {
                return postpone(sender, key, now, after(now, spread(sender.ports.ids.as_ref(), BUSY_WAIT))?).await;
            }
        }
    }
    let secrets = secrets(sender, &webhook, now).await?;
    let started_at = sender.ports.clock.now();
    let until = after(started_at, ATTEMPT_LEASE)?;
    let Some(delivery) = sender.ports.deliveries.begin_attempt(key, started_at, until).await? else {
        return Ok(());
    };
    let attempt = post(sender, &delivery, &webhook, &secrets);
    // While one probes, the circuit is open for others already.
    let (answer, was_slow) =
        if is_probe { (attempt.await, false) } else { await_answer(sender, &webhook, attempt).await };
    let ended_at = sender.ports.clock.now();
    let took = Duration::try_from(ended_at.duration_since(started_at)).unwrap_or_default();
    let outcome = answer.outcome(took);
    let next = next(sender, &delivery, &answer, outcome, ended_at, is_probe)?;
    record(sender, &delivery, answer, started_at, took, next).await?;
    if let DeliveryState::Pending { next_attempt_at, .. } = next {
        enqueue_next(sender, key, ended_at, next_attempt_at).await;
    }
    let result = AttemptResult { outcome, at: ended_at, slow_failures_before: webhook.health.slow_failures };
    // A failed test does not count: the receiver may not be there yet.
    let is_premature = delivery.event_type == EventType::Test && outcome == Outcome::Failed;
    if was_slow || !is_premature {
        record_health(sender, &webhook, result, was_slow).await;
    }
    Ok(())
}

/// Waits for an answer, and opens the circuit for other attempts once it takes long. Tells whether it has.
async fn await_answer(sender: &Sender, webhook: &Webhook, attempt: impl Future<Output = Answer>) -> (Answer, bool) {
    let (mut attempt, mut was_slow) = (pin!(attempt), false);
    let mut ticks = tokio::time::interval_at(Instant::now() + SLOW_AFTER, SLOW_AFTER);
    loop {
        tokio::select! {
            answer = &mut attempt => return (answer, was_slow),
            _ = ticks.tick() => {
                was_slow = true;
                open_circuit(sender, webhook).await;
            }
        }
    }
}

/// The delivery's next state.
fn next(
    sender: &Sender,
    delivery: &Delivery,
    answer: &Answer,
    outcome: Outcome,
    now: Timestamp,
    is_probe: bool,
) -> Result<DeliveryState> {
    let DeliveryState::Pending { failed, .. } = delivery.state else {
        return Ok(delivery.state);
    };
    if is_probe && outcome == Outcome::FailedSlowly && delivery.event_type != EventType::Test {
        // Its schedule stands still while the circuit is open.
        let next_attempt_at = parked_until(sender.ports.ids.as_ref(), now)?;
        return Ok(DeliveryState::Pending { next_attempt_at, failed, is_parked: true });
    }
    let failed = failed + 1;
    let delay = match outcome {
        Outcome::Delivered | Outcome::DeliveredSlowly => return Ok(DeliveryState::Delivered),
        Outcome::Gone => None,
        // A test is tried once, since people look at its result now.
        Outcome::Failed | Outcome::FailedSlowly if delivery.event_type == EventType::Test => None,
        Outcome::Failed | Outcome::FailedSlowly => retry_delay(failed, answer.retry_after),
    };
    Ok(match delay {
        Some(delay) => {
            let next_attempt_at = after(now, spread(sender.ports.ids.as_ref(), delay))?;
            DeliveryState::Pending { next_attempt_at, failed, is_parked: false }
        }
        None => DeliveryState::Failed,
    })
}

async fn record(
    sender: &Sender,
    delivery: &Delivery,
    answer: Answer,
    started_at: Timestamp,
    took: Duration,
    next: DeliveryState,
) -> Result<()> {
    let attempt = Attempt {
        started_at,
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        status: answer.status.map(|status| status.as_u16()),
        error: answer.error,
        location: answer.location,
        response: answer.body,
        response_is_cut: answer.is_cut,
    };
    sender.ports.deliveries.record_attempt(delivery, &attempt, next, sender.ports.clock.now()).await?;
    tracing::info!(
        delivery_id = delivery.key.delivery_id.as_str(),
        webhook_id = delivery.key.webhook_id.get(),
        attempt = delivery.attempts.len() + 1,
        status = attempt.status,
        duration_ms = attempt.duration_ms,
        error = attempt.error,
        delivered = next == DeliveryState::Delivered,
        "webhook attempted"
    );
    Ok(())
}

/// Fails a delivery whose webhook is disabled or deleted.
async fn give_up(sender: &Sender, key: &DeliveryKey, now: Timestamp, why: &str) -> Result<()> {
    let until = after(now, ATTEMPT_LEASE)?;
    let Some(delivery) = sender.ports.deliveries.begin_attempt(key, now, until).await? else {
        return Ok(());
    };
    record(sender, &delivery, Answer::failed(why), now, Duration::ZERO, DeliveryState::Failed).await
}

async fn is_due(sender: &Sender, key: &DeliveryKey, now: Timestamp) -> Result<bool> {
    let delivery = sender.ports.deliveries.delivery(key).await?;
    Ok(delivery.is_some_and(
        |delivery| matches!(delivery.state, DeliveryState::Pending { next_attempt_at, .. } if next_attempt_at <= now),
    ))
}

/// Leaves it until the circuit is closed. No message comes for it.
async fn park(sender: &Sender, key: &DeliveryKey, now: Timestamp) -> Result<()> {
    let until = parked_until(sender.ports.ids.as_ref(), now)?;
    sender.ports.deliveries.park(key, now, until).await.map(drop)
}

async fn postpone(sender: &Sender, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<()> {
    if sender.ports.deliveries.postpone(key, now, until).await? {
        enqueue_next(sender, key, now, until).await;
    }
    Ok(())
}

/// Opens the circuit for other attempts, which would only wait as this one
/// does. Where that can't be stored, each of them waits for itself.
async fn open_circuit(sender: &Sender, called: &Webhook) {
    let now = sender.ports.clock.now();
    let noted = change(sender.ports.webhooks.as_ref(), called.workspace_id, called.id, |webhook| {
        webhook.url == called.url && webhook.open_briefly(now)
    });
    if let Err(error) = noted.await {
        tracing::warn!(webhook_id = called.id.get(), error = error.chain(), "the circuit could not be opened");
    }
}

/// Stores what the attempt tells of the webhook's health, where it is news.
/// Where that fails, the next attempt will tell.
async fn record_health(sender: &Sender, called: &Webhook, result: AttemptResult, was_slow: bool) {
    if !was_slow && !called.clone().record(result) {
        return;
    }
    let learnt = change(sender.ports.webhooks.as_ref(), called.workspace_id, called.id, |webhook| {
        // A result at another URL says nothing about this one.
        webhook.url == called.url && webhook.record(result)
    });
    let webhook_id = called.id.get();
    let webhook = match learnt.await {
        Ok(Some(webhook)) => webhook,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(webhook_id, error = error.chain(), "the health of a webhook could not be stored");
            return;
        }
    };
    if let Some(disabled) = webhook.disabled {
        tracing::warn!(webhook_id, reason = ?disabled.reason, "webhook disabled");
    }
    let is_open = matches!(webhook.circuit(sender.ports.clock.now()), Circuit::OpenUntil(_));
    if webhook.due_at().is_some()
        && (!is_open || webhook.disabled.is_some())
        && let Err(error) = resume(&sender.ports, webhook.owner()).await
    {
        tracing::warn!(webhook_id, error = error.chain(), "what waits is left to the sweeper");
    }
}

/// Queues a message for the next attempt, if the queue can delay it so long.
/// Otherwise the sweeper finds the delivery when it is overdue.
async fn enqueue_next(sender: &Sender, key: &DeliveryKey, now: Timestamp, at: Timestamp) {
    let delay = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    if delay > MAX_DELAY {
        return;
    }
    if let Err(error) = sender.ports.queue.send(std::slice::from_ref(key), delay).await {
        let delivery_id = key.delivery_id.as_str();
        tracing::warn!(delivery_id, error = error.chain(), "the next attempt is left to the sweeper");
    }
}
