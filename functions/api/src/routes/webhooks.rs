//! Webhook receivers: registered, changed, given another secret.

pub(super) mod again;
pub(super) mod deliveries;
mod view;

use super::fresh::with_fresh_id;
use crate::Api;
use crate::auth::{Caller, Owned};
use crate::body::Json as JsonBody;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataset_core::ErrorCode;
use dataset_core::event::EventType;
use dataset_core::receiver::{DisabledReason, Health, OLD_SECRET_LIFETIME, Receiver, Secrets};
use dataset_core::receivers::change;
use dataset_core::secret::{Owner, Secret};
use dataset_types::limits::MAX_WEBHOOKS;
use dataset_types::webhook::{ChangeWebhook, OneWebhook, RegisterWebhook, SecretRotated, WebhookRegistered, Webhooks};
use futures::FutureExt;
use std::sync::Arc;

fn check_offered(event_types: &[EventType]) -> Result<(), ApiError> {
    if event_types.iter().all(|event_type| event_type.is_offered()) {
        return Ok(());
    }
    let offered = EventType::offered().map(EventType::name).collect::<Vec<_>>().join(" and ");
    Err(ApiError::new(ErrorCode::InvalidRequest, format!("event_types can be {offered}")))
}

/// Changes the receiver, if it is still there.
async fn changed(api: &Api, receiver: &Receiver, how: impl FnMut(&mut Receiver) -> bool) -> Result<Receiver, ApiError> {
    let changed = change(api.ports.receivers.as_ref(), receiver.workspace_id, receiver.id, how).await?;
    changed.ok_or_else(ApiError::webhook_not_found)
}

fn one(receiver: Receiver, message: &str) -> Json<OneWebhook> {
    Json(OneWebhook { success: true, message: message.into(), webhook: view::webhook(receiver) })
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
    if api.ports.receivers.receivers(caller.workspace_id).await?.len() >= MAX_WEBHOOKS {
        let message = "the workspace has 250 webhooks, and that is the most; delete one that is not used";
        return Err(ApiError::new(ErrorCode::TooManyWebhooks, message));
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
        message: "Webhook created successfully; store its secret, it is shown only now".into(),
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
        message: "Webhooks retrieved successfully".into(),
        webhooks: receivers.into_iter().map(view::webhook).collect(),
    }))
}

/// Get a webhook
#[utoipa::path(
    get,
    path = "/api/public/v2/webhooks/{webhook_id}",
    operation_id = "getWebhook",
    tag = "webhooks",
    responses((status = 200, description = "The webhook", body = OneWebhook)),
)]
pub(super) async fn read(Owned(receiver): Owned<Receiver>) -> Json<OneWebhook> {
    one(receiver, "Webhook retrieved successfully")
}

/// Change a webhook
///
/// What is not given stays. `disabled: false` brings back one that was disabled, for whatever reason.
#[utoipa::path(
    patch,
    path = "/api/public/v2/webhooks/{webhook_id}",
    operation_id = "changeWebhook",
    tag = "webhooks",
    request_body = ChangeWebhook,
    responses((status = 200, description = "The webhook as it is now", body = OneWebhook)),
)]
pub(super) async fn update(
    State(api): State<Arc<Api>>,
    Owned(receiver): Owned<Receiver>,
    JsonBody(wanted): JsonBody<ChangeWebhook>,
) -> Result<Json<OneWebhook>, ApiError> {
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
    responses((status = 200, description = "The webhook as it was", body = OneWebhook)),
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Owned(receiver): Owned<Receiver>,
) -> Result<Json<OneWebhook>, ApiError> {
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
    responses((status = 200, description = "The new secret, this once", body = SecretRotated)),
)]
pub(super) async fn rotate_secret(
    State(api): State<Arc<Api>>,
    Owned(receiver): Owned<Receiver>,
) -> Result<Json<SecretRotated>, ApiError> {
    let (secret, now) = (Secret::generate(api.ports.ids.as_ref()), api.ports.clock.now());
    let sealed = api.vault.seal(&secret, receiver.owner()).await?;
    let how = |receiver: &mut Receiver| receiver.secrets.rotate(sealed.clone(), now);
    let receiver = changed(&api, &receiver, how).await?;
    Ok(Json(SecretRotated {
        success: true,
        message: "Secret rotated successfully; store it, it is shown only now".into(),
        id: receiver.id,
        secret: secret.reveal().to_owned(),
        previous_secret_expires_at: (now + OLD_SECRET_LIFETIME).into(),
    }))
}
