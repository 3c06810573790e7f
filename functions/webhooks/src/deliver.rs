//! One attempt of one delivery.

use crate::client::ATTEMPT_TIMEOUT;
use crate::{Webhooks, sign};
use dataset_core::Result;
use dataset_core::delivery::{Attempt, Delivery, DeliveryKey, DeliveryState, Receiver, retry_delay};
use dataset_core::ids::spread;
use dataset_core::lifecycle::after;
use dataset_core::queue::MAX_DELAY;
use reqwest::{Response, StatusCode};
use std::error::Error as _;
use std::time::Duration;

/// How long an attempt may go unrecorded before the delivery is due again.
const ATTEMPT_LEASE: Duration = ATTEMPT_TIMEOUT.saturating_mul(3);

/// What is kept of a receiver's answer.
const MAX_RESPONSE_BYTES: usize = 1 << 10;

/// Makes the attempt that is due, if one is, and records it.
///
/// # Errors
/// If the delivery could not be read or the attempt not be recorded; what the
/// receiver does is no error.
pub(crate) async fn deliver(webhooks: &Webhooks, key: &DeliveryKey) -> Result<()> {
    let started_at = webhooks.clock.now();
    let until = after(started_at, ATTEMPT_LEASE)?;
    let Some(delivery) = webhooks.receivers.begin_attempt(key, started_at, until).await? else {
        return Ok(());
    };
    let receiver = webhooks.receivers.receiver(key.workspace_id, key.receiver_id).await?;
    let answer = match &receiver {
        Some(receiver) if !receiver.disabled => send(webhooks, &delivery, receiver).await,
        Some(_) => Answer { gone: true, ..Answer::failed("the receiver is disabled") },
        None => Answer { gone: true, ..Answer::failed("the receiver has been deleted") },
    };
    let now = webhooks.clock.now();
    let duration = Duration::try_from(now.duration_since(started_at)).unwrap_or_default();
    let succeeded = answer.error.is_none();
    let delay = retry_delay(delivery.attempts.len() + 1).filter(|_| !answer.gone);
    let (next, delay) = match delay.map(|delay| spread(webhooks.ids.as_ref(), delay)) {
        _ if succeeded => (DeliveryState::Delivered, None),
        Some(delay) => (DeliveryState::Pending { next_attempt_at: after(now, delay)? }, Some(delay)),
        None => (DeliveryState::GaveUp, None),
    };
    let attempt = Attempt {
        started_at,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        status: answer.status.map(|s| s.as_u16()),
        error: answer.error,
        response: answer.body,
    };
    webhooks.receivers.record_attempt(key, &attempt, next).await?;
    tracing::info!(
        delivery_id = key.delivery_id.as_str(),
        receiver_id = key.receiver_id.get(),
        attempt = delivery.attempts.len() + 1,
        status = attempt.status,
        duration_ms = attempt.duration_ms,
        error = attempt.error,
        succeeded,
        "webhook attempted"
    );
    if let Some(delay) = delay.filter(|delay| *delay <= MAX_DELAY) {
        // Only sooner by this; the sweeper finds what is overdue.
        if let Err(error) = webhooks.queue.send(std::slice::from_ref(key), delay).await {
            tracing::warn!(
                delivery_id = key.delivery_id.as_str(),
                error = error.chain(),
                "next attempt is left to the sweeper"
            );
        }
    }
    Ok(())
}

/// What came of a POST.
#[derive(Default)]
struct Answer {
    status: Option<StatusCode>,
    /// Why it is no success.
    error: Option<String>,
    body: Option<String>,
    /// Whether it makes no sense to try again.
    gone: bool,
}

impl Answer {
    fn failed(error: &str) -> Self {
        Self { error: Some(error.to_owned()), ..Self::default() }
    }
}

async fn send(webhooks: &Webhooks, delivery: &Delivery, receiver: &Receiver) -> Answer {
    let url = match webhooks.destinations.check(&receiver.url) {
        Ok(url) => url,
        Err(error) => return Answer::failed(&error.to_string()),
    };
    let id = delivery.key.delivery_id.as_str();
    let timestamp = webhooks.clock.now().as_second();
    let request = webhooks
        .client
        .post(url)
        .header("content-type", "application/json")
        .header("x-promptlayer-signature", sign::promptlayer(&receiver.secret, &delivery.body))
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", sign::standard(&receiver.secret, id, timestamp, &delivery.body))
        .body(delivery.body.clone());
    match request.send().await {
        Ok(response) => read(response).await,
        Err(error) => Answer::failed(&reason(&error)),
    }
}

/// The status decides; of the body only the start is read, whatever its length.
async fn read(mut response: Response) -> Answer {
    let status = response.status();
    let mut body = Vec::new();
    let mut broken = None;
    while body.len() < MAX_RESPONSE_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(MAX_RESPONSE_BYTES - body.len())]),
            Ok(None) => break,
            Err(error) => {
                broken = Some(reason(&error));
                break;
            }
        }
    }
    let refused = (!status.is_success()).then(|| format!("the receiver answered {}", status.as_u16()));
    Answer {
        status: Some(status),
        error: refused.or(broken),
        body: Some(String::from_utf8_lossy(&body).into_owned()),
        gone: status == StatusCode::GONE,
    }
}

/// The innermost cause, without the URL, which may hold a token.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no complete answer within {} s", ATTEMPT_TIMEOUT.as_secs());
    }
    let mut cause = error.source();
    let mut text = None;
    while let Some(inner) = cause {
        text = Some(inner.to_string());
        cause = inner.source();
    }
    text.unwrap_or_else(|| "the request could not be sent".to_owned())
}
