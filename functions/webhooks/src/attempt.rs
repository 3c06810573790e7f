//! One POST to a receiver, and its outcome.

use crate::client::ATTEMPT_TIMEOUT;
use crate::{Sender, sign};
use async_trait::async_trait;
use dataset_core::Result;
use dataset_core::delivery::Delivery;
use dataset_core::secret::Secret;
use dataset_core::webhook::{Outcome, Webhook};
use http::Request;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use std::error::Error as _;
use std::time::{Duration, UNIX_EPOCH};

/// Bytes that are kept of a receiver's answer.
const MAX_RESPONSE_BYTES: usize = 1 << 10;

/// The error of a certificate can list all its names.
const MAX_ERROR_CHARS: usize = 500;

/// An attempt that takes longer counts as slow.
const SLOW: Duration = Duration::from_secs(5);

/// Sends requests to receivers.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Every result is an answer; there is no error.
    async fn send(&self, request: Request<String>, now: Timestamp) -> Answer;
}

/// The result of an attempt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub status: Option<StatusCode>,
    /// Why it failed; `None` if it was delivered.
    pub error: Option<String>,
    /// Where a redirect leads, which is not followed.
    pub location: Option<String>,
    /// The start of the body.
    pub body: Option<String>,
    /// Whether the body has more.
    pub is_cut: bool,
    /// The receiver's `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Whether the attempt's time ran out.
    pub timed_out: bool,
}

impl Answer {
    pub(crate) fn failed(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::default() }
    }

    /// An answer with nothing but a status.
    pub fn of_status(status: StatusCode) -> Self {
        let error = (!status.is_success()).then(|| format!("the receiver answered {}", status.as_u16()));
        Self { status: Some(status), error, ..Self::default() }
    }

    /// `took` is the time until the answer.
    pub(crate) fn outcome(&self, took: Duration) -> Outcome {
        match (&self.error, self.status) {
            (None, _) if took >= SLOW => Outcome::DeliveredSlowly,
            (None, _) => Outcome::Delivered,
            (Some(_), Some(StatusCode::GONE)) => Outcome::Gone,
            (Some(_), _) if self.timed_out || took >= SLOW => Outcome::FailedSlowly,
            (Some(_), _) => Outcome::Failed,
        }
    }
}

/// The secrets that sign now, the newest first.
pub(crate) async fn secrets(sender: &Sender, webhook: &Webhook, now: Timestamp) -> Result<Vec<Secret>> {
    let mut secrets = Vec::with_capacity(1);
    for sealed in webhook.secrets.live(now) {
        secrets.push(sender.vault.open(sealed, webhook.owner()).await?);
    }
    Ok(secrets)
}

pub(crate) async fn post(sender: &Sender, delivery: &Delivery, webhook: &Webhook, secrets: &[Secret]) -> Answer {
    let url = match sender.destinations.check(&webhook.url) {
        Ok(url) => url,
        Err(error) => return Answer::failed(error.to_string()),
    };
    let id = delivery.key.delivery_id.as_str();
    let now = sender.ports.clock.now();
    let request = Request::post(url.as_str())
        .header("content-type", "application/json")
        .header("x-promptlayer-signature", sign::promptlayer(secrets, &delivery.body))
        .header("webhook-id", id)
        .header("webhook-timestamp", now.as_second())
        .header("webhook-signature", sign::standard(secrets, id, now.as_second(), &delivery.body))
        .body(delivery.body.clone());
    match request {
        Ok(request) => sender.transport.send(request, now).await,
        Err(error) => Answer::failed(error.to_string()),
    }
}

#[async_trait]
impl Transport for reqwest::Client {
    async fn send(&self, request: Request<String>, now: Timestamp) -> Answer {
        let sent = match request.try_into() {
            Ok(request) => self.execute(request).await,
            Err(error) => Err(error),
        };
        match sent {
            Ok(response) => read(response, now).await,
            Err(error) => Answer { timed_out: error.is_timeout(), ..Answer::failed(reason(&error)) },
        }
    }
}

/// Reads the start of the body. Only the status decides.
async fn read(mut response: Response, now: Timestamp) -> Answer {
    let status = response.status();
    let location = response.headers().get(LOCATION).filter(|_| status.is_redirection());
    let location = location.map(|url| String::from_utf8_lossy(url.as_bytes()).chars().take(MAX_ERROR_CHARS).collect());
    let retry_after = retry_after(response.headers(), now);
    let mut body = Vec::new();
    let (mut broken, mut timed_out) = (None, false);
    while body.len() <= MAX_RESPONSE_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(MAX_RESPONSE_BYTES + 1 - body.len())]),
            Ok(None) => break,
            Err(error) => {
                (broken, timed_out) = (Some(reason(&error)), error.is_timeout());
                break;
            }
        }
    }
    let is_cut = body.len() > MAX_RESPONSE_BYTES;
    body.truncate(MAX_RESPONSE_BYTES);
    let body = Some(String::from_utf8_lossy(&body).into_owned());
    let answer = Answer::of_status(status);
    let error = answer.error.or(broken);
    Answer { error, status: answer.status, location, body, is_cut, retry_after, timed_out }
}

/// Seconds, or a date in the future; anything else is ignored.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
    date.checked_sub(Duration::from_secs(u64::try_from(now.as_second()).ok()?))
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
    let text = text.unwrap_or_else(|| "the request could not be sent".to_owned());
    text.chars().take(MAX_ERROR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_receiver_may_say_of_time() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Thu, 01 Jan 2026 00:01:00 GMT", Some(60)),
            ("Wed, 31 Dec 2025 23:59:00 GMT", None),
            ("-5", None),
            ("soon", None),
            ("1e9", None),
            ("99999999999999999999999", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
