//! Deliveries to a receiver, page by page.

use super::attributes::{in_status, read};
use crate::failure::unexpected;
use crate::item::{Read, n, s};
use crate::table::{DELIVERY_PREFIX, GROUP_INDEX, Key, Table, deliveries_of, delivery_key};
use dataset_core::Result;
use dataset_core::deliveries::{DeliveryPage, DeliveryQuery};
use dataset_core::delivery::{Delivery, DeliveryKey, DeliveryStatus};
use dataset_core::id::DeliveryId;
use dataset_core::secret::Owner;

/// Greater than any identifier.
const NEWEST: u64 = u64::MAX >> 1;

/// Items read at once, and reads at most, where a filter leaves some out. What is
/// found by then is a page, however short.
const FILTERED_AT_ONCE: usize = 500;
const MAX_READS: usize = 10;

pub(super) async fn by_status(
    table: &Table,
    wanted: &DeliveryQuery,
    status: DeliveryStatus,
    limit: usize,
) -> Result<DeliveryPage> {
    let Owner { workspace_id, webhook_id } = wanted.webhook;
    let mut newest = wanted.before.as_ref().map_or(NEWEST, |before| before.order().saturating_sub(1));
    let mut deliveries: Vec<Delivery> = Vec::new();
    while deliveries.len() < limit && newest >= wanted.from_order {
        let asked = limit - deliveries.len();
        let query = table
            .client
            .query()
            .table_name(&table.name)
            .index_name(GROUP_INDEX)
            .scan_index_forward(false)
            .key_condition_expression("in_group = :status AND id BETWEEN :oldest AND :newest")
            .expression_attribute_values(":status", s(in_status(workspace_id.get(), webhook_id.get(), status)))
            .expression_attribute_values(":oldest", n(wanted.from_order))
            .expression_attribute_values(":newest", n(newest))
            .limit(i32::try_from(asked).unwrap_or(i32::MAX));
        let found = query.send().await.map_err(unexpected("the table"))?.items.unwrap_or_default();
        let keys = found.iter().map(|item| {
            let read = Read(item);
            Ok(Key { pk: read.text("pk")?.to_owned(), sk: read.text("sk")?.to_owned() })
        });
        let items = table.get_all(keys.collect::<Result<Vec<_>>>()?.into_iter()).await?;
        let read = items.iter().map(read).collect::<Result<Vec<_>>>()?;
        // The index may lag behind the table.
        deliveries.extend(read.into_iter().filter(|delivery| delivery.state.status() == status));
        newest = match found.last() {
            Some(last) if found.len() == asked => Read(last).parsed::<u64>("id")?.saturating_sub(1),
            _ => {
                deliveries.sort_by(|a, b| b.key.delivery_id.cmp(&a.key.delivery_id));
                return Ok(DeliveryPage { deliveries, next: None });
            }
        };
    }
    deliveries.sort_by(|a, b| b.key.delivery_id.cmp(&a.key.delivery_id));
    let next = (newest >= wanted.from_order).then(|| DeliveryId::at(newest.saturating_add(1), webhook_id));
    Ok(DeliveryPage { deliveries, next })
}

/// Keys of pending deliveries, the oldest first.
pub(super) async fn pending(
    table: &Table,
    webhook: Owner,
    after: Option<&DeliveryId>,
    limit: usize,
) -> Result<Vec<DeliveryKey>> {
    let Owner { workspace_id, webhook_id } = webhook;
    let status = in_status(workspace_id.get(), webhook_id.get(), DeliveryStatus::Pending);
    let query = table
        .client
        .query()
        .table_name(&table.name)
        .index_name(GROUP_INDEX)
        .key_condition_expression("in_group = :status AND id > :after")
        .expression_attribute_values(":status", s(status))
        .expression_attribute_values(":after", n(after.map_or(0, DeliveryId::order)))
        .limit(i32::try_from(limit).unwrap_or(i32::MAX));
    let found = query.send().await.map_err(unexpected("the table"))?.items.unwrap_or_default();
    found.iter().map(|item| delivery_key(Read(item).text("pk")?, Read(item).text("sk")?)).collect()
}

pub(super) async fn newest(table: &Table, wanted: &DeliveryQuery, limit: usize) -> Result<DeliveryPage> {
    let Owner { workspace_id, webhook_id } = wanted.webhook;
    // A delivery's key continues after the number, so the bound itself is no key.
    let bound = |order: u64| format!("{DELIVERY_PREFIX}msg_{order:016}");
    let mut before = wanted.before.as_ref().map_or_else(|| format!("{DELIVERY_PREFIX}msg_~"), |id| bound(id.order()));
    let mut deliveries: Vec<Delivery> = Vec::new();
    for _ in 0..MAX_READS {
        let asked = if wanted.status.is_some() { limit.max(FILTERED_AT_ONCE) } else { limit - deliveries.len() };
        let query = table
            .client
            .query()
            .table_name(&table.name)
            .scan_index_forward(false)
            .key_condition_expression("pk = :pk AND sk BETWEEN :oldest AND :before")
            .expression_attribute_values(":pk", s(deliveries_of(workspace_id, webhook_id)))
            .expression_attribute_values(":oldest", s(bound(wanted.from_order)))
            .expression_attribute_values(":before", s(&before))
            .limit(i32::try_from(asked).unwrap_or(i32::MAX));
        let output = query.send().await.map_err(unexpected("the table"))?;
        for item in output.items.iter().flatten() {
            let delivery = read(item)?;
            before = bound(delivery.key.delivery_id.order());
            if wanted.status.is_none_or(|status| delivery.state.status() == status) {
                deliveries.push(delivery);
            }
            if deliveries.len() == limit {
                return Ok(DeliveryPage {
                    next: deliveries.last().map(|last| last.key.delivery_id.clone()),
                    deliveries,
                });
            }
        }
        if output.last_evaluated_key.is_none() {
            return Ok(DeliveryPage { deliveries, next: None });
        }
    }
    // There may be more beyond the last item that was read.
    let order = before.rsplit('_').next().and_then(|order| order.parse().ok()).unwrap_or(0);
    Ok(DeliveryPage { deliveries, next: Some(DeliveryId::at(order, webhook_id)) })
}
