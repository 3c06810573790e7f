//! Webhooks: URLs that events are sent to.

use crate::Time;
use crate::event::EventFilter;
use crate::id::WebhookId;
use crate::limits::MAX_URL_CHARS;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, Object, ObjectBuilder, SchemaFormat, SchemaType, Type};

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct RegisterWebhook {
    #[schema(schema_with = url)]
    pub url: String,
    #[serde(default)]
    #[schema(schema_with = event_types, required = false)]
    pub event_types: Vec<EventFilter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = secret, required = false)]
    pub secret: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct RotateSecret {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = secret, required = false)]
    pub secret: Option<String>,
}

fn secret() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some(
            "What deliveries are signed with: `whsec_` and 24 to 64 random bytes in base64. Without it, one is made.",
        ))
        .pattern(Some("^whsec_[A-Za-z0-9+/]{32,86}={0,2}$"))
        .build()
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct ChangeWebhook {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = url_or_null, required = false)]
    pub url: Option<String>,
    /// A webhook that is disabled gets nothing; what it misses can be recovered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = event_types_or_null, required = false)]
    pub event_types: Option<Vec<EventFilter>>,
}

fn url() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("Where events are sent: an https URL on the public network."))
        .format(Some(SchemaFormat::Custom("uri".to_owned())))
        .max_length(Some(MAX_URL_CHARS))
        .build()
}

fn url_or_null() -> Object {
    let mut url = url();
    url.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
    url
}

fn event_types() -> Array {
    let names = EventFilter::offered().map(EventFilter::name);
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
    ArrayBuilder::new()
        .description(Some("`*` for every type. If it is missing or empty, the two that PromptLayer has."))
        .items(name)
        .build()
}

fn event_types_or_null() -> Array {
    let mut types = event_types();
    types.description = Some("`*` for every type, empty for the two that PromptLayer has.".to_owned());
    types.schema_type = SchemaType::from_iter([Type::Array, Type::Null]);
    types
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookRegistered {
    pub success: bool,
    pub message: String,
    pub id: WebhookId,
    pub url: String,
    #[schema(schema_with = event_types)]
    pub event_types: Vec<EventFilter>,
    /// A webhook with the same URL: its receiver is told of what both ask for twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub same_url_as: Option<WebhookId>,
    /// Shown this once: the answer to a repeat does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SecretRotated {
    pub success: bool,
    pub message: String,
    pub id: WebhookId,
    /// Shown this once: the answer to a repeat does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Until when the secret before signs too.
    pub previous_secret_expires_at: Time,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Webhooks {
    pub success: bool,
    pub message: String,
    pub webhooks: Vec<Webhook>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OneWebhook {
    pub success: bool,
    pub message: String,
    pub webhook: Webhook,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    #[schema(schema_with = event_types)]
    pub event_types: Vec<EventFilter>,
    pub disabled: bool,
    #[schema(required)]
    pub disabled_reason: Option<DisabledReason>,
    #[schema(required)]
    pub disabled_at: Option<Time>,
    /// The first failure since it last took a delivery.
    #[schema(required)]
    pub failing_since: Option<Time>,
    pub created_at: Time,
}

/// `requested`, `gone` after a 410, or `failing` after five days of nothing but failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DisabledReason {
    /// Someone wanted it so.
    Requested,
    /// It answered 410.
    Gone,
    /// It did nothing but fail for five days.
    Failing,
}
