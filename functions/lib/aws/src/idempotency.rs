//! Calls that must not be carried out twice, on DynamoDB.

use crate::failure::unexpected;
use crate::item::{Attributes, Item, Read, ms, n, s, seconds};
use crate::table::{Key, Table, update_if};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::ReturnValue;
use dataset_core::clock::after;
use dataset_core::idempotency::{CALL_LIFETIME, Idempotency, MEMORY, Reservation, Reserved};
use dataset_core::{Error, Result};

/// The id's attribute, whose name is from when only datasets were made so.
const ID: &str = "dataset_id";

/// Attempts when another call changes the reservation between reading and writing.
const MAX_TRIES: usize = 4;

#[async_trait]
impl Idempotency for Table {
    async fn reserve(&self, reservation: &Reservation) -> Result<Reserved> {
        for _ in 0..MAX_TRIES {
            if self.put_if_absent(running(reservation)?).await? {
                return Ok(Reserved::Yours(reservation.id));
            }
            let Some(found) = self.get(key(reservation)).await? else { continue };
            let read = Read(&found);
            // DynamoDB removes expired items late.
            if read.parsed::<i64>("ttl")? <= reservation.now.as_second() {
                if self.replace(reservation, &found).await? {
                    return Ok(Reserved::Yours(reservation.id));
                }
                continue;
            }
            if read.text("fingerprint")? != reservation.fingerprint {
                return Ok(Reserved::Reused);
            }
            let id = read.parsed(ID)?;
            let Some(until) = read.maybe::<i64>("until") else {
                return Ok(Reserved::Done { id, answer: found.get("answer").and_then(|it| it.as_s().ok()).cloned() });
            };
            if until > reservation.now.as_millisecond() {
                return Ok(Reserved::Running);
            }
            // The call that began it has run out of time, and is dead.
            let next = after(reservation.now, CALL_LIFETIME)?;
            let update = self
                .update_item(key(reservation))
                .condition_expression("#until = :before")
                .update_expression("SET #until = :until")
                .expression_attribute_names("#until", "until")
                .expression_attribute_values(":before", n(until))
                .expression_attribute_values(":until", ms(next));
            if update_if(update).await?.is_some() {
                return Ok(Reserved::Yours(id));
            }
        }
        Err(Error::unavailable("the call could not be reserved"))
    }

    async fn complete(&self, reservation: &Reservation, answer: Option<&str>) -> Result<()> {
        let update = self
            .update_item(key(reservation))
            .condition_expression("fingerprint = :fingerprint")
            .update_expression("REMOVE #until")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":fingerprint", s(&reservation.fingerprint))
            .return_values(ReturnValue::None);
        let update = match answer {
            Some(answer) => update
                .update_expression("SET answer = :answer REMOVE #until")
                .expression_attribute_values(":answer", s(answer)),
            None => update,
        };
        update_if(update).await.map(drop)
    }

    async fn release(&self, reservation: &Reservation) -> Result<()> {
        let update = self
            .update_item(key(reservation))
            .condition_expression(format!("{ID} = :id AND #until > :now"))
            .update_expression("SET #until = :now")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":id", n(reservation.id))
            .expression_attribute_values(":now", ms(reservation.now))
            .return_values(ReturnValue::None);
        update_if(update).await.map(drop)
    }

    async fn forget(&self, reservation: &Reservation) -> Result<()> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key(reservation).attributes()))
            .condition_expression(format!("{ID} = :id AND attribute_exists(#until)"))
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":id", n(reservation.id));
        match delete.send().await {
            Err(e) if !e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Err(unexpected("the table")(e))
            }
            _ => Ok(()),
        }
    }
}

impl Table {
    async fn replace(&self, reservation: &Reservation, found: &Attributes) -> Result<bool> {
        let ttl = found.get("ttl").cloned().unwrap_or_else(|| n(0));
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(running(reservation)?))
            .condition_expression("#ttl = :ttl")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", ttl);
        match put.send().await {
            Ok(_) => Ok(true),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(false),
            Err(e) => Err(unexpected("the table")(e)),
        }
    }
}

fn key(reservation: &Reservation) -> Key {
    Key::call(reservation.workspace_id, &reservation.key)
}

fn running(reservation: &Reservation) -> Result<Attributes> {
    let key = key(reservation);
    let item = Item::default()
        .with("pk", s(key.pk))
        .with("sk", s(key.sk))
        .with("fingerprint", s(&reservation.fingerprint))
        .with(ID, n(reservation.id))
        .with("until", ms(after(reservation.now, CALL_LIFETIME)?))
        .with("ttl", seconds(after(reservation.now, MEMORY)?));
    Ok(item.into_attributes())
}
