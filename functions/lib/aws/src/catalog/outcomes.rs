//! The two transactions that end a draft, and the outbox they fill.

use super::datasets::{DRAFT, FAILED, READY, columns};
use super::totals;
use crate::item::{Item, Read, flag, json, n, s, seconds};
use crate::table::{Key, Table, Transacted, build_error, due, update_if};
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use dataset_core::Result;
use dataset_core::catalog::{FailedDraft, OutboxEntry, Publication, Published};
use dataset_core::clock::after;
use dataset_core::dataset::FAILURE_LIFETIME;
use dataset_core::id::DatasetId;
use dataset_core::id::EventId;

pub(super) async fn publish(table: &Table, publication: &Publication) -> Result<Published> {
    let workspace_id = publication.event.workspace_id;
    let number = table
        .update(Key::group(publication.group_id))
        .condition_expression("latest_version = :before AND is_deleted = :gone")
        .update_expression("SET latest_version = :version")
        .expression_attribute_values(":gone", flag(publication.is_group_deleted))
        .expression_attribute_values(":before", n(publication.version - 1))
        .expression_attribute_values(":version", n(publication.version))
        .build()
        .map_err(build_error)?;
    let version = table
        .update(Key::dataset(publication.dataset_id))
        .condition_expression("#status = :draft")
        .update_expression(
            "SET #status = :ready, version = :version, finished_at = :at, #columns = :columns, row_count = :rows, notices = :notices, \
             dialect = :dialect, schema_version = :schema, shape = :shape, \
             file_sha256 = :file, rows_sha256 = :parquet \
             REMOVE drafts_of, due_shard, due_at, claim_owner, claim_until",
        )
        .expression_attribute_names("#status", "status")
        .expression_attribute_names("#columns", "columns")
        .expression_attribute_values(":draft", s(DRAFT))
        .expression_attribute_values(":ready", s(READY))
        .expression_attribute_values(":version", n(publication.version))
        .expression_attribute_values(":at", s(publication.finished_at.to_string()))
        .expression_attribute_values(":columns", columns(&publication.contents)?)
        .expression_attribute_values(":rows", n(publication.contents.row_count))
        .expression_attribute_values(":notices", json(&publication.contents.notices)?)
        .expression_attribute_values(":dialect", json(&publication.contents.dialect)?)
        .expression_attribute_values(":file", text_if_any(publication.contents.file_sha256.as_deref()))
        .expression_attribute_values(":parquet", text_if_any(publication.contents.rows_sha256.as_deref()))
        .expression_attribute_values(":shape", json(&publication.contents.shape)?)
        .expression_attribute_values(":schema", publication.contents.schema_version.map_or(AttributeValue::Null(true), n))
        .build()
        .map_err(build_error)?;
    let outbox = outbox_put(table, &publication.event)?;

    let mut actions = vec![
        TransactWriteItem::builder().update(number).build(),
        TransactWriteItem::builder().update(version).build(),
        TransactWriteItem::builder().put(outbox).build(),
        TransactWriteItem::builder().put(number_put(table, publication)?).build(),
    ];
    if !publication.is_group_deleted {
        actions.push(totals::add(table, workspace_id, publication.dataset_id.get(), 0, 1)?);
    }
    Ok(match table.transact(actions).await? {
        Transacted::Done => Published::Done,
        Transacted::Refused(conditions) if conditions.contains(&1) => Published::NotADraft,
        // Whoever was met has most likely taken the number.
        Transacted::Refused(_) | Transacted::Conflict => Published::NumberTaken,
    })
}

fn text_if_any(text: Option<&str>) -> AttributeValue {
    text.map_or(AttributeValue::Null(true), s)
}

/// By which a version is found by its number.
fn number_put(table: &Table, publication: &Publication) -> Result<Put> {
    let key = Key::version(publication.group_id, publication.version);
    let item =
        Item::default().with("pk", s(key.pk)).with("sk", s(key.sk)).with("dataset_id", n(publication.dataset_id));
    table.put().set_item(Some(item.into_attributes())).build().map_err(build_error)
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
             REMOVE drafts_of, claim_owner, claim_until",
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
        .expression_attribute_values(":due", n(failed.clean_at.as_millisecond()))
        .build()
        .map_err(build_error)?;
    let outbox = outbox_put(table, &failed.event)?;
    let actions =
        vec![TransactWriteItem::builder().update(failure).build(), TransactWriteItem::builder().put(outbox).build()];
    Ok(table.transact_in_turn(actions).await?.is_ok())
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

pub(crate) fn outbox_put(table: &Table, entry: &OutboxEntry) -> Result<Put> {
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
