//! Receivers and deliveries on DynamoDB.

use crate::item::{Attributes, Item, Read, json, ms, n, s};
use crate::table::{Key, RECEIVER_PREFIX, Table, due, update_if};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use dataset_core::delivery::{
    Attempt, Delivery, DeliveryId, DeliveryKey, DeliveryState, QUEUE_GRACE, Receiver, Secret,
};
use dataset_core::id::{ReceiverId, WorkspaceId};
use dataset_core::lifecycle::after;
use dataset_core::receivers::Receivers;
use dataset_core::{Error, Result};
use jiff::Timestamp;

const PENDING: &str = "pending";
const DELIVERED: &str = "delivered";
const GAVE_UP: &str = "gave_up";

#[async_trait]
impl Receivers for Table {
    async fn register(&self, receiver: &Receiver) -> Result<()> {
        let key = Key::receiver(receiver.workspace_id, receiver.id);
        let item = Item::default()
            .with("pk", s(key.pk))
            .with("sk", s(key.sk))
            .with("id", n(receiver.id))
            .with("workspace_id", n(receiver.workspace_id))
            .with("url", s(&receiver.url))
            .with("secret", s(receiver.secret.reveal()))
            .with("event_types", json(&receiver.event_types)?)
            .with("disabled", AttributeValue::Bool(receiver.disabled))
            .with("created_at", s(receiver.created_at.to_string()));
        if self.put_if_absent(item.into_attributes()).await? {
            return Ok(());
        }
        Err(Error::conflict("id_taken", "the identifier is in use"))
    }

    async fn receiver(&self, workspace: WorkspaceId, id: ReceiverId) -> Result<Option<Receiver>> {
        self.get(Key::receiver(workspace, id)).await?.map(|item| read_receiver(&item)).transpose()
    }

    async fn receivers(&self, workspace: WorkspaceId) -> Result<Vec<Receiver>> {
        let items = self.partition(format!("W#{workspace}"), RECEIVER_PREFIX).await?;
        items.iter().map(read_receiver).collect()
    }

    async fn create_delivery(&self, delivery: &Delivery) -> Result<()> {
        let DeliveryState::Pending { next_attempt_at } = delivery.state else {
            return Err(Error::internal("only a pending delivery is created"));
        };
        let key = Key::delivery(&delivery.key);
        let mut item = Item::default()
            .with("pk", s(key.pk))
            .with("sk", s(key.sk))
            .with("delivery_id", s(delivery.key.delivery_id.as_str()))
            .with("workspace_id", n(delivery.key.workspace_id))
            .with("receiver_id", n(delivery.key.receiver_id))
            .with("event_type", json(&delivery.event_type)?)
            .with("body", s(&delivery.body))
            .with("created_at", s(delivery.created_at.to_string()))
            .with("state", s(PENDING))
            .with("next_attempt_at", ms(next_attempt_at))
            .with("attempts", AttributeValue::L(Vec::new()));
        for (name, value) in due(shard_of(&delivery.key), after(next_attempt_at, QUEUE_GRACE)?) {
            item = item.with(name, value);
        }
        self.put_if_absent(item.into_attributes()).await.map(drop)
    }

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Delivery>> {
        self.get(Key::delivery(key)).await?.map(|item| read_delivery(&item)).transpose()
    }

    async fn begin_attempt(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<Option<Delivery>> {
        let update = self
            .update_item(Key::delivery(key))
            .condition_expression("#state = :pending AND next_attempt_at <= :now")
            .update_expression("SET next_attempt_at = :until, due_at = :due")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pending", s(PENDING))
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":until", ms(until))
            .expression_attribute_values(":due", ms(until))
            .return_values(ReturnValue::AllNew);
        update_if(update).await?.map(|item| read_delivery(&item)).transpose()
    }

    async fn record_attempt(&self, key: &DeliveryKey, attempt: &Attempt, next: DeliveryState) -> Result<()> {
        let update = self
            .update_item(Key::delivery(key))
            .condition_expression("#state = :pending")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pending", s(PENDING))
            .expression_attribute_values(":attempt", AttributeValue::L(vec![json(attempt)?]));
        const APPEND: &str = "SET attempts = list_append(attempts, :attempt)";
        let update = match next {
            DeliveryState::Pending { next_attempt_at } => update
                .update_expression(format!("{APPEND}, next_attempt_at = :next, due_at = :due"))
                .expression_attribute_values(":next", ms(next_attempt_at))
                .expression_attribute_values(":due", ms(after(next_attempt_at, QUEUE_GRACE)?)),
            DeliveryState::Delivered | DeliveryState::GaveUp => update
                .update_expression(format!("{APPEND}, #state = :final REMOVE due_shard, due_at, next_attempt_at"))
                .expression_attribute_values(
                    ":final",
                    s(if next == DeliveryState::Delivered { DELIVERED } else { GAVE_UP }),
                ),
        };
        update_if(update).await.map(drop)
    }
}

fn shard_of(key: &DeliveryKey) -> u64 {
    // A receiver's deliveries differ in the dataset, whose id ends in random bits.
    key.delivery_id.as_str().bytes().map(u64::from).sum()
}

fn read_receiver(item: &Attributes) -> Result<Receiver> {
    let read = Read(item);
    Ok(Receiver {
        id: read.parsed("id")?,
        workspace_id: read.parsed("workspace_id")?,
        url: read.text("url")?.to_owned(),
        secret: Secret::new(read.text("secret")?.to_owned()),
        event_types: read.json("event_types")?,
        disabled: item.get("disabled").and_then(|v| v.as_bool().ok()).copied().unwrap_or(false),
        created_at: read.parsed("created_at")?,
    })
}

fn read_delivery(item: &Attributes) -> Result<Delivery> {
    let read = Read(item);
    let state = match read.text("state")? {
        PENDING => DeliveryState::Pending { next_attempt_at: read.ms("next_attempt_at")? },
        DELIVERED => DeliveryState::Delivered,
        GAVE_UP => DeliveryState::GaveUp,
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
