//! Webhooks and deliveries as their owner sees them.

use dataset_core::Error;
use dataset_core::delivery::{Attempt, Delivery, DeliveryState};
use dataset_core::webhook::Webhook;
use dataset_types::{delivery as api, webhook as api_webhook};
use serde_json::value::RawValue;

pub(super) fn webhook(webhook: Webhook) -> api_webhook::Webhook {
    api_webhook::Webhook {
        id: webhook.id,
        url: webhook.url,
        event_types: webhook.event_types,
        disabled: webhook.disabled.is_some(),
        disabled_reason: webhook.disabled.map(|disabled| disabled.reason),
        disabled_at: webhook.disabled.map(|disabled| disabled.at.into()),
        failing_since: webhook.health.failing_since.map(Into::into),
        created_at: webhook.created_at.into(),
    }
}

/// With its last attempts.
pub(super) fn delivery(delivery: Delivery, max_attempts: usize) -> Result<api::Delivery, Error> {
    let surplus = delivery.attempts.len().saturating_sub(max_attempts);
    let payload = RawValue::from_string(delivery.body);
    Ok(api::Delivery {
        id: delivery.key.delivery_id,
        event_type: delivery.event_type,
        state: delivery.state.status(),
        created_at: delivery.created_at.into(),
        next_attempt_at: match delivery.state {
            DeliveryState::Pending { next_attempt_at, .. } => Some(next_attempt_at.into()),
            DeliveryState::Delivered | DeliveryState::Failed => None,
        },
        payload: payload.map_err(|e| Error::internal("a payload is no JSON").because(e))?,
        attempts: delivery.attempts.into_iter().skip(surplus).map(attempt).collect(),
    })
}

fn attempt(attempt: Attempt) -> api::Attempt {
    api::Attempt {
        started_at: attempt.started_at.into(),
        outcome: if attempt.error.is_none() { "delivered" } else { "failed" }.into(),
        status: attempt.status,
        duration_ms: attempt.duration_ms,
        error: attempt.error,
        location: attempt.location,
        response: attempt.response,
        response_is_cut: attempt.response_is_cut,
    }
}
