//! Sends deliveries again, and test events.

use super::deliveries::{answer, key, position};
use crate::Api;
use crate::auth::{Caller, Owned};
use crate::body::{Json as JsonBody, NoBody};
use crate::error::{ApiError, NO_SUCH_DELIVERY};
use crate::routes::idempotency::{CallKey, Making, once};
use crate::routes::paging::Path;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataset_core::deliveries::{DeliveryPage, DeliveryQuery};
use dataset_core::delivery::{Delivery, DeliveryKey, DeliveryState, DeliveryStatus};
use dataset_core::event::{Event, EventType};
use dataset_core::id::{DeliveryId, EventId};
use dataset_core::ids::first_at;
use dataset_core::webhook::Webhook;
use dataset_core::webhooks::change;
use dataset_core::{Error, ErrorCode, Result};
use dataset_types::delivery::{OneDelivery, Recover, Recovered, TestSent};
use dataset_types::event::Test;
use dataset_types::upload::IdempotencyKeyHeader;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How long one call recovers deliveries. API Gateway waits for 29 s.
const RECOVERY_TIME: Duration = Duration::from_secs(15);

/// Deliveries that are read and queued at a time.
const RECOVERED_AT_ONCE: usize = 100;

/// Deliveries of the first releases are ordered by their uploads, which were at most
/// this long before their events.
const OUTCOME_TIME: Duration = Duration::from_secs(2 * 24 * 3600);

/// Send a delivery again
///
/// At once, whatever became of it, with the whole schedule before it and under the same `webhook-id`. A test is tried
/// once more.
#[utoipa::path(
    post,
    path = "/api/public/v2/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    operation_id = "redeliverWebhook",
    params(IdempotencyKeyHeader),
    responses((status = 200, description = "The delivery, which is due now", body = OneDelivery)),
)]
pub(in crate::routes) async fn redeliver(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Owned(webhook): Owned<Webhook>,
    Path((_, id)): Path<(String, String)>,
    call: CallKey,
    _: NoBody,
) -> Result<Json<OneDelivery>, ApiError> {
    let key = key(&webhook, &id)?;
    let (api, webhook, delivery) = (api.as_ref(), &webhook, &key);
    let make = |_| {
        async move {
            awake(api, webhook).await?;
            if !api.ports.deliveries.requeue(delivery, api.ports.clock.now()).await? {
                return Err(Error::refused(ErrorCode::DeliveryNotFound, NO_SUCH_DELIVERY));
            }
            api.ports.queue.send(std::slice::from_ref(delivery), Duration::ZERO).await
        }
        .boxed()
    };
    once(api, &caller, call, &("redeliverWebhook", webhook.id, &id), make).await?;
    answer(api, delivery, "Delivery queued").await
}

/// Recover failed deliveries
///
/// Sends again what failed since a time, and what a disabled webhook missed.
#[utoipa::path(
    post,
    path = "/api/public/v2/webhooks/{webhook_id}/recover",
    operation_id = "recoverWebhook",
    params(IdempotencyKeyHeader),
    request_body = Recover,
    responses((status = 200, description = "How many deliveries are due now", body = Recovered)),
)]
pub(in crate::routes) async fn recover(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Owned(webhook): Owned<Webhook>,
    call: CallKey,
    JsonBody(wanted): JsonBody<Recover>,
) -> Result<Json<Recovered>, ApiError> {
    let Recover { since, before } = &wanted;
    let Ok(since) = since.parse::<Timestamp>() else {
        let message = "since must be a time with its offset, such as 2026-01-31T08:00:00Z";
        return Err(ApiError::new(ErrorCode::InvalidRequest, message));
    };
    let from_order = since.checked_sub(OUTCOME_TIME).map(first_at).unwrap_or(0);
    let before = before.as_deref().map(position).transpose()?;
    let failed = DeliveryQuery { webhook: webhook.owner(), status: Some(DeliveryStatus::Failed), before, from_order };
    let (api, webhook, failed) = (api.as_ref(), &webhook, &failed);
    let make = |_| {
        async move {
            awake(api, webhook).await?;
            recover_all(api, failed.clone(), since).await
        }
        .boxed()
    };
    Ok(Json(once(api, &caller, call, &("recoverWebhook", webhook.id, &wanted), make).await?))
}

/// As many as there is time for.
async fn recover_all(api: &Api, mut wanted: DeliveryQuery, since: Timestamp) -> Result<Recovered> {
    let (started_at, mut recovered) = (api.ports.clock.now(), 0);
    loop {
        let DeliveryPage { deliveries, next } = api.ports.deliveries.deliveries(&wanted, RECOVERED_AT_ONCE).await?;
        recovered += requeue(api, deliveries, since).await?;
        let is_late = api.ports.clock.now().duration_since(started_at) >= RECOVERY_TIME.try_into().unwrap_or_default();
        if next.is_none() || is_late {
            let (complete, message) = (next.is_none(), "Deliveries queued".into());
            return Ok(Recovered { success: true, message, recovered, complete, next });
        }
        wanted.before = next;
    }
}

/// Requeues the deliveries made at `since` or later.
async fn requeue(api: &Api, found: Vec<Delivery>, since: Timestamp) -> Result<u64> {
    let now = api.ports.clock.now();
    let wanted = found.into_iter().filter(|it| it.created_at >= since && it.event_type != EventType::Test);
    let keys: Vec<DeliveryKey> = stream::iter(wanted)
        .map(|Delivery { key, .. }| async move {
            Ok::<_, Error>(api.ports.deliveries.requeue(&key, now).await?.then_some(key))
        })
        .buffer_unordered(16)
        .try_filter_map(|key| async { Ok(key) })
        .try_collect()
        .await?;
    api.ports.queue.send(&keys, Duration::ZERO).await?;
    Ok(keys.len() as u64)
}

/// Send a test event
///
/// Of type `webhook_test`, at once, and tried once.
#[utoipa::path(
    post,
    path = "/api/public/v2/webhooks/{webhook_id}/test",
    operation_id = "testWebhook",
    params(IdempotencyKeyHeader),
    responses((status = 201, description = "The delivery of the test", body = TestSent)),
)]
pub(in crate::routes) async fn test(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Owned(webhook): Owned<Webhook>,
    call: CallKey,
    _: NoBody,
) -> Result<(StatusCode, Json<TestSent>), ApiError> {
    let (api, webhook, user_id) = (api.as_ref(), &webhook, caller.user_id);
    let make = |making: Making| {
        async move {
            awake(api, webhook).await?;
            let event = Event {
                id: EventId::new(making.id, making.salt),
                workspace_id: webhook.workspace_id,
                user_id,
                at: making.at,
                details: Test {}.into(),
            };
            let delivery = Delivery {
                key: DeliveryKey {
                    workspace_id: webhook.workspace_id,
                    webhook_id: webhook.id,
                    delivery_id: DeliveryId::new(&event.id, webhook.id),
                },
                event_type: event.event_type(),
                body: event.body(),
                created_at: making.at,
                state: DeliveryState::fresh(making.at),
                attempts: Vec::new(),
            };
            api.ports.deliveries.create_deliveries(std::slice::from_ref(&delivery)).await?;
            api.ports.queue.send(std::slice::from_ref(&delivery.key), Duration::ZERO).await?;
            let (message, delivery_id) = ("Test event queued".into(), delivery.key.delivery_id);
            Ok(TestSent { success: true, message, delivery_id })
        }
        .boxed()
    };
    let sent = once(api, &caller, call, &("testWebhook", webhook.id), make).await?;
    Ok((StatusCode::CREATED, Json(sent)))
}

/// Closes the circuit of a webhook that is about to be called. An error if it is disabled.
async fn awake(api: &Api, webhook: &Webhook) -> Result<()> {
    if webhook.disabled.is_some() {
        let message = "the webhook is disabled; enable it first, by a PATCH with \"disabled\": false";
        return Err(Error::refused(ErrorCode::WebhookDisabled, message));
    }
    let now = api.ports.clock.now();
    let how = |webhook: &mut Webhook| webhook.close_circuit(now);
    change(api.ports.webhooks.as_ref(), webhook.workspace_id, webhook.id, how).await.map(drop)
}
