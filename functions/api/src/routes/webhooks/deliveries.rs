//! Deliveries to a webhook.

use super::view;
use crate::Api;
use crate::auth::Owned;
use crate::error::ApiError;
use crate::routes::paging::{Path, Query};
use axum::Json;
use axum::extract::State;
use dataset_core::ErrorCode;
use dataset_core::deliveries::{DeliveryPage, DeliveryQuery};
use dataset_core::delivery::DeliveryKey;
use dataset_core::id::DeliveryId;
use dataset_core::webhook::Webhook;
use dataset_types::delivery::{Deliveries, ListDeliveries, OneDelivery};
use std::sync::Arc;

/// Attempts of each delivery in a list, so that a page is not too large.
const ATTEMPTS_LISTED: usize = 10;

/// List the deliveries to a webhook
///
/// The newest first, each with its last attempts. A delivery can be looked up for 30 days after it has ended.
#[utoipa::path(
    get,
    path = "/api/public/v2/webhooks/{webhook_id}/deliveries",
    operation_id = "listWebhookDeliveries",
    params(ListDeliveries),
    responses((status = 200, description = "Deliveries", body = Deliveries)),
)]
pub(in crate::routes) async fn list(
    State(api): State<Arc<Api>>,
    Owned(webhook): Owned<Webhook>,
    Query(ListDeliveries { state, before, per_page }): Query<ListDeliveries>,
) -> Result<Json<Deliveries>, ApiError> {
    let before = before.as_deref().map(position).transpose()?;
    let wanted = DeliveryQuery { webhook: webhook.owner(), status: state, before, from_order: 0 };
    let DeliveryPage { deliveries, next } = api.ports.deliveries.deliveries(&wanted, per_page.as_usize()).await?;
    let listed = |delivery| view::delivery(delivery, ATTEMPTS_LISTED);
    Ok(Json(Deliveries {
        success: true,
        message: "Deliveries retrieved successfully".into(),
        deliveries: deliveries.into_iter().map(listed).collect::<Result<_, _>>()?,
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
    responses((status = 200, description = "The delivery", body = OneDelivery)),
)]
pub(in crate::routes) async fn read(
    State(api): State<Arc<Api>>,
    Owned(webhook): Owned<Webhook>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<OneDelivery>, ApiError> {
    answer(&api, &key(&webhook, &id)?, "Delivery retrieved successfully").await
}

/// Where a page begins.
pub(super) fn position(before: &str) -> Result<DeliveryId, ApiError> {
    DeliveryId::parse(before).ok_or_else(|| {
        ApiError::new(ErrorCode::InvalidParameter, "before must be the id of a delivery, such as `next` of an answer")
    })
}

pub(super) fn key(webhook: &Webhook, id: &str) -> Result<DeliveryKey, ApiError> {
    Ok(DeliveryKey {
        workspace_id: webhook.workspace_id,
        webhook_id: webhook.id,
        delivery_id: DeliveryId::parse(id).ok_or_else(ApiError::delivery_not_found)?,
    })
}

pub(super) async fn answer(api: &Api, key: &DeliveryKey, message: &str) -> Result<Json<OneDelivery>, ApiError> {
    let delivery = api.ports.deliveries.delivery(key).await?.ok_or_else(ApiError::delivery_not_found)?;
    Ok(Json(OneDelivery { success: true, message: message.into(), delivery: view::delivery(delivery, usize::MAX)? }))
}
