//! Webhook receivers: registered, changed, given another secret.

pub(super) mod again;
pub(super) mod deliveries;
mod view;

use super::fresh::with_fresh_id;
use super::paging::Path;
use crate::Api;
use crate::auth::Caller;
use crate::body::Json as JsonBody;
use crate::error::{ApiError, ErrorResponse};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataset_core::event::EventType;
use dataset_core::id::ReceiverId;
use dataset_core::receiver::{DisabledReason, Health, OLD_SECRET_LIFETIME, Receiver, Secrets};
use dataset_core::receivers::change;
use dataset_core::secret::{Owner, Secret};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use view::{ReceiverView, event_types, event_types_or_null};

/// Each event is a delivery to each of them.
const MAX_PER_WORKSPACE: usize = 250;

#[derive(Deserialize, ToSchema)]
#[serde(expecting = "a JSON object")]
pub(super) struct RegisterWebhook {
    /// Where events are sent: an https URL on the public network.
    #[schema(format = "uri", max_length = 2048)]
    url: String,
    /// Every type, if it is missing or empty.
    #[serde(default)]
    #[schema(schema_with = event_types, required = false)]
    event_types: Vec<EventType>,
}

#[derive(Deserialize, ToSchema)]
#[serde(expecting = "a JSON object")]
pub(super) struct ChangeWebhook {
    /// Where events are sent from now on.
    #[schema(format = "uri", max_length = 2048)]
    url: Option<String>,
    /// A webhook that is disabled gets nothing; what it misses can be recovered.
    disabled: Option<bool>,
    /// Empty for every type.
    #[schema(schema_with = event_types_or_null, required = false)]
    event_types: Option<Vec<EventType>>,
}

fn check_offered(event_types: &[EventType]) -> Result<(), ApiError> {
    if event_types.iter().all(|event_type| event_type.is_offered()) {
        return Ok(());
    }
    let offered = EventType::offered().map(EventType::name).collect::<Vec<_>>().join(" and ");
    Err(ApiError::bad_request("invalid_request", format!("event_types can be {offered}")))
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

#[derive(Serialize, ToSchema)]
pub(super) struct SecretRotated {
    success: bool,
    message: &'static str,
    #[schema(value_type = u64, minimum = 1)]
    id: ReceiverId,
    /// Shown this once.
    secret: String,
    /// Until when the secret before signs too.
    #[schema(format = "date-time")]
    previous_secret_expires_at: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Webhooks {
    success: bool,
    message: &'static str,
    webhooks: Vec<ReceiverView>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct OneWebhook {
    success: bool,
    message: &'static str,
    webhook: ReceiverView,
}

/// The receiver, if it is of the caller's workspace.
async fn receiver(api: &Api, caller: &Caller, id: &str) -> Result<Receiver, ApiError> {
    let id: ReceiverId = id.parse().map_err(|_| ApiError::webhook_not_found())?;
    let receiver = api.ports.receivers.receiver(caller.workspace_id, id).await?;
    receiver.ok_or_else(ApiError::webhook_not_found)
}

/// Changes the receiver, if it is still there.
async fn changed(api: &Api, receiver: &Receiver, how: impl FnMut(&mut Receiver) -> bool) -> Result<Receiver, ApiError> {
    let changed = change(api.ports.receivers.as_ref(), receiver.workspace_id, receiver.id, how).await?;
    changed.ok_or_else(ApiError::webhook_not_found)
}

fn one(receiver: Receiver, message: &'static str) -> Json<OneWebhook> {
    Json(OneWebhook { success: true, message, webhook: receiver.into() })
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
    check_offered(&register.event_types)?;
    let url = api.destinations.check_name(&register.url, api.resolver.as_ref()).await?;
    if api.ports.receivers.receivers(caller.workspace_id).await?.len() >= MAX_PER_WORKSPACE {
        let message = "the workspace has 250 webhooks, and that is the most; delete one that is not used";
        return Err(ApiError::bad_request("too_many_webhooks", message));
    }
    let secret = Secret::generate(api.ports.ids.as_ref());
    let (api, url, event_types, secret) = (api.as_ref(), url.as_str(), &register.event_types, &secret);
    let create = |id, created_at| {
        async move {
            let owner = Owner { workspace_id: caller.workspace_id, receiver_id: id };
            let receiver = Receiver {
                id,
                workspace_id: caller.workspace_id,
                url: url.to_owned(),
                secrets: Secrets::new(api.vault.seal(secret, owner).await?),
                event_types: event_types.clone(),
                disabled: None,
                health: Health::default(),
                created_at,
                revision: 0,
            };
            api.ports.receivers.register(&receiver).await?;
            Ok(receiver)
        }
        .boxed()
    };
    let receiver = with_fresh_id(api, create).await?;
    let registered = WebhookRegistered {
        success: true,
        message: "Webhook created successfully; store its secret, it is shown only now",
        id: receiver.id,
        secret: secret.reveal().to_owned(),
        url: receiver.url,
        event_types: receiver.event_types,
    };
    Ok((StatusCode::CREATED, Json(registered)))
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
    let receivers = api.ports.receivers.receivers(caller.workspace_id).await?;
    Ok(Json(Webhooks {
        success: true,
        message: "Webhooks retrieved successfully",
        webhooks: receivers.into_iter().map(ReceiverView::from).collect(),
    }))
}

/// Get a webhook
#[utoipa::path(
    get,
    path = "/api/public/v2/webhooks/{webhook_id}",
    operation_id = "getWebhook",
    tag = "webhooks",
    params(("webhook_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    responses(
        (status = 200, description = "The webhook", body = OneWebhook),
        (status = 404, description = "There is no such webhook", body = ErrorResponse),
    ),
)]
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
) -> Result<Json<OneWebhook>, ApiError> {
    Ok(one(receiver(&api, &caller, &id).await?, "Webhook retrieved successfully"))
}

/// Change a webhook
///
/// What is not given stays. `disabled: false` brings back one that was disabled, for whatever reason.
#[utoipa::path(
    patch,
    path = "/api/public/v2/webhooks/{webhook_id}",
    operation_id = "changeWebhook",
    tag = "webhooks",
    params(("webhook_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    request_body = ChangeWebhook,
    responses(
        (status = 200, description = "The webhook as it is now", body = OneWebhook),
        (status = 404, description = "There is no such webhook", body = ErrorResponse),
    ),
)]
pub(super) async fn update(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
    JsonBody(wanted): JsonBody<ChangeWebhook>,
) -> Result<Json<OneWebhook>, ApiError> {
    let receiver = receiver(&api, &caller, &id).await?;
    check_offered(wanted.event_types.as_deref().unwrap_or_default())?;
    let url = match &wanted.url {
        Some(url) => Some(api.destinations.check_name(url, api.resolver.as_ref()).await?),
        None => None,
    };
    let now = api.ports.clock.now();
    let how = |receiver: &mut Receiver| {
        if let Some(url) = &url {
            url.as_str().clone_into(&mut receiver.url);
            // Whatever was seen was seen elsewhere.
            receiver.health = Health::default();
        }
        if let Some(event_types) = &wanted.event_types {
            receiver.event_types.clone_from(event_types);
        }
        match wanted.disabled {
            Some(true) => receiver.disable(DisabledReason::Requested, now),
            Some(false) if receiver.disabled.is_some() => receiver.enable(),
            Some(false) | None => {}
        }
        true
    };
    Ok(one(changed(&api, &receiver, how).await?, "Webhook updated successfully"))
}

/// Delete a webhook
#[utoipa::path(
    delete,
    path = "/api/public/v2/webhooks/{webhook_id}",
    operation_id = "deleteWebhook",
    tag = "webhooks",
    params(("webhook_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    responses(
        (status = 200, description = "The webhook as it was", body = OneWebhook),
        (status = 404, description = "There is no such webhook", body = ErrorResponse),
    ),
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
) -> Result<Json<OneWebhook>, ApiError> {
    let receiver = receiver(&api, &caller, &id).await?;
    api.ports.receivers.remove(receiver.workspace_id, receiver.id).await?;
    Ok(one(receiver, "Webhook deleted successfully"))
}

/// Rotate a webhook's secret
///
/// The secret before signs too for 24 hours, as a second signature in `webhook-signature`.
/// `X-PromptLayer-Signature` has room for one, and is made with the new one at once.
#[utoipa::path(
    post,
    path = "/api/public/v2/webhooks/{webhook_id}/rotate-secret",
    operation_id = "rotateWebhookSecret",
    tag = "webhooks",
    params(("webhook_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    responses(
        (status = 200, description = "The new secret, this once", body = SecretRotated),
        (status = 404, description = "There is no such webhook", body = ErrorResponse),
    ),
)]
pub(super) async fn rotate_secret(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
) -> Result<Json<SecretRotated>, ApiError> {
    let receiver = receiver(&api, &caller, &id).await?;
    let (secret, now) = (Secret::generate(api.ports.ids.as_ref()), api.ports.clock.now());
    let sealed = api.vault.seal(&secret, receiver.owner()).await?;
    let how = |receiver: &mut Receiver| receiver.secrets.rotate(sealed.clone(), now);
    let receiver = changed(&api, &receiver, how).await?;
    Ok(Json(SecretRotated {
        success: true,
        message: "Secret rotated successfully; store it, it is shown only now",
        id: receiver.id,
        secret: secret.reveal().to_owned(),
        previous_secret_expires_at: (now + OLD_SECRET_LIFETIME).to_string(),
    }))
}
