//! Deliveries to a receiver, page by page.

use super::attributes::{in_status, name, read};
use crate::failure::unexpected;
use crate::item::{Read, n, s};
use crate::table::{DELIVERY_PREFIX, GROUP_INDEX, Key, Table, deliveries_of};
use dataset_core::Result;
use dataset_core::deliveries::Wanted;
use dataset_core::delivery::{Delivery, DeliveryStatus};
use dataset_core::secret::Owner;

pub(super) async fn by_status(
    table: &Table,
    wanted: &Wanted,
    status: DeliveryStatus,
    limit: usize,
) -> Result<Vec<Delivery>> {
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

pub(super) async fn newest(table: &Table, wanted: &Wanted, limit: usize) -> Result<Vec<Delivery>> {
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
