//! Deliveries on DynamoDB.
//!
//! Pending and failed ones are also in the index `by_group`, under the webhook and
//! their status, so that they can be listed among millions that were delivered.

mod attributes;
mod pages;

use crate::item::{ms, s};
use crate::table::{Key, Table, update_if};
use async_trait::async_trait;
use attributes::{Append, Change, PENDING, names, new_item, read};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use dataset_core::Result;
use dataset_core::clock::after;
use dataset_core::deliveries::{Deliveries, DeliveryPage, DeliveryQuery};
use dataset_core::delivery::{Attempt, Delivery, DeliveryKey, DeliveryState, DeliveryStatus, QUEUE_GRACE};
use dataset_core::id::DeliveryId;
use dataset_core::secret::Owner;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use std::future::ready;

const PUTS_AT_ONCE: usize = 16;

#[async_trait]
impl Deliveries for Table {
    async fn create_deliveries(&self, deliveries: &[Delivery]) -> Result<()> {
        let items = deliveries.iter().map(new_item).collect::<Result<Vec<_>>>()?;
        // One that is stored already stays as it is, so that an event can be relayed twice. A transaction
        // would cost twice as much and be refused for each of them.
        let puts = stream::iter(items).map(|item| self.put_if_absent(item)).buffer_unordered(PUTS_AT_ONCE);
        puts.try_for_each(|_is_new| ready(Ok(()))).await
    }

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Delivery>> {
        self.get(Key::delivery(key)).await?.map(|item| read(&item)).transpose()
    }

    async fn deliveries(&self, wanted: &DeliveryQuery, limit: usize) -> Result<DeliveryPage> {
        match wanted.status {
            Some(status @ (DeliveryStatus::Pending | DeliveryStatus::Failed)) => {
                pages::by_status(self, wanted, status, limit).await
            }
            Some(DeliveryStatus::Delivered) | None => pages::newest(self, wanted, limit).await,
        }
    }

    async fn begin_attempt(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<Option<Delivery>> {
        let update = self
            .update_item(Key::delivery(key))
            .condition_expression("#state = :pending AND next_attempt_at <= :now")
            // No message will come at that time, so the delivery is due at once.
            .update_expression("SET next_attempt_at = :until, due_at = :until REMOVE parked")
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
            .update_expression("SET next_attempt_at = :until, due_at = :due REMOVE parked");
        put_off(update, now, until).await
    }

    async fn park(&self, key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Result<bool> {
        let update = self
            .update_item(Key::delivery(key))
            .update_expression("SET next_attempt_at = :until, due_at = :due, parked = :parked")
            .expression_attribute_values(":parked", AttributeValue::Bool(true));
        put_off(update, now, until).await
    }

    async fn record_attempt(
        &self,
        delivery: &Delivery,
        attempt: &Attempt,
        next: DeliveryState,
        at: Timestamp,
    ) -> Result<()> {
        let append = Append::of(delivery, attempt)?;
        let mut change = Change::to(next, &delivery.key, at)?;
        change.values.insert(":attempt".into(), append.value.clone());
        let condition = match (next, delivery.state) {
            (DeliveryState::Pending { .. } | DeliveryState::Failed, DeliveryState::Pending { next_attempt_at, .. }) => {
                // On condition that the state and the time are still those of this attempt.
                change.values.insert(":pending".into(), s(PENDING));
                change.values.insert(":lease".into(), ms(next_attempt_at));
                "#state = :pending AND next_attempt_at = :lease"
            }
            _ => "attribute_exists(pk) AND #state <> :state",
        };
        let update = self
            .update_item(Key::delivery(&delivery.key))
            .condition_expression(condition)
            .update_expression(format!("SET attempts = {}, {}", append.expression, change.expression))
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(change.values));
        if update_if(update).await?.is_some() {
            return Ok(());
        }
        // The delivery has ended meanwhile, but the attempt is recorded all the same.
        let update = self
            .update_item(Key::delivery(&delivery.key))
            .condition_expression("attribute_exists(pk)")
            .update_expression(format!("SET attempts = {}", append.expression))
            .expression_attribute_values(":attempt", append.value);
        update_if(update).await.map(drop)
    }

    async fn pending(&self, webhook: Owner, after: Option<&DeliveryId>, limit: usize) -> Result<Vec<DeliveryKey>> {
        pages::pending(self, webhook, after, limit).await
    }

    async fn wake(&self, key: &DeliveryKey, now: Timestamp) -> Result<bool> {
        let update = self
            .update_item(Key::delivery(key))
            .condition_expression("attribute_exists(parked)")
            .update_expression("SET next_attempt_at = :now, due_at = :due REMOVE parked")
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":due", ms(after(now, QUEUE_GRACE)?));
        Ok(update_if(update).await?.is_some())
    }

    async fn reminded(&self, key: &DeliveryKey, now: Timestamp, again: Timestamp) -> Result<()> {
        let update = self
            .update_item(Key::delivery(key))
            .condition_expression("#state = :pending AND due_at <= :now")
            .update_expression("SET due_at = :again")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pending", s(PENDING))
            .expression_attribute_values(":now", ms(now))
            .expression_attribute_values(":again", ms(again));
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

/// Makes a delivery due later, if it is due.
async fn put_off(update: UpdateItemFluentBuilder, now: Timestamp, until: Timestamp) -> Result<bool> {
    let update = update
        .condition_expression("#state = :pending AND next_attempt_at <= :now")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":pending", s(PENDING))
        .expression_attribute_values(":now", ms(now))
        .expression_attribute_values(":until", ms(until))
        .expression_attribute_values(":due", ms(after(until, QUEUE_GRACE)?));
    Ok(update_if(update).await?.is_some())
}
