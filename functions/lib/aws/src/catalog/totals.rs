//! What a workspace has, counted by the transactions that change it.
//!
//! The counts are spread over items, since two transactions at once on one item refuse each other.

use crate::failure::unexpected;
use crate::item::{Item, Read, n, s};
use crate::table::{GROUP_NAME_PREFIX, Key, TOTAL_PREFIX, Table, build_error};
use aws_sdk_dynamodb::types::{Select, TransactWriteItem};
use dataset_core::Result;
use dataset_core::catalog::Totals;
use dataset_core::id::WorkspaceId;

const SHARDS: u64 = 16;

/// Of the item that says that nothing was there before.
const COMPLETE: &str = "all";

/// An action that counts so many more. `of` spreads the counts.
pub(super) fn add(
    table: &Table,
    workspace: WorkspaceId,
    of: u64,
    groups: i64,
    versions: i64,
) -> Result<TransactWriteItem> {
    let update = table
        .update(Key::total(workspace, &(of % SHARDS).to_string()))
        .update_expression("ADD groups :groups, versions :versions")
        .expression_attribute_values(":groups", n(groups))
        .expression_attribute_values(":versions", n(versions));
    Ok(TransactWriteItem::builder().update(update.build().map_err(build_error)?).build())
}

pub(super) async fn read(table: &Table, workspace: WorkspaceId) -> Result<Option<Totals>> {
    let items = table.partition(format!("W#{workspace}"), TOTAL_PREFIX).await?;
    let is_complete = items.iter().any(|item| Read(item).text("sk").is_ok_and(|sk| sk.ends_with(COMPLETE)));
    let sum = |name: &str| items.iter().filter_map(|item| Read(item).maybe::<i64>(name)).sum::<i64>();
    let total = |name: &str| u64::try_from(sum(name)).unwrap_or_default();
    Ok(is_complete.then(|| Totals { groups: total("groups"), versions: total("versions") }))
}

/// Says that nothing was there before it was counted, if that is so.
pub(crate) async fn begin(table: &Table, workspace: WorkspaceId) -> Result<()> {
    for prefix in [TOTAL_PREFIX, GROUP_NAME_PREFIX] {
        let query = table
            .client
            .query()
            .table_name(&table.name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", s(format!("W#{workspace}")))
            .expression_attribute_values(":prefix", s(prefix))
            .select(Select::Count)
            .limit(1);
        if query.send().await.map_err(unexpected("the table"))?.count > 0 {
            return Ok(());
        }
    }
    let key = Key::total(workspace, COMPLETE);
    table.put_if_absent(Item::default().with("pk", s(key.pk)).with("sk", s(key.sk)).into_attributes()).await.map(drop)
}
