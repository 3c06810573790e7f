//! The two transactions that end a draft, and the outbox they fill.

use super::cancellations;
use super::datasets::{DRAFT, FAILED, READY, columns};
use crate::failure::unexpected;
use crate::item::{Item, Read, json, n, s, seconds};
use crate::table::{Key, Table, build_error, due, update_if};
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use dataset_core::catalog::{FailedDraft, OutboxEntry, Publication, Published};
use dataset_core::clock::after;
use dataset_core::dataset::FAILURE_LIFETIME;
use dataset_core::id::DatasetId;
use dataset_core::id::EventId;
use dataset_core::{Error, Result};

const CHECK_FAILED: &str = "ConditionalCheckFailed";
const CONFLICT: &str = "TransactionConflict";

pub(super) async fn publish(table: &Table, publication: &Publication) -> Result<Published> {
    let number = table
        .update(Key::group(publication.group_id))
        .condition_expression("latest_version = :before")
        .update_expression("SET latest_version = :version")
        .expression_attribute_values(":before", n(publication.version - 1))
        .expression_attribute_values(":version", n(publication.version))
        .build()
        .map_err(build_error)?;
    let version = table
        .update(Key::dataset(publication.dataset_id))
        .condition_expression("#status = :draft")
        .update_expression(
            "SET #status = :ready, version = :version, finished_at = :at, #columns = :columns, row_count = :rows \
             REMOVE due_shard, due_at, claim_owner, claim_until",
        )
        .expression_attribute_names("#status", "status")
        .expression_attribute_names("#columns", "columns")
        .expression_attribute_values(":draft", s(DRAFT))
        .expression_attribute_values(":ready", s(READY))
        .expression_attribute_values(":version", n(publication.version))
        .expression_attribute_values(":at", s(publication.finished_at.to_string()))
        .expression_attribute_values(":columns", columns(&publication.contents)?)
        .expression_attribute_values(":rows", n(publication.contents.row_count))
        .build()
        .map_err(build_error)?;
    let outbox = outbox_put(table, &publication.event)?;

    // The SDK sends a client token, so its own retry succeeds if only the answer of
    // the first request was lost.
    let sent = table
        .client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().update(number).build())
        .transact_items(TransactWriteItem::builder().update(version).build())
        .transact_items(TransactWriteItem::builder().put(outbox).build())
        .send()
        .await;
    let error = match sent {
        Ok(_) => return Ok(Published::Done),
        Err(error) => error,
    };
    let reasons = error.as_service_error().map(cancellations).unwrap_or_default();
    let is = |index: usize, code| reasons.get(index).is_some_and(|r| r == code);
    if is(1, CHECK_FAILED) {
        Ok(Published::NotADraft)
    } else if is(0, CHECK_FAILED) || reasons.iter().any(|reason| reason == CONFLICT) {
        Ok(Published::NumberTaken)
    } else {
        Err(unexpected("the table")(error))
    }
}

pub(super) async fn fail(table: &Table, failed: &FailedDraft) -> Result<bool> {
    let ttl = after(failed.finished_at, FAILURE_LIFETIME)?;
    let failure = table
        .update(Key::dataset(failed.dataset_id))
        .condition_expression("#status = :draft AND due_at = :judged AND claims = :claims")
        .update_expression(
            // The failure stays due until `cleaned_up`, so that the sweeper repeats
            // a clean-up that was interrupted.
            "SET #status = :failed, failure = :failure, finished_at = :at, #ttl = :ttl, due_at = :due \
             REMOVE claim_owner, claim_until",
        )
        .expression_attribute_names("#status", "status")
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":draft", s(DRAFT))
        .expression_attribute_values(":failed", s(FAILED))
        .expression_attribute_values(":failure", json(&failed.failure)?)
        .expression_attribute_values(":at", s(failed.finished_at.to_string()))
        .expression_attribute_values(":ttl", seconds(ttl))
        .expression_attribute_values(":judged", n(failed.due_at.as_millisecond()))
        .expression_attribute_values(":claims", n(failed.lost_leases))
        .expression_attribute_values(":due", n(failed.event.due_at.as_millisecond()))
        .build()
        .map_err(build_error)?;
    let outbox = outbox_put(table, &failed.event)?;
    let sent = table
        .client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().update(failure).build())
        .transact_items(TransactWriteItem::builder().put(outbox).build())
        .send()
        .await;
    match sent {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error().map(cancellations).as_deref() {
            Some([draft, ..]) if draft == CHECK_FAILED => Ok(false),
            Some(reasons) if reasons.iter().any(|reason| reason == CONFLICT) => {
                Err(Error::unavailable("the draft is being written by another").because(error))
            }
            _ => Err(unexpected("the table")(error)),
        },
    }
}

pub(super) async fn cleaned_up(table: &Table, id: DatasetId) -> Result<()> {
    let update = table
        .update_item(Key::dataset(id))
        .condition_expression("#status = :failed")
        .update_expression("REMOVE due_shard, due_at")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":failed", s(FAILED));
    update_if(update).await.map(drop)
}

fn outbox_put(table: &Table, entry: &OutboxEntry) -> Result<Put> {
    let key = Key::outbox(&entry.event_id);
    let mut item = Item::default()
        .with("pk", s(key.pk))
        .with("sk", s(key.sk))
        .with("workspace_id", n(entry.workspace_id))
        .with("event_type", json(&entry.event_type)?)
        .with("body", s(&entry.body));
    for (name, value) in due(entry.event_id.order(), entry.due_at) {
        item = item.with(name, value);
    }
    table.put().set_item(Some(item.into_attributes())).build().map_err(build_error)
}

pub(super) async fn outbox_entry(table: &Table, id: &EventId) -> Result<Option<OutboxEntry>> {
    let Some(item) = table.get(Key::outbox(id)).await? else {
        return Ok(None);
    };
    let read = Read(&item);
    Ok(Some(OutboxEntry {
        event_id: id.clone(),
        workspace_id: read.parsed("workspace_id")?,
        event_type: read.json("event_type")?,
        body: read.text("body")?.to_owned(),
        due_at: read.ms("due_at")?,
    }))
}
