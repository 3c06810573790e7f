//! Receivers and deliveries as their owner sees them.

use dataset_core::Error;
use dataset_core::delivery::{Attempt, Delivery, DeliveryState, DeliveryStatus};
use dataset_core::event::EventType;
use dataset_core::id::ReceiverId;
use dataset_core::receiver::{DisabledReason, Receiver};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, Object, ObjectBuilder, SchemaType, Type};

#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(super) struct ReceiverView {
    #[schema(value_type = u64, minimum = 1)]
    id: ReceiverId,
    url: String,
    #[schema(schema_with = event_types)]
    event_types: Vec<EventType>,
    disabled: bool,
    /// `requested`, `gone` after a 410, or `failing` after five days of nothing but failures.
    #[schema(value_type = Option<String>, required)]
    disabled_reason: Option<DisabledReason>,
    #[schema(required, format = "date-time")]
    disabled_at: Option<String>,
    /// The first failure since it last took a delivery.
    #[schema(required, format = "date-time")]
    failing_since: Option<String>,
    #[schema(format = "date-time")]
    created_at: String,
}

impl From<Receiver> for ReceiverView {
    fn from(receiver: Receiver) -> Self {
        Self {
            id: receiver.id,
            url: receiver.url,
            event_types: receiver.event_types,
            disabled: receiver.disabled.is_some(),
            disabled_reason: receiver.disabled.map(|disabled| disabled.reason),
            disabled_at: receiver.disabled.map(|disabled| disabled.at.to_string()),
            failing_since: receiver.health.failing_since.map(|since| since.to_string()),
            created_at: receiver.created_at.to_string(),
        }
    }
}

pub(super) fn event_types() -> Array {
    let names = EventType::offered().map(EventType::name);
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
    ArrayBuilder::new().items(name).build()
}

pub(super) fn event_types_or_null() -> Array {
    let mut types = event_types();
    types.schema_type = SchemaType::from_iter([Type::Array, Type::Null]);
    types
}

/// The `webhook-id` that the receiver sees.
pub(super) type DeliveryIdView = String;

#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(super) struct DeliveryView {
    /// The `webhook-id` that the receiver sees.
    id: DeliveryIdView,
    event_type: EventTypeName,
    #[schema(schema_with = states)]
    state: DeliveryStatus,
    #[schema(format = "date-time")]
    created_at: String,
    /// Of one that is pending.
    #[schema(required, format = "date-time")]
    next_attempt_at: Option<String>,
    /// What is sent.
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
    /// The oldest first. In a list, the last ten.
    attempts: Vec<AttemptView>,
}

/// What the event tells of.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = EventType, value_type = String)]
struct EventTypeName(EventType);

#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
struct AttemptView {
    #[schema(format = "date-time")]
    started_at: String,
    /// `delivered` or `failed`.
    outcome: &'static str,
    /// The HTTP status of the answer, where there was one.
    #[schema(required)]
    status: Option<u16>,
    duration_ms: u64,
    /// Why it failed.
    #[schema(required)]
    error: Option<String>,
    /// The first 1 KiB of the answer.
    #[schema(required)]
    response: Option<String>,
}

impl DeliveryView {
    pub(super) fn new(delivery: Delivery, max_attempts: usize) -> Result<Self, Error> {
        let surplus = delivery.attempts.len().saturating_sub(max_attempts);
        let payload = RawValue::from_string(delivery.body);
        Ok(Self {
            id: delivery.key.delivery_id.to_string(),
            event_type: EventTypeName(delivery.event_type),
            state: delivery.state.status(),
            created_at: delivery.created_at.to_string(),
            next_attempt_at: match delivery.state {
                DeliveryState::Pending { next_attempt_at, .. } => Some(next_attempt_at.to_string()),
                DeliveryState::Delivered | DeliveryState::Failed => None,
            },
            payload: payload.map_err(|e| Error::internal("a payload is no JSON").because(e))?,
            attempts: delivery.attempts.into_iter().skip(surplus).map(AttemptView::from).collect(),
        })
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            started_at: attempt.started_at.to_string(),
            outcome: if attempt.error.is_none() { "delivered" } else { "failed" },
            status: attempt.status,
            duration_ms: attempt.duration_ms,
            error: attempt.error,
            response: attempt.response,
        }
    }
}

pub(super) fn states() -> Object {
    let names = [DeliveryStatus::Pending, DeliveryStatus::Delivered, DeliveryStatus::Failed];
    let names = names.map(|name| serde_json::json!(name));
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}
