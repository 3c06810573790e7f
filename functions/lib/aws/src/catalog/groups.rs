//! Groups as items: one by id, and one that keeps the name.

use super::{cancellations, id_taken};
use crate::failure::unexpected;
use crate::item::{Attributes, Item, Read, flag, n, s};
use crate::table::{Key, Table, build_error};
use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use dataset_core::group::{Group, name_taken};
use dataset_core::{Error, Result};

pub(super) async fn create(table: &Table, group: &Group) -> Result<()> {
    let key = Key::group(group.id);
    let item = Item::default()
        .with("pk", s(key.pk))
        .with("sk", s(key.sk))
        .with("id", n(group.id))
        .with("workspace_id", n(group.workspace_id))
        .with("name", s(&group.name))
        .with("latest_version", n(group.latest_version))
        .with("created_at", s(group.created_at.to_string()))
        .with("is_deleted", flag(group.is_deleted));
    let name = Key::group_name(group.workspace_id, &group.name);
    let name = Item::default().with("pk", s(name.pk)).with("sk", s(name.sk)).with("group_id", n(group.id));
    let puts = [name, item].map(|item| {
        let put = table.put().set_item(Some(item.into_attributes()));
        put.condition_expression("attribute_not_exists(pk)").build()
    });
    let mut transaction = table.client.transact_write_items();
    for put in puts {
        let put = put.map_err(build_error)?;
        transaction = transaction.transact_items(TransactWriteItem::builder().put(put).build());
    }
    match transaction.send().await {
        Ok(_) => Ok(()),
        Err(e) => match e.as_service_error().map(cancellations).as_deref() {
            Some([name, ..]) if name == "ConditionalCheckFailed" => Err(name_taken(&group.name)),
            Some([_, id]) if id == "ConditionalCheckFailed" => Err(id_taken()),
            _ => Err(unexpected("the table")(e)),
        },
    }
}

pub(super) async fn delete(table: &Table, group: &Group) -> Result<()> {
    let put_away = table
        .update(Key::group(group.id))
        .condition_expression("is_deleted = :no")
        .update_expression("SET is_deleted = :yes")
        .expression_attribute_values(":no", flag(false))
        .expression_attribute_values(":yes", flag(true))
        .build()
        .map_err(build_error)?;
    let name = Delete::builder()
        .table_name(&table.name)
        .set_key(Some(Key::group_name(group.workspace_id, &group.name).attributes()))
        .condition_expression("group_id = :id")
        .expression_attribute_values(":id", n(group.id))
        .build()
        .map_err(build_error)?;
    let sent = table
        .client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().update(put_away).build())
        .transact_items(TransactWriteItem::builder().delete(name).build())
        .send()
        .await;
    match sent {
        Ok(_) => Ok(()),
        Err(e) => match e.as_service_error().map(cancellations).as_deref() {
            // The group has been deleted already.
            Some([group, ..]) if group == "ConditionalCheckFailed" => Ok(()),
            Some(reasons) if reasons.iter().any(|r| r == "TransactionConflict") => {
                Err(Error::unavailable("the group is being written by another").because(e))
            }
            _ => Err(unexpected("the table")(e)),
        },
    }
}

pub(super) fn read(item: &Attributes) -> Result<Group> {
    let read = Read(item);
    Ok(Group {
        id: read.parsed("id")?,
        workspace_id: read.parsed("workspace_id")?,
        name: read.text("name")?.to_owned(),
        latest_version: read.parsed("latest_version")?,
        created_at: read.parsed("created_at")?,
        is_deleted: read.flag("is_deleted"),
    })
}
