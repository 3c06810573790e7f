//! What was sent to a receiver.

use super::receiver;
use super::view::{DeliveryIdView, DeliveryView, states};
use crate::Api;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorResponse};
use crate::routes::paging::{Paging, Path, Query};
use axum::Json;
use axum::extract::State;
use dataset_core::deliveries::{Page, Wanted};
use dataset_core::delivery::{DeliveryId, DeliveryKey, DeliveryStatus};
use dataset_core::receiver::Receiver;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Of each delivery in a list, so that a page of them is not too large.
const ATTEMPTS_LISTED: usize = 10;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::routes) struct Listing {
    /// Deliveries of this state alone.
    #[param(schema_with = states, required = false)]
    state: Option<DeliveryStatus>,
    /// Deliveries older than this one: `next` of the page before.
    #[param(pattern = "^msg_[0-9]{16}([0-9a-f]{8})?_[1-9][0-9]*$")]
    before: Option<String>,
    #[param(minimum = 1, maximum = 100, default = 10)]
    per_page: Option<u64>,
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
    let before = listing.before.as_deref().map(position).transpose()?;
    let wanted = Wanted { receiver: receiver.owner(), status: listing.state, before, from_order: 0 };
    let Page { deliveries, next } = api.ports.deliveries.deliveries(&wanted, per_page).await?;
    let view = |delivery| DeliveryView::new(delivery, ATTEMPTS_LISTED);
    Ok(Json(Deliveries {
        success: true,
        message: "Deliveries retrieved successfully",
        deliveries: deliveries.into_iter().map(view).collect::<Result<_, _>>()?,
        next: next.map(|id| id.to_string()),
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

/// Where a page begins.
pub(super) fn position(before: &str) -> Result<DeliveryId, ApiError> {
    DeliveryId::parse(before).ok_or_else(|| {
        ApiError::bad_request("invalid_parameter", "before must be the id of a delivery, such as `next` of an answer")
    })
}

pub(super) fn key(receiver: &Receiver, id: &str) -> Result<DeliveryKey, ApiError> {
    Ok(DeliveryKey {
        workspace_id: receiver.workspace_id,
        receiver_id: receiver.id,
        delivery_id: DeliveryId::parse(id).ok_or_else(ApiError::delivery_not_found)?,
    })
}

pub(super) async fn answer(api: &Api, key: &DeliveryKey, message: &'static str) -> Result<Json<OneDelivery>, ApiError> {
    let delivery = api.ports.deliveries.delivery(key).await?.ok_or_else(ApiError::delivery_not_found)?;
    Ok(Json(OneDelivery { success: true, message, delivery: DeliveryView::new(delivery, usize::MAX)? }))
}
