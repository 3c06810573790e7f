//! Deliveries on DynamoDB.
//!
//! Those that are pending or failed are also in the index `by_group`, under
//! the receiver and their status, so that they are found among millions that
//! were delivered.

use crate::failure::unexpected;
use crate::item::{Attributes, Item, Read, json, ms, n, s, seconds};
use crate::table::{DELIVERY_PREFIX, GROUP_INDEX, Key, Table, build_error, deliveries_of, due, update_if};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, TransactWriteItem};
use dataset_core::deliveries::{Deliveries, Wanted};
use dataset_core::delivery::{
    Attempt, DELIVERY_LIFETIME, Delivery, DeliveryId, DeliveryKey, DeliveryState, DeliveryStatus, MAX_ATTEMPTS_KEPT,
    QUEUE_GRACE,
};
use dataset_core::lifecycle::after;
use dataset_core::secret::Owner;
use dataset_core::{Error, Result};
use jiff::Timestamp;
use std::collections::HashMap;

const PENDING: &str = "pending";
const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";

/// As many items as one transaction takes.
const MAX_TRANSACTION: usize = 100;

/// What every update names.
const NAMES: [(&str, &str); 2] = [("#state", "state"), ("#ttl", "ttl")];

#[async_trait]
impl Deliveries for Table {
    async fn create_deliveries(&self, deliveries: &[Delivery]) -> Result<()> {
        for some in deliveries.chunks(MAX_TRANSACTION) {
            // Together they are one call. Where one is there already, each sees to itself.
            if some.len() == 1 || !create_together(self, some).await? {
                for delivery in some {
                    self.put_if_absent(new_item(delivery)?).await?;
                }
            }
        }
        Ok(())
    }

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Delivery>> {
        self.get(Key::delivery(key)).await?.map(|item| read(&item)).transpose()
    }

    async fn deliveries(&self, wanted: &Wanted, limit: usize) -> Result<Vec<Delivery>> {
        match wanted.status {
            Some(status @ (DeliveryStatus::Pending | DeliveryStatus::Failed)) => {
                by_status(self, wanted, status, limit).await
            }
            Some(DeliveryStatus::Delivered) | None => newest(self, wanted, limit).await,
        }
    }

    async fn begin_attempt(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<Option<Delivery>> {
        let update = self
            .update_item(Key::delivery(key))
            .condition_expression("#state = :pending AND next_attempt_at <= :now")
            .update_expression("SET next_attempt_at = :until, due_at = :until")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pending", s(PENDING))
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":until", ms(until))
            .return_values(ReturnValue::AllNew);
        update_if(update).await?.map(|item| read(&item)).transpose()
    }

    async fn postpone(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<bool> {
        let update = self
            .update_item(Key::delivery(key))
            .condition_expression("#state = :pending AND next_attempt_at <= :now")
            .update_expression("SET next_attempt_at = :until, due_at = :due")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pending", s(PENDING))
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":until", ms(until))
            .expression_attribute_values(":due", ms(after(until, QUEUE_GRACE)?));
        Ok(update_if(update).await?.is_some())
    }

    async fn record_attempt(
        &self,
        delivery: &Delivery,
        attempt: &Attempt,
        next: DeliveryState,
        at: Timestamp,
    ) -> Result<()> {
        let condition = match next {
            DeliveryState::Delivered => "attribute_exists(pk) AND #state <> :state",
            DeliveryState::Pending { .. } | DeliveryState::Failed => "#state = :pending",
        };
        let append = Append::of(delivery, attempt)?;
        let mut change = Change::to(next, &delivery.key, at)?;
        change.values.insert(":attempt".into(), append.value.clone());
        if condition.contains(":pending") {
            change.values.insert(":pending".into(), s(PENDING));
        }
        let update = self
            .update_item(Key::delivery(&delivery.key))
            .condition_expression(condition)
            .update_expression(format!("SET attempts = {}, {}", append.expression, change.expression))
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(change.values));
        if update_if(update).await?.is_some() {
            return Ok(());
        }
        // It was settled meanwhile; that there was an attempt is true all the same.
        let update = self
            .update_item(Key::delivery(&delivery.key))
            .condition_expression("attribute_exists(pk)")
            .update_expression(format!("SET attempts = {}", append.expression))
            .expression_attribute_values(":attempt", append.value);
        update_if(update).await.map(drop)
    }

    async fn requeue(&self, key: &DeliveryKey, at: Timestamp) -> Result<bool> {
        let change = Change::to(DeliveryState::fresh(at), key, at)?;
        let update = self
            .update_item(Key::delivery(key))
            .condition_expression("attribute_exists(pk)")
            .update_expression(format!("SET {}", change.expression))
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(change.values));
        Ok(update_if(update).await?.is_some())
    }
}

/// `false` if some are there already, or being written by another; then none is stored.
async fn create_together(table: &Table, deliveries: &[Delivery]) -> Result<bool> {
    let mut transaction = table.client.transact_write_items();
    for delivery in deliveries {
        let put = table.put().set_item(Some(new_item(delivery)?)).condition_expression("attribute_not_exists(pk)");
        let put = TransactWriteItem::builder().put(put.build().map_err(build_error)?).build();
        transaction = transaction.transact_items(put);
    }
    match transaction.send().await {
        Ok(_) => Ok(true),
        Err(e) if e.as_service_error().is_some_and(|e| e.is_transaction_canceled_exception()) => Ok(false),
        Err(e) => Err(unexpected("the table")(e)),
    }
}

fn names() -> HashMap<String, String> {
    NAMES.iter().map(|(short, name)| ((*short).to_owned(), (*name).to_owned())).collect()
}

/// The end of an update by which a delivery comes into a state.
struct Change {
    /// What is set, after a `SET`, and what is removed.
    expression: String,
    values: Attributes,
}

impl Change {
    fn to(state: DeliveryState, key: &DeliveryKey, at: Timestamp) -> Result<Self> {
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

/// The attributes that a state is made of; those it has not are not there.
const VARYING: [&str; 8] =
    ["state", "next_attempt_at", "failed_attempts", "due_shard", "due_at", "in_group", "id", "ttl"];

fn state_attributes(state: DeliveryState, key: &DeliveryKey, at: Timestamp) -> Result<Attributes> {
    let mut attributes = Attributes::from([("state".to_owned(), s(name(state.status())))]);
    let mut add = |name: &str, value| attributes.insert(name.to_owned(), value);
    match state {
        DeliveryState::Pending { next_attempt_at, failed } => {
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
        add("in_group", s(in_status(key.workspace_id.get(), key.receiver_id.get(), state.status())));
        add("id", n(key.delivery_id.order()));
    }
    Ok(attributes)
}

fn name(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => PENDING,
        DeliveryStatus::Delivered => DELIVERED,
        DeliveryStatus::Failed => FAILED,
    }
}

/// The partition of the index with a receiver's deliveries of one status.
fn in_status(workspace: u64, receiver: u64, status: DeliveryStatus) -> String {
    format!("W#{workspace}#R#{receiver}#{}", name(status))
}

/// How the list of attempts gets one more.
struct Append {
    expression: &'static str,
    value: AttributeValue,
}

impl Append {
    fn of(delivery: &Delivery, attempt: &Attempt) -> Result<Self> {
        let surplus = (delivery.attempts.len() + 1).saturating_sub(MAX_ATTEMPTS_KEPT);
        if surplus == 0 {
            let value = AttributeValue::L(vec![json(attempt)?]);
            return Ok(Self { expression: "list_append(attempts, :attempt)", value });
        }
        let kept = delivery.attempts.iter().skip(surplus).chain([attempt]).map(json);
        Ok(Self { expression: ":attempt", value: AttributeValue::L(kept.collect::<Result<_>>()?) })
    }
}

async fn by_status(table: &Table, wanted: &Wanted, status: DeliveryStatus, limit: usize) -> Result<Vec<Delivery>> {
    let Owner { workspace_id, receiver_id } = wanted.receiver;
    // Below any identifier there is 0.
    let newest = wanted.before.as_ref().map_or(u64::MAX >> 1, |before| before.order().saturating_sub(1));
    if newest < wanted.from_order {
        return Ok(Vec::new());
    }
    let query = table
        .client
        .query()
        .table_name(&table.name)
        .index_name(GROUP_INDEX)
        .scan_index_forward(false)
        .key_condition_expression("in_group = :status AND id BETWEEN :oldest AND :newest")
        .expression_attribute_values(":status", s(in_status(workspace_id.get(), receiver_id.get(), status)))
        .expression_attribute_values(":oldest", n(wanted.from_order))
        .expression_attribute_values(":newest", n(newest))
        .limit(i32::try_from(limit).unwrap_or(i32::MAX));
    let found = query.send().await.map_err(unexpected("the table"))?.items.unwrap_or_default();
    let keys = found.iter().map(|item| {
        let read = Read(item);
        Ok(Key { pk: read.text("pk")?.to_owned(), sk: read.text("sk")?.to_owned() })
    });
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let items = table.get_all(keys.into_iter()).await?;
    let mut deliveries = items.iter().map(read).collect::<Result<Vec<_>>>()?;
    // The index may be behind.
    deliveries.retain(|delivery| delivery.state.status() == status);
    deliveries.sort_by(|a, b| b.key.delivery_id.cmp(&a.key.delivery_id));
    Ok(deliveries)
}

async fn newest(table: &Table, wanted: &Wanted, limit: usize) -> Result<Vec<Delivery>> {
    let Owner { workspace_id, receiver_id } = wanted.receiver;
    // A delivery's key goes on after the number, and so is not in the range itself.
    let bound = |order: u64| format!("{DELIVERY_PREFIX}msg_{order:016}");
    let newest = wanted.before.as_ref().map_or_else(|| format!("{DELIVERY_PREFIX}msg_~"), |id| bound(id.order()));
    let mut query = table
        .client
        .query()
        .table_name(&table.name)
        .scan_index_forward(false)
        .key_condition_expression("pk = :pk AND sk BETWEEN :oldest AND :newest")
        .expression_attribute_values(":pk", s(deliveries_of(workspace_id, receiver_id)))
        .expression_attribute_values(":oldest", s(bound(wanted.from_order)))
        .expression_attribute_values(":newest", s(newest));
    query = match wanted.status {
        Some(status) => query
            .filter_expression("#state = :state")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", s(name(status))),
        None => query,
    };
    let mut items = query.limit(i32::try_from(limit).unwrap_or(i32::MAX)).into_paginator().items().send();
    let mut deliveries = Vec::new();
    while deliveries.len() < limit {
        match items.next().await {
            Some(item) => deliveries.push(read(&item.map_err(unexpected("the table"))?)?),
            None => break,
        }
    }
    Ok(deliveries)
}

fn new_item(delivery: &Delivery) -> Result<Attributes> {
    let key = Key::delivery(&delivery.key);
    let item = Item::default()
        .with("pk", s(key.pk))
        .with("sk", s(key.sk))
        .with("delivery_id", s(delivery.key.delivery_id.as_str()))
        .with("workspace_id", n(delivery.key.workspace_id))
        .with("receiver_id", n(delivery.key.receiver_id))
        .with("event_type", json(&delivery.event_type)?)
        .with("body", s(&delivery.body))
        .with("created_at", s(delivery.created_at.to_string()))
        .with("attempts", AttributeValue::L(Vec::new()));
    let mut attributes = item.into_attributes();
    attributes.extend(state_attributes(delivery.state, &delivery.key, delivery.created_at)?);
    Ok(attributes)
}

fn read(item: &Attributes) -> Result<Delivery> {
    let read = Read(item);
    let state = match read.text("state")? {
        PENDING => DeliveryState::Pending {
            next_attempt_at: read.ms("next_attempt_at")?,
            failed: read.parsed("failed_attempts")?,
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
            receiver_id: read.parsed("receiver_id")?,
            delivery_id: DeliveryId::from_stored(read.text("delivery_id")?.to_owned()),
        },
        event_type: read.json("event_type")?,
        body: read.text("body")?.to_owned(),
        created_at: read.parsed("created_at")?,
        state,
        attempts: attempts.collect::<Result<_>>()?,
    })
}
