//! Groups as items: one by id, and one that keeps the name.

use super::id_taken;
use crate::item::{Attributes, Item, Read, flag, json, n, s};
use crate::table::{Key, Table, build_error, update_if};
use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use dataset_core::group::{Group, name_taken};
use dataset_core::id::GroupId;
use dataset_core::{Error, Result};
use dataset_types::dialect::Dialect;

pub(super) async fn create(table: &Table, group: &Group) -> Result<()> {
    let key = Key::group(group.id);
    let mut item = Item::default()
        .with("pk", s(key.pk))
        .with("sk", s(key.sk))
        .with("id", n(group.id))
        .with("workspace_id", n(group.workspace_id))
        .with("name", s(&group.name))
        .with("latest_version", n(group.latest_version))
        .with("created_at", s(group.created_at.to_string()))
        .with("is_deleted", flag(group.is_deleted));
    if group.dialect != Dialect::default() {
        item = item.with("dialect", json(&group.dialect)?);
    }
    let name = Key::group_name(group.workspace_id, &group.name);
    let name = Item::default().with("pk", s(name.pk)).with("sk", s(name.sk)).with("group_id", n(group.id));
    let puts = [name, item].map(|item| {
        let put = table.put().set_item(Some(item.into_attributes())).condition_expression("attribute_not_exists(pk)");
        Ok(TransactWriteItem::builder().put(put.build().map_err(build_error)?).build())
    });
    match table.transact_in_turn(puts.into_iter().collect::<Result<_>>()?).await? {
        Ok(()) => Ok(()),
        Err(existing) if existing.contains(&0) => Err(name_taken(&group.name)),
        Err(_) => Err(id_taken()),
    }
}

pub(super) async fn set_dialect(table: &Table, id: GroupId, dialect: &Dialect) -> Result<bool> {
    let update = table
        .update_item(Key::group(id))
        .condition_expression("is_deleted = :no")
        .update_expression("SET dialect = :dialect")
        .expression_attribute_values(":no", flag(false))
        .expression_attribute_values(":dialect", json(dialect)?);
    Ok(update_if(update).await?.is_some())
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
    let actions =
        vec![TransactWriteItem::builder().update(put_away).build(), TransactWriteItem::builder().delete(name).build()];
    match table.transact_in_turn(actions).await? {
        Err(conditions) if !conditions.contains(&0) => Err(Error::internal("a group has lost its name")),
        // If it was refused, the group has been deleted already.
        Ok(()) | Err(_) => Ok(()),
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
        dialect: read.json_if_any("dialect")?.unwrap_or_default(),
        is_deleted: read.flag("is_deleted"),
    })
}
