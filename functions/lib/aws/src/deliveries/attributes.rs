//! A delivery as an item, and the updates to it.

use crate::item::{Attributes, Item, Read, json, ms, n, s, seconds};
use crate::table::{Key, due};
use aws_sdk_dynamodb::types::AttributeValue;
use dataset_core::clock::after;
use dataset_core::delivery::{
    Attempt, DELIVERY_LIFETIME, Delivery, DeliveryKey, DeliveryState, DeliveryStatus, MAX_ATTEMPTS_KEPT, QUEUE_GRACE,
};
use dataset_core::id::DeliveryId;
use dataset_core::{Error, Result};
use jiff::Timestamp;
use std::collections::HashMap;

pub(super) const PENDING: &str = "pending";
const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";

/// Attribute names in every update.
const NAMES: [(&str, &str); 2] = [("#state", "state"), ("#ttl", "ttl")];

pub(super) fn names() -> HashMap<String, String> {
    NAMES.iter().map(|(short, name)| ((*short).to_owned(), (*name).to_owned())).collect()
}

/// The part of an update that brings a delivery into a state.
pub(super) struct Change {
    /// What follows `SET`, and the attributes to remove.
    pub(super) expression: String,
    pub(super) values: Attributes,
}

impl Change {
    pub(super) fn to(state: DeliveryState, key: &DeliveryKey, at: Timestamp) -> Result<Self> {
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        let mut values = Attributes::new();
        let attributes = state_attributes(state, key, at)?;
        for name in VARYING {
            let short = if name == "state" || name == "ttl" { format!("#{name}") } else { name.to_owned() };
            match attributes.get(name) {
                Some(value) => {
                    set.push(format!("{short} = :{name}"));
                    values.insert(format!(":{name}"), value.clone());
                }
                None => remove.push(short),
            }
        }
        Ok(Self { expression: format!("{} REMOVE {}", set.join(", "), remove.join(", ")), values })
    }
}

/// The attributes that only some states have.
const VARYING: [&str; 9] =
    ["state", "next_attempt_at", "failed_attempts", "parked", "due_shard", "due_at", "in_group", "id", "ttl"];

fn state_attributes(state: DeliveryState, key: &DeliveryKey, at: Timestamp) -> Result<Attributes> {
    let mut attributes = Attributes::from([("state".to_owned(), s(name(state.status())))]);
    let mut add = |name: &str, value| attributes.insert(name.to_owned(), value);
    match state {
        DeliveryState::Pending { next_attempt_at, failed, is_parked } => {
            if is_parked {
                add("parked", AttributeValue::Bool(true));
            }
            add("next_attempt_at", ms(next_attempt_at));
            add("failed_attempts", n(failed));
            for (name, value) in due(key.delivery_id.order(), after(next_attempt_at, QUEUE_GRACE)?) {
                add(name, value);
            }
        }
        DeliveryState::Delivered | DeliveryState::Failed => {
            add("ttl", seconds(after(at, DELIVERY_LIFETIME)?));
        }
    }
    if state.status() != DeliveryStatus::Delivered {
        add("in_group", s(in_status(key.workspace_id.get(), key.webhook_id.get(), state.status())));
        add("id", n(key.delivery_id.order()));
    }
    Ok(attributes)
}

pub(super) fn name(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => PENDING,
        DeliveryStatus::Delivered => DELIVERED,
        DeliveryStatus::Failed => FAILED,
    }
}

/// The partition of the index with a receiver's deliveries of one status.
pub(super) fn in_status(workspace: u64, webhook: u64, status: DeliveryStatus) -> String {
    format!("W#{workspace}#R#{webhook}#{}", name(status))
}

/// The part of an update that appends an attempt.
pub(super) struct Append {
    pub(super) expression: &'static str,
    pub(super) value: AttributeValue,
}

impl Append {
    pub(super) fn of(delivery: &Delivery, attempt: &Attempt) -> Result<Self> {
        let surplus = (delivery.attempts.len() + 1).saturating_sub(MAX_ATTEMPTS_KEPT);
        if surplus == 0 {
            let value = AttributeValue::L(vec![json(attempt)?]);
            return Ok(Self { expression: "list_append(attempts, :attempt)", value });
        }
        let kept = delivery.attempts.iter().skip(surplus).chain([attempt]).map(json);
        Ok(Self { expression: ":attempt", value: AttributeValue::L(kept.collect::<Result<_>>()?) })
    }
}

pub(super) fn new_item(delivery: &Delivery) -> Result<Attributes> {
    let key = Key::delivery(&delivery.key);
    let item = Item::default()
        .with("pk", s(key.pk))
        .with("sk", s(key.sk))
        .with("delivery_id", s(delivery.key.delivery_id.as_str()))
        .with("workspace_id", n(delivery.key.workspace_id))
        .with("receiver_id", n(delivery.key.webhook_id))
        .with("event_type", json(&delivery.event_type)?)
        .with("body", s(&delivery.body))
        .with("created_at", s(delivery.created_at.to_string()))
        .with("attempts", AttributeValue::L(Vec::new()));
    let mut attributes = item.into_attributes();
    attributes.extend(state_attributes(delivery.state, &delivery.key, delivery.created_at)?);
    Ok(attributes)
}

pub(super) fn read(item: &Attributes) -> Result<Delivery> {
    let read = Read(item);
    let state = match read.text("state")? {
        PENDING => DeliveryState::Pending {
            next_attempt_at: read.ms("next_attempt_at")?,
            failed: read.parsed("failed_attempts")?,
            is_parked: item.contains_key("parked"),
        },
        DELIVERED => DeliveryState::Delivered,
        FAILED => DeliveryState::Failed,
        other => return Err(Error::internal(format!("delivery has unknown state '{other}'"))),
    };
    let attempts = item.get("attempts").and_then(|v| v.as_l().ok()).map_or(&[][..], Vec::as_slice);
    let attempts = attempts.iter().map(|attempt| {
        let text = attempt.as_s().map_err(|_| Error::internal("an attempt is not text"))?;
        serde_json::from_str(text).map_err(|e| Error::internal("an attempt cannot be read").because(e))
    });
    Ok(Delivery {
        key: DeliveryKey {
            workspace_id: read.parsed("workspace_id")?,
            webhook_id: read.parsed("receiver_id")?,
            delivery_id: DeliveryId::from_stored(read.text("delivery_id")?.to_owned()),
        },
        event_type: read.json("event_type")?,
        body: read.text("body")?.to_owned(),
        created_at: read.parsed("created_at")?,
        state,
        attempts: attempts.collect::<Result<_>>()?,
    })
}
