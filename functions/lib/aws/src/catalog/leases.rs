//! Leases of drafts, on the drafts' own items.

use super::datasets::{DRAFT, read, read_unless_withdrawn};
use crate::item::{ms, n, s};
use crate::table::{Key, Table, due, update_if};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use dataset_core::Result;
use dataset_core::catalog::{LeaseRequest, Leased};
use dataset_core::dataset::State;
use dataset_core::id::DatasetId;
use jiff::Timestamp;

pub(super) async fn acquire(table: &Table, id: DatasetId, request: &LeaseRequest) -> Result<Leased> {
    let [(shard, shard_value), (due_at, until)] = due(id.get(), request.until);
    let update = table
        .update_item(Key::dataset(id))
        .condition_expression(
            "#status = :draft AND (attribute_not_exists(claim_until) OR claim_until <= :now OR claim_owner = :owner)",
        )
        .update_expression(format!(
            "SET claim_owner = :owner, claim_until = :until, {due_at} = :until, {shard} = :shard ADD claims :one"
        ))
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":draft", s(DRAFT))
        .expression_attribute_values(":now", ms(request.now))
        .expression_attribute_values(":owner", s(&request.owner))
        .expression_attribute_values(":until", until)
        .expression_attribute_values(":shard", shard_value)
        .expression_attribute_values(":one", n(1))
        .return_values(ReturnValue::AllNew);
    if let Some(draft) = update_if(update).await? {
        return Ok(Leased::Yours(read(&draft)?));
    }
    let Some(item) = table.get(Key::dataset(id)).await? else {
        return Ok(Leased::Unknown);
    };
    let Some(dataset) = read_unless_withdrawn(&item)? else {
        return Ok(Leased::Unknown);
    };
    Ok(if matches!(dataset.state, State::Draft { .. }) { Leased::Busy } else { Leased::Final(dataset) })
}

pub(super) async fn release(table: &Table, id: DatasetId, owner: &str, due_at: Timestamp) -> Result<bool> {
    let update = let_go(table, id, due_at)
        .condition_expression("#status = :draft AND claim_owner = :owner")
        .update_expression("SET due_at = :due REMOVE claim_owner, claim_until ADD claims :less")
        .expression_attribute_values(":owner", s(owner))
        .expression_attribute_values(":less", n(-1));
    Ok(update_if(update).await?.is_some())
}

pub(super) async fn restart(table: &Table, id: DatasetId, judged: Timestamp, due_at: Timestamp) -> Result<bool> {
    let update = let_go(table, id, due_at)
        .condition_expression("#status = :draft AND due_at = :judged")
        .update_expression("SET due_at = :due REMOVE claim_owner, claim_until ADD restarts :one")
        .expression_attribute_values(":judged", n(judged.as_millisecond()))
        .expression_attribute_values(":one", n(1));
    Ok(update_if(update).await?.is_some())
}

fn let_go(table: &Table, id: DatasetId, due_at: Timestamp) -> UpdateItemFluentBuilder {
    table
        .update_item(Key::dataset(id))
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":draft", s(DRAFT))
        .expression_attribute_values(":due", n(due_at.as_millisecond()))
}
