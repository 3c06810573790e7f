//! What was sent to a receiver, and sent again.

use super::{changed, receiver};
use crate::Api;
use crate::auth::Caller;
use crate::body::Json as JsonBody;
use crate::error::{ApiError, ErrorResponse};
use crate::routes::fresh::fresh_id;
use crate::routes::paging::{Paging, Path, Query};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataset_core::Error;
use dataset_core::deliveries::Wanted;
use dataset_core::delivery::{Attempt, Delivery, DeliveryId, DeliveryKey, DeliveryState, DeliveryStatus};
use dataset_core::event::{Event, EventType, Outcome};
use dataset_core::id::DatasetId;
use dataset_core::ids::first_at;
use dataset_core::receiver::Receiver;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

/// Of each delivery in a list, so that a page of them is not too large.
const ATTEMPTS_LISTED: usize = 10;

/// How long one call goes on recovering. API Gateway waits for 29 s.
const RECOVERY_TIME: Duration = Duration::from_secs(15);

/// Deliveries that are found, and put on the queue, at a time.
const RECOVERED_AT_ONCE: usize = 100;

/// An event's outcome comes within this of the upload that its order tells of.
const OUTCOME_TIME: Duration = Duration::from_secs(2 * 24 * 3600);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::routes) struct Listing {
    /// Deliveries of this state alone.
    #[param(schema_with = states, required = false)]
    state: Option<DeliveryStatus>,
    /// Deliveries older than this one: `next` of the page before.
    #[param(pattern = "^msg_[0-9]{16}_[1-9][0-9]*$")]
    before: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    per_page: Option<u64>,
}

fn states() -> Object {
    let names = [DeliveryStatus::Pending, DeliveryStatus::Delivered, DeliveryStatus::Failed];
    let names = names.map(|name| serde_json::json!(name));
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}

#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct Deliveries {
    success: bool,
    message: &'static str,
    deliveries: Vec<DeliveryView>,
    /// For `before`, where there may be more.
    #[schema(required)]
    next: Option<DeliveryIdView>,
}

#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct OneDelivery {
    success: bool,
    message: &'static str,
    delivery: DeliveryView,
}

/// The `webhook-id` that the receiver sees.
type DeliveryIdView = String;

#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
struct DeliveryView {
    /// The `webhook-id` that the receiver sees.
    id: DeliveryIdView,
    event_type: EventTypeView,
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
type EventTypeView = EventTypeName;

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
    fn new(delivery: Delivery, max_attempts: usize) -> Result<Self, Error> {
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

/// List the deliveries to a webhook
///
/// The newest first, each with its last attempts. A delivery can be looked up for 30 days after it has ended.
#[utoipa::path(
    get,
    path = "/api/public/v2/webhooks/{webhook_id}/deliveries",
    operation_id = "listWebhookDeliveries",
    tag = "webhooks",
    params(("webhook_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64), Listing),
    responses(
        (status = 200, description = "Deliveries", body = Deliveries),
        (status = 404, description = "There is no such webhook", body = ErrorResponse),
    ),
)]
pub(in crate::routes) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
    Query(listing): Query<Listing>,
) -> Result<Json<Deliveries>, ApiError> {
    let receiver = receiver(&api, &caller, &id).await?;
    let per_page = usize::try_from(Paging::new(None, listing.per_page)?.per_page).unwrap_or(usize::MAX);
    let before = match &listing.before {
        Some(id) => Some(DeliveryId::parse(id).ok_or_else(|| {
            ApiError::bad_request("invalid_parameter", "before must be the id of a delivery, such as `next` of a page")
        })?),
        None => None,
    };
    let wanted = Wanted { receiver: receiver.owner(), status: listing.state, before, from_order: 0 };
    let deliveries = api.deliveries.deliveries(&wanted, per_page).await?;
    let last = deliveries.last().filter(|_| deliveries.len() == per_page);
    let next = last.map(|delivery| delivery.key.delivery_id.to_string());
    let view = |delivery| DeliveryView::new(delivery, ATTEMPTS_LISTED);
    Ok(Json(Deliveries {
        success: true,
        message: "Deliveries retrieved successfully",
        deliveries: deliveries.into_iter().map(view).collect::<Result<_, _>>()?,
        next,
    }))
}

/// Get a delivery
///
/// With every attempt that is kept.
#[utoipa::path(
    get,
    path = "/api/public/v2/webhooks/{webhook_id}/deliveries/{delivery_id}",
    operation_id = "getWebhookDelivery",
    tag = "webhooks",
    params(
        ("webhook_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64),
        ("delivery_id" = String, Path),
    ),
    responses(
        (status = 200, description = "The delivery", body = OneDelivery),
        (status = 404, description = "There is no such webhook or delivery", body = ErrorResponse),
    ),
)]
pub(in crate::routes) async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path((webhook, id)): Path<(String, String)>,
) -> Result<Json<OneDelivery>, ApiError> {
    let receiver = receiver(&api, &caller, &webhook).await?;
    answer(&api, &key(&receiver, &id)?, "Delivery retrieved successfully").await
}

/// Send a delivery again
///
/// At once, whatever became of it, with the whole schedule before it and under the same `webhook-id`.
#[utoipa::path(
    post,
    path = "/api/public/v2/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    operation_id = "redeliverWebhook",
    tag = "webhooks",
    params(
        ("webhook_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64),
        ("delivery_id" = String, Path),
    ),
    responses(
        (status = 200, description = "The delivery, which is due now", body = OneDelivery),
        (status = 404, description = "There is no such webhook or delivery", body = ErrorResponse),
        (status = 409, description = "The webhook is disabled", body = ErrorResponse),
    ),
)]
pub(in crate::routes) async fn redeliver(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path((webhook, id)): Path<(String, String)>,
) -> Result<Json<OneDelivery>, ApiError> {
    let receiver = awake(&api, &receiver(&api, &caller, &webhook).await?).await?;
    let key = key(&receiver, &id)?;
    if !api.deliveries.requeue(&key, api.clock.now()).await? {
        return Err(ApiError::delivery_not_found());
    }
    api.queue.send(std::slice::from_ref(&key), Duration::ZERO).await?;
    answer(&api, &key, "Delivery queued").await
}

/// From when on to recover.
#[derive(Deserialize, ToSchema)]
#[serde(expecting = "a JSON object")]
pub(in crate::routes) struct Recover {
    /// Deliveries made at this time or later.
    #[schema(format = "date-time")]
    since: String,
}

#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct Recovered {
    success: bool,
    message: &'static str,
    /// Deliveries that are due now.
    recovered: u64,
    /// Whether that was all. If it was not, call again.
    complete: bool,
}

/// Recover failed deliveries
///
/// Sends again what failed since a time, and what a disabled webhook missed.
#[utoipa::path(
    post,
    path = "/api/public/v2/webhooks/{webhook_id}/recover",
    operation_id = "recoverWebhook",
    tag = "webhooks",
    params(("webhook_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    request_body = Recover,
    responses(
        (status = 200, description = "How many deliveries are due now", body = Recovered),
        (status = 404, description = "There is no such webhook", body = ErrorResponse),
        (status = 409, description = "The webhook is disabled", body = ErrorResponse),
    ),
)]
pub(in crate::routes) async fn recover(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
    JsonBody(Recover { since }): JsonBody<Recover>,
) -> Result<Json<Recovered>, ApiError> {
    let receiver = receiver(&api, &caller, &id).await?;
    let Ok(since) = since.parse::<Timestamp>() else {
        let message = "since must be a time with its offset, such as 2026-01-31T08:00:00Z";
        return Err(ApiError::bad_request("invalid_request", message));
    };
    let receiver = awake(&api, &receiver).await?;
    let from_order = since.checked_sub(OUTCOME_TIME).map(first_at).unwrap_or(0);
    let status = Some(DeliveryStatus::Failed);
    let mut wanted = Wanted { receiver: receiver.owner(), status, before: None, from_order };
    let (started_at, mut recovered) = (api.clock.now(), 0);
    let complete = loop {
        let found = api.deliveries.deliveries(&wanted, RECOVERED_AT_ONCE).await?;
        let Some(last) = found.last() else {
            break true;
        };
        wanted.before = Some(last.key.delivery_id.clone());
        recovered += requeue(&api, found, since).await?;
        if api.clock.now().duration_since(started_at) >= RECOVERY_TIME.try_into().unwrap_or_default() {
            break false;
        }
    };
    Ok(Json(Recovered { success: true, message: "Deliveries queued", recovered, complete }))
}

/// Makes those due that were made at `since` or later.
async fn requeue(api: &Api, found: Vec<Delivery>, since: Timestamp) -> Result<u64, Error> {
    let now = api.clock.now();
    let wanted = found.into_iter().filter(|it| it.created_at >= since && it.event_type != EventType::Test);
    let keys: Vec<DeliveryKey> =
        stream::iter(wanted)
            .map(|Delivery { key, .. }| async move {
                Ok::<_, Error>(api.deliveries.requeue(&key, now).await?.then_some(key))
            })
            .buffer_unordered(16)
            .try_filter_map(|key| async { Ok(key) })
            .try_collect()
            .await?;
    api.queue.send(&keys, Duration::ZERO).await?;
    Ok(keys.len() as u64)
}

#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct TestSent {
    success: bool,
    message: &'static str,
    /// Of the delivery, which tells what came of it.
    delivery_id: DeliveryIdView,
}

/// Send a test event
///
/// Of type `webhook_test`, at once, and tried once.
#[utoipa::path(
    post,
    path = "/api/public/v2/webhooks/{webhook_id}/test",
    operation_id = "testWebhook",
    tag = "webhooks",
    params(("webhook_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    responses(
        (status = 201, description = "The delivery of the test", body = TestSent),
        (status = 404, description = "There is no such webhook", body = ErrorResponse),
        (status = 409, description = "The webhook is disabled", body = ErrorResponse),
    ),
)]
pub(in crate::routes) async fn test(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
) -> Result<(StatusCode, Json<TestSent>), ApiError> {
    let receiver = awake(&api, &receiver(&api, &caller, &id).await?).await?;
    let now = api.clock.now();
    let event = Event { workspace_id: receiver.workspace_id, user_id: caller.user_id, at: now, outcome: Outcome::Test };
    let order: DatasetId = fresh_id(&api, now)?;
    let delivery = Delivery {
        key: DeliveryKey {
            workspace_id: receiver.workspace_id,
            receiver_id: receiver.id,
            delivery_id: DeliveryId::of_outcome(order, receiver.id),
        },
        event_type: event.event_type(),
        body: event.body(),
        created_at: now,
        state: DeliveryState::fresh(now),
        attempts: Vec::new(),
    };
    api.deliveries.create_deliveries(std::slice::from_ref(&delivery)).await?;
    api.queue.send(std::slice::from_ref(&delivery.key), Duration::ZERO).await?;
    let delivery_id = delivery.key.delivery_id.to_string();
    Ok((StatusCode::CREATED, Json(TestSent { success: true, message: "Test event queued", delivery_id })))
}

/// The receiver, about to be called: not disabled, and not at rest.
async fn awake(api: &Api, receiver: &Receiver) -> Result<Receiver, ApiError> {
    if receiver.disabled.is_some() {
        let message = "the webhook is disabled; enable it first, by a PATCH with \"disabled\": false";
        return Err(ApiError::conflict("webhook_disabled", message));
    }
    changed(api, receiver, Receiver::wake).await
}

fn key(receiver: &Receiver, id: &str) -> Result<DeliveryKey, ApiError> {
    Ok(DeliveryKey {
        workspace_id: receiver.workspace_id,
        receiver_id: receiver.id,
        delivery_id: DeliveryId::parse(id).ok_or_else(ApiError::delivery_not_found)?,
    })
}

async fn answer(api: &Api, key: &DeliveryKey, message: &'static str) -> Result<Json<OneDelivery>, ApiError> {
    let delivery = api.deliveries.delivery(key).await?.ok_or_else(ApiError::delivery_not_found)?;
    Ok(Json(OneDelivery { success: true, message, delivery: DeliveryView::new(delivery, usize::MAX)? }))
}
