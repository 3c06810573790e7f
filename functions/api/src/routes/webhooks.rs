//! Webhook receivers.

use super::fresh::with_fresh_id;
use crate::Api;
use crate::auth::Caller;
use crate::body::Json as JsonBody;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataset_core::delivery::{Receiver, Secret};
use dataset_core::event::EventType;
use dataset_core::id::ReceiverId;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};

#[derive(Deserialize, ToSchema)]
pub(super) struct RegisterWebhook {
    /// Where events are sent: an https URL on the public network.
    #[schema(format = "uri")]
    url: String,
    /// Every type, if it is missing or empty.
    #[serde(default)]
    #[schema(schema_with = event_types, required = false)]
    event_types: Vec<EventType>,
}

fn event_types() -> Array {
    let names = [EventType::VersionCreated, EventType::VersionFailed].map(|name| serde_json::json!(name));
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
    ArrayBuilder::new().items(name).build()
}

#[derive(Serialize, ToSchema)]
pub(super) struct WebhookRegistered {
    success: bool,
    message: &'static str,
    #[schema(value_type = u64, minimum = 1)]
    id: ReceiverId,
    url: String,
    #[schema(schema_with = event_types)]
    event_types: Vec<EventType>,
    /// Shown this once.
    secret: String,
}

/// Register a webhook
///
/// Events of the workspace are sent to its URL from now on, signed with the secret of the answer.
#[utoipa::path(
    post,
    path = "/api/public/v2/webhooks",
    operation_id = "registerWebhook",
    tag = "webhooks",
    request_body = RegisterWebhook,
    responses((status = 201, description = "The webhook and, this once, its secret", body = WebhookRegistered)),
)]
pub(super) async fn register(
    State(api): State<Arc<Api>>,
    caller: Caller,
    JsonBody(register): JsonBody<RegisterWebhook>,
) -> Result<(StatusCode, Json<WebhookRegistered>), ApiError> {
    let url = api.destinations.check(&register.url)?;
    let (api, url, register) = (api.as_ref(), url.as_str(), &register);
    let create = |id, created_at| {
        async move {
            let receiver = Receiver {
                id,
                workspace_id: caller.workspace_id,
                url: url.to_owned(),
                secret: Secret::generate(api.ids.as_ref()),
                event_types: register.event_types.clone(),
                disabled: false,
                created_at,
            };
            api.receivers.register(&receiver).await?;
            Ok(receiver)
        }
        .boxed()
    };
    let receiver = with_fresh_id(api, create).await?;
    let registered = WebhookRegistered {
        success: true,
        message: "Webhook created successfully; store its secret, it is shown only now",
        id: receiver.id,
        secret: receiver.secret.reveal().to_owned(),
        url: receiver.url,
        event_types: receiver.event_types,
    };
    Ok((StatusCode::CREATED, Json(registered)))
}

#[derive(Serialize, ToSchema)]
pub(super) struct Webhooks {
    success: bool,
    message: &'static str,
    webhooks: Vec<ReceiverView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
struct ReceiverView {
    #[schema(value_type = u64, minimum = 1)]
    id: ReceiverId,
    url: String,
    #[schema(schema_with = event_types)]
    event_types: Vec<EventType>,
    disabled: bool,
    #[schema(format = "date-time")]
    created_at: String,
}

/// List webhooks
#[utoipa::path(
    get,
    path = "/api/public/v2/webhooks",
    operation_id = "listWebhooks",
    tag = "webhooks",
    responses((status = 200, description = "The webhooks of the workspace", body = Webhooks)),
)]
pub(super) async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Result<Json<Webhooks>, ApiError> {
    let view = |receiver: Receiver| ReceiverView {
        id: receiver.id,
        url: receiver.url,
        event_types: receiver.event_types,
        disabled: receiver.disabled,
        created_at: receiver.created_at.to_string(),
    };
    let receivers = api.receivers.receivers(caller.workspace_id).await?;
    Ok(Json(Webhooks {
        success: true,
        message: "Webhooks retrieved successfully",
        webhooks: receivers.into_iter().map(view).collect(),
    }))
}
