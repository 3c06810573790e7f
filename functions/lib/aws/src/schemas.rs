//! The schemas of groups on DynamoDB: the last one by a key that is known, and each for ever by its number.

use crate::item::{Attributes, Item, Read, flag, n, s};
use crate::table::{Key, Table, build_error, update_if};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::TransactWriteItem;
use dataset_core::Result;
use dataset_core::id::GroupId;
use dataset_core::schemas::{Schema, Schemas};

#[async_trait]
impl Schemas for Table {
    async fn last_schema(&self, group: GroupId) -> Result<Option<Schema>> {
        self.get(Key::last_schema(group)).await?.map(|item| read(&item)).transpose()
    }

    async fn schema(&self, group: GroupId, version: u64) -> Result<Option<Schema>> {
        self.get(Key::schema(group, version)).await?.map(|item| read(&item)).transpose()
    }

    async fn put_schema(&self, group: GroupId, schema: &Schema) -> Result<bool> {
        let last = self.put().set_item(Some(item(Key::last_schema(group), schema)));
        let last = match schema.version {
            1 => last.condition_expression("attribute_not_exists(pk)"),
            version => {
                last.condition_expression("version = :before").expression_attribute_values(":before", n(version - 1))
            }
        };
        let kept = self
            .put()
            .set_item(Some(item(Key::schema(group, schema.version), schema)))
            .condition_expression("attribute_not_exists(pk)");
        let actions =
            [last, kept].map(|put| Ok(TransactWriteItem::builder().put(put.build().map_err(build_error)?).build()));
        match self.transact_in_turn(actions.into_iter().collect::<Result<_>>()?).await? {
            Ok(()) => Ok(true),
            // It may be stored already, by an attempt whose answer was lost.
            Err(_) => Ok(self.last_schema(group).await?.as_ref() == Some(schema)),
        }
    }

    async fn remove_schema(&self, group: GroupId, version: u64) -> Result<bool> {
        let update = self
            .update_item(Key::last_schema(group))
            .condition_expression("version = :version")
            .update_expression("SET is_removed = :yes")
            .expression_attribute_values(":version", n(version))
            .expression_attribute_values(":yes", flag(true));
        Ok(update_if(update).await?.is_some())
    }
}

fn item(key: Key, schema: &Schema) -> Attributes {
    Item::default()
        .with("pk", s(key.pk))
        .with("sk", s(key.sk))
        .with("version", n(schema.version))
        .with("schema", s(&schema.text))
        .with("set_at", s(schema.set_at.to_string()))
        .with("user_id", n(schema.user_id))
        .with("is_removed", flag(schema.is_removed))
        .into_attributes()
}

fn read(item: &Attributes) -> Result<Schema> {
    let read = Read(item);
    Ok(Schema {
        version: read.parsed("version")?,
        text: read.text("schema")?.to_owned(),
        set_at: read.parsed("set_at")?,
        user_id: read.parsed("user_id")?,
        is_removed: read.flag("is_removed"),
    })
}
