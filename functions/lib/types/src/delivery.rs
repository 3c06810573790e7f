//! Deliveries: one event on its way to one webhook.

use crate::event::EventType;
use crate::id::DeliveryId;
use crate::{PerPage, Time};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use strum::{EnumString, IntoStaticStr, VariantNames};
use utoipa::{IntoParams, ToSchema};

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListDeliveries {
    /// Deliveries of this state alone.
    #[param(inline)]
    pub state: Option<DeliveryStatus>,
    /// Deliveries older than this one: `next` of the page before.
    #[param(value_type = Option<DeliveryId>)]
    pub before: Option<String>,
    #[serde(default)]
    #[param(inline, required = false)]
    pub per_page: PerPage,
}

/// What became of a delivery.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantNames, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryStatus {
    Pending,
    Delivered,
    Failed,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Deliveries {
    pub success: bool,
    pub message: String,
    pub deliveries: Vec<Delivery>,
    /// For `before`, where there may be more.
    #[schema(required)]
    pub next: Option<DeliveryId>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OneDelivery {
    pub success: bool,
    pub message: String,
    pub delivery: Delivery,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    pub id: DeliveryId,
    /// What the event tells of.
    pub event_type: EventType,
    pub state: DeliveryStatus,
    pub created_at: Time,
    /// Of one that is pending.
    #[schema(required)]
    pub next_attempt_at: Option<Time>,
    /// What is sent.
    #[schema(value_type = Object)]
    pub payload: Box<RawValue>,
    /// The oldest first. In a list, the last ten.
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    pub started_at: Time,
    /// `delivered` or `failed`.
    #[schema(value_type = String)]
    pub outcome: Cow<'static, str>,
    /// The HTTP status of the answer, where there was one.
    #[schema(required)]
    pub status: Option<u16>,
    pub duration_ms: u64,
    /// Why it failed.
    #[schema(required)]
    pub error: Option<String>,
    /// Where a redirect leads. None is followed: register the URL that it leads to.
    #[serde(default)]
    #[schema(required)]
    pub location: Option<String>,
    /// The first 1 KiB of the answer.
    #[schema(required)]
    pub response: Option<String>,
    /// Whether the answer had more.
    #[serde(default)]
    pub response_is_cut: bool,
}

/// From when on to recover.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct Recover {
    /// Deliveries made at this time or later.
    #[schema(format = "date-time")]
    pub since: String,
    /// To go on: `next` of the answer before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DeliveryId>)]
    pub before: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Recovered {
    pub success: bool,
    pub message: String,
    /// Deliveries that are due now.
    pub recovered: u64,
    /// Whether that was all. If it was not, call again with `next` as `before`.
    pub complete: bool,
    #[schema(required)]
    pub next: Option<DeliveryId>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TestSent {
    pub success: bool,
    pub message: String,
    /// Of the delivery, which tells what came of it.
    pub delivery_id: DeliveryId,
}
