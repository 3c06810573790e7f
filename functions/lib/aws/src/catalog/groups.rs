//! Groups as items: one by id, and one that keeps the name.

use super::{id_taken, totals};
use crate::item::{Attributes, Item, Read, flag, json, n, s};
use crate::table::{GROUP_NAME_PREFIX, Key, Table, build_error, update_if};
use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use dataset_core::catalog::GroupName;
use dataset_core::group::{Group, name_taken};
use dataset_core::id::{GroupId, WorkspaceId};
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
        .with("deleted_versions", n(group.deleted_versions.unwrap_or_default()))
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
    let mut actions: Vec<TransactWriteItem> = puts.into_iter().collect::<Result<_>>()?;
    actions.push(totals::add(table, group.workspace_id, group.id.get(), 1, 0)?);
    match table.transact_in_turn(actions).await? {
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

/// Behind all names: `$` follows `#`.
const END_OF_NAMES: &str = "GROUP$";

/// Attempts when versions are published or deleted at the same time.
const MAX_TRIES: usize = 10;

pub(super) async fn delete(table: &Table, group: &Group) -> Result<()> {
    for _ in 0..MAX_TRIES {
        let stored = table.get(Key::group(group.id)).await?.map(|item| read(&item)).transpose()?;
        let Some(stored) = stored.filter(|stored| !stored.is_deleted) else {
            return Ok(());
        };
        let unchanged = "is_deleted = :no AND latest_version = :latest";
        let put_away = table
            .update(Key::group(group.id))
            .update_expression("SET is_deleted = :yes")
            .expression_attribute_values(":no", flag(false))
            .expression_attribute_values(":yes", flag(true))
            .expression_attribute_values(":latest", n(stored.latest_version));
        let put_away = match stored.deleted_versions {
            Some(deleted) => put_away
                .condition_expression(format!("{unchanged} AND deleted_versions = :deleted"))
                .expression_attribute_values(":deleted", n(deleted)),
            None => put_away.condition_expression(unchanged),
        };
        let name = Delete::builder()
            .table_name(&table.name)
            .set_key(Some(Key::group_name(group.workspace_id, &group.name).attributes()))
            .condition_expression("group_id = :id")
            .expression_attribute_values(":id", n(group.id))
            .build()
            .map_err(build_error)?;
        let versions = stored.versions().unwrap_or_default().cast_signed();
        let actions = vec![
            TransactWriteItem::builder().update(put_away.build().map_err(build_error)?).build(),
            TransactWriteItem::builder().delete(name).build(),
            totals::add(table, group.workspace_id, group.id.get(), -1, -versions)?,
        ];
        match table.transact_in_turn(actions).await? {
            Ok(()) => return Ok(()),
            Err(conditions) if !conditions.contains(&0) => return Err(Error::internal("a group has lost its name")),
            // A version was published or deleted, or the group is deleted already.
            Err(_) => {}
        }
    }
    Err(Error::unavailable("too many versions are being published into the group"))
}

/// The items of names, in the order of the names.
pub(super) async fn names(
    table: &Table,
    workspace: WorkspaceId,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<GroupName>> {
    let query = table
        .client
        .query()
        .table_name(&table.name)
        .consistent_read(true)
        .key_condition_expression("pk = :pk AND sk BETWEEN :after AND :end")
        .expression_attribute_values(":pk", s(format!("W#{workspace}")))
        .expression_attribute_values(":after", s(format!("{GROUP_NAME_PREFIX}{}", after.unwrap_or_default())))
        .expression_attribute_values(":end", s(END_OF_NAMES))
        .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX));
    let named = |item: &Attributes| {
        let name = Read(item).text("sk")?.strip_prefix(GROUP_NAME_PREFIX).unwrap_or_default().to_owned();
        let id = Read(item).parsed("group_id")?;
        Ok(Some(GroupName { name, id }).filter(|group| after != Some(&*group.name)))
    };
    Table::first(query, limit, named).await
}

pub(super) fn read(item: &Attributes) -> Result<Group> {
    let read = Read(item);
    Ok(Group {
        id: read.parsed("id")?,
        workspace_id: read.parsed("workspace_id")?,
        name: read.text("name")?.to_owned(),
        latest_version: read.parsed("latest_version")?,
        deleted_versions: read.maybe("deleted_versions"),
        created_at: read.parsed("created_at")?,
        dialect: read.json_if_any("dialect")?.unwrap_or_default(),
        is_deleted: read.flag("is_deleted"),
    })
}
