//! Webhooks: register, list, change, delete, rotate secrets.

pub(super) mod again;
pub(super) mod deliveries;
mod view;

use super::idempotency::{CallKey, Making, once};
use crate::Api;
use crate::auth::{Caller, Owned};
use crate::body::{Json as JsonBody, JsonIfAny, NoBody};
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataset_core::event::EventFilter;
use dataset_core::id::WebhookId;
use dataset_core::secret::{OLD_SECRET_LIFETIME, Owner, Secret, Secrets};
use dataset_core::webhook::{DisabledReason, Health, Webhook};
use dataset_core::webhooks::change;
use dataset_core::{Error, ErrorCode, Result};
use dataset_types::in_words;
use dataset_types::limits::MAX_WEBHOOKS;
use dataset_types::upload::IdempotencyKeyHeader;
use dataset_types::webhook::{
    ChangeWebhook, OneWebhook, RegisterWebhook, RotateSecret, SecretRotated, WebhookRegistered, Webhooks,
};
use futures::FutureExt;
use jiff::Timestamp;
use std::sync::Arc;

fn check_offered(event_types: &[EventFilter]) -> Result<(), ApiError> {
    if event_types.iter().all(|asked| EventFilter::offered().any(|offered| offered == *asked)) {
        return Ok(());
    }
    let offered = in_words(EventFilter::offered().map(EventFilter::name), "and");
    Err(ApiError::new(ErrorCode::InvalidRequest, format!("event_types can be {offered}")))
}

/// Changes the webhook, if it still exists.
async fn changed(api: &Api, webhook: &Webhook, how: impl FnMut(&mut Webhook) -> bool) -> Result<Webhook, ApiError> {
    let changed = change(api.ports.webhooks.as_ref(), webhook.workspace_id, webhook.id, how).await?;
    changed.ok_or_else(|| ApiError::webhook_not_found(&webhook.id))
}

fn one(webhook: Webhook, message: &str) -> Json<OneWebhook> {
    Json(OneWebhook { success: true, message: message.into(), webhook: view::webhook(webhook) })
}

/// Register a webhook
///
/// Events of the workspace are sent to its URL from now on, signed with the secret of the answer.
#[utoipa::path(
    post,
    path = "/api/public/v2/webhooks",
    operation_id = "registerWebhook",
    params(IdempotencyKeyHeader),
    request_body = RegisterWebhook,
    responses((status = 201, description = "The webhook and, this once, its secret", body = WebhookRegistered)),
)]
pub(super) async fn register(
    State(api): State<Arc<Api>>,
    caller: Caller,
    key: CallKey,
    JsonBody(register): JsonBody<RegisterWebhook>,
) -> Result<(StatusCode, Json<WebhookRegistered>), ApiError> {
    check_offered(&register.event_types)?;
    let given = register.secret.clone().map(Secret::parse).transpose()?;
    let secret = given.clone().unwrap_or_else(|| Secret::generate(api.ports.ids.as_ref()));
    let (api, wanted, secret, has_given) = (api.as_ref(), &register, &secret, given.is_some());
    let make = |making: Making| {
        async move {
            let id = making.id.try_into().map_err(Error::internal)?;
            let owner = Owner { workspace_id: caller.workspace_id, webhook_id: id };
            let before = match making.is_resumed {
                true => api.ports.webhooks.webhook(owner.workspace_id, id).await?,
                false => None,
            };
            let is_known = before.is_none() || has_given;
            let (webhook, same_url_as) = match before {
                Some(webhook) => (webhook, None),
                None => register_new(api, owner, wanted, secret, making.at).await?,
            };
            Ok(WebhookRegistered {
                success: true,
                message: "Webhook created successfully; store its secret, it is shown only now".into(),
                id,
                secret: is_known.then(|| secret.reveal().to_owned()),
                url: webhook.url,
                event_types: webhook.event_types,
                same_url_as,
            })
        }
        .boxed()
    };
    let registered = once(api, &caller, key, &("registerWebhook", &register), make).await?;
    Ok((StatusCode::CREATED, Json(registered)))
}

async fn register_new(
    api: &Api,
    owner: Owner,
    wanted: &RegisterWebhook,
    secret: &Secret,
    created_at: Timestamp,
) -> Result<(Webhook, Option<WebhookId>)> {
    let url = api.destinations.check_name(&wanted.url, api.resolver.as_ref()).await?;
    let others = api.ports.webhooks.webhooks(owner.workspace_id).await?;
    if others.len() >= MAX_WEBHOOKS {
        let message = "the workspace has 250 webhooks, and that is the most; delete one that is not used";
        return Err(Error::refused(ErrorCode::TooManyWebhooks, message));
    }
    let webhook = Webhook {
        id: owner.webhook_id,
        workspace_id: owner.workspace_id,
        url: url.to_string(),
        secrets: Secrets::new(api.vault.seal(secret, owner).await?),
        event_types: wanted.event_types.clone(),
        disabled: None,
        health: Health::default(),
        created_at,
        revision: 0,
    };
    api.ports.webhooks.register(&webhook).await?;
    let twin = others.iter().find(|other| other.url == webhook.url && other.id != webhook.id).map(|other| other.id);
    Ok((webhook, twin))
}

/// List webhooks
#[utoipa::path(
    get,
    path = "/api/public/v2/webhooks",
    operation_id = "listWebhooks",
    responses((status = 200, description = "The webhooks of the workspace", body = Webhooks)),
)]
pub(super) async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Result<Json<Webhooks>, ApiError> {
    let webhooks = api.ports.webhooks.webhooks(caller.workspace_id).await?;
    Ok(Json(Webhooks {
        success: true,
        message: "Webhooks retrieved successfully".into(),
        webhooks: webhooks.into_iter().map(view::webhook).collect(),
    }))
}

/// Get a webhook
#[utoipa::path(
    get,
    path = "/api/public/v2/webhooks/{webhook_id}",
    operation_id = "getWebhook",
    responses((status = 200, description = "The webhook", body = OneWebhook)),
)]
pub(super) async fn read(Owned(webhook): Owned<Webhook>) -> Json<OneWebhook> {
    one(webhook, "Webhook retrieved successfully")
}

/// Change a webhook
///
/// What is not given stays. `disabled: false` brings back one that was disabled, for whatever reason.
#[utoipa::path(
    patch,
    path = "/api/public/v2/webhooks/{webhook_id}",
    operation_id = "changeWebhook",
    request_body = ChangeWebhook,
    responses((status = 200, description = "The webhook as it is now", body = OneWebhook)),
)]
pub(super) async fn update(
    State(api): State<Arc<Api>>,
    Owned(webhook): Owned<Webhook>,
    JsonBody(wanted): JsonBody<ChangeWebhook>,
) -> Result<Json<OneWebhook>, ApiError> {
    check_offered(wanted.event_types.as_deref().unwrap_or_default())?;
    let url = match &wanted.url {
        Some(url) => Some(api.destinations.check_name(url, api.resolver.as_ref()).await?),
        None => None,
    };
    let now = api.ports.clock.now();
    let how = |webhook: &mut Webhook| {
        if let Some(url) = &url {
            webhook.set_url(url.as_str(), now);
        }
        if let Some(event_types) = &wanted.event_types {
            webhook.event_types.clone_from(event_types);
        }
        match wanted.disabled {
            Some(true) => webhook.disable(DisabledReason::Requested, now),
            Some(false) if webhook.disabled.is_some() => webhook.enable(now),
            Some(false) | None => {}
        }
        true
    };
    Ok(one(changed(&api, &webhook, how).await?, "Webhook updated successfully"))
}

/// Delete a webhook
#[utoipa::path(
    delete,
    path = "/api/public/v2/webhooks/{webhook_id}",
    operation_id = "deleteWebhook",
    responses((status = 200, description = "The webhook as it was", body = OneWebhook)),
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Owned(webhook): Owned<Webhook>,
    _: NoBody,
) -> Result<Json<OneWebhook>, ApiError> {
    api.ports.webhooks.remove(webhook.workspace_id, webhook.id).await?;
    Ok(one(webhook, "Webhook deleted successfully"))
}

/// Rotate a webhook's secret
///
/// The secret before signs too for 24 hours, as a second signature in `webhook-signature`.
/// `X-PromptLayer-Signature` has room for one, and is made with the new one at once.
#[utoipa::path(
    post,
    path = "/api/public/v2/webhooks/{webhook_id}/rotate-secret",
    operation_id = "rotateWebhookSecret",
    params(IdempotencyKeyHeader),
    request_body = Option<RotateSecret>,
    responses((status = 200, description = "The new secret, this once", body = SecretRotated)),
)]
pub(super) async fn rotate_secret(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Owned(webhook): Owned<Webhook>,
    key: CallKey,
    JsonIfAny(wanted): JsonIfAny<RotateSecret>,
) -> Result<Json<SecretRotated>, ApiError> {
    let given = wanted.secret.clone().map(Secret::parse).transpose()?;
    let (api, webhook, given) = (api.as_ref(), &webhook, given.as_ref());
    let make = |making: Making| {
        async move {
            let secret = given.cloned().unwrap_or_else(|| Secret::generate(api.ports.ids.as_ref()));
            let sealed = api.vault.seal(&secret, webhook.owner()).await?;
            let mut was_rotated = false;
            let how = |webhook: &mut Webhook| {
                was_rotated = making.is_resumed && webhook.secrets.was_rotated(making.at);
                !was_rotated && webhook.secrets.rotate(sealed.clone(), making.at)
            };
            let changed = change(api.ports.webhooks.as_ref(), webhook.workspace_id, webhook.id, how).await?;
            if changed.is_none() {
                return Err(Error::refused(ErrorCode::WebhookNotFound, "the webhook has just been deleted"));
            }
            Ok(SecretRotated {
                success: true,
                message: "Secret rotated successfully; store it, it is shown only now".into(),
                id: webhook.id,
                secret: (!was_rotated || given.is_some()).then(|| secret.reveal().to_owned()),
                previous_secret_expires_at: (making.at + OLD_SECRET_LIFETIME).into(),
            })
        }
        .boxed()
    };
    Ok(Json(once(api, &caller, key, &("rotateWebhookSecret", webhook.id, &wanted), make).await?))
}
