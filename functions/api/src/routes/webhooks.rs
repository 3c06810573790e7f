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

#[derive(Deserialize)]
pub(super) struct Register {
    url: String,
    /// Every type, if it is missing or empty.
    #[serde(default)]
    event_types: Vec<EventType>,
}

#[derive(Serialize)]
pub(super) struct Registered {
    success: bool,
    message: &'static str,
    id: ReceiverId,
    url: String,
    event_types: Vec<EventType>,
    /// Shown this once.
    secret: String,
}

pub(super) async fn register(
    State(api): State<Arc<Api>>,
    caller: Caller,
    JsonBody(register): JsonBody<Register>,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
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
    let registered = Registered {
        success: true,
        message: "Webhook created successfully; store its secret, it is shown only now",
        id: receiver.id,
        secret: receiver.secret.reveal().to_owned(),
        url: receiver.url,
        event_types: receiver.event_types,
    };
    Ok((StatusCode::CREATED, Json(registered)))
}

#[derive(Serialize)]
pub(super) struct Webhooks {
    success: bool,
    message: &'static str,
    webhooks: Vec<ReceiverView>,
}

#[derive(Serialize)]
struct ReceiverView {
    id: ReceiverId,
    url: String,
    event_types: Vec<EventType>,
    disabled: bool,
    created_at: String,
}

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
