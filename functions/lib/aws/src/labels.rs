//! Labels on DynamoDB. A version's item has the names of its labels, so that it is not deleted with one.

use crate::catalog::outbox_put;
use crate::item::{Attributes, Item, Read, json, n, s};
use crate::table::{Key, LABEL_PREFIX, Table, build_error};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};
use dataset_core::Result;
use dataset_core::id::{DatasetId, GroupId};
use dataset_core::labels::{Label, LabelName, Labels, Moved, Moving};

#[async_trait]
impl Labels for Table {
    async fn label(&self, group: GroupId, name: &LabelName) -> Result<Option<Label>> {
        self.get(Key::label(group, name)).await?.map(|item| read(&item)).transpose()
    }

    async fn labels(&self, group: GroupId) -> Result<Vec<Label>> {
        let items = self.partition(Key::group(group).pk, LABEL_PREFIX).await?;
        items.iter().map(read).collect()
    }

    async fn move_label(&self, moving: &Moving) -> Result<Moved> {
        let Moving { group_id, name, from, to, event } = moving;
        let mut actions = vec![match to {
            Some(label) => {
                let put = self.put().set_item(Some(item(Key::label(*group_id, name), label)?));
                let put = match from {
                    Some(from) => {
                        put.condition_expression("dataset_id = :from").expression_attribute_values(":from", n(from))
                    }
                    None => put.condition_expression("attribute_not_exists(pk)"),
                };
                TransactWriteItem::builder().put(put.build().map_err(build_error)?).build()
            }
            None => {
                let delete = Delete::builder()
                    .table_name(&self.name)
                    .set_key(Some(Key::label(*group_id, name).attributes()))
                    .condition_expression("dataset_id = :from")
                    .expression_attribute_values(":from", from.map_or(AttributeValue::Null(true), n));
                TransactWriteItem::builder().delete(delete.build().map_err(build_error)?).build()
            }
        }];
        if let Some(label) = to {
            let gets = self
                .update(Key::dataset(label.dataset_id))
                .condition_expression("#status = :ready AND is_deleted = :no")
                .update_expression("ADD labels :label")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":ready", s("ready"))
                .expression_attribute_values(":no", AttributeValue::Bool(false))
                .expression_attribute_values(":label", AttributeValue::Ss(vec![name.to_string()]));
            actions.push(TransactWriteItem::builder().update(gets.build().map_err(build_error)?).build());
        }
        if let Some(from) = from.filter(|from| to.as_ref().is_none_or(|to| to.dataset_id != *from)) {
            actions.push(self.loses(from, name)?);
        }
        actions.push(TransactWriteItem::builder().put(outbox_put(self, event)?).build());
        Ok(match self.transact_in_turn(actions).await? {
            Ok(()) => Moved::Done,
            Err(refused) if refused.contains(&0) => Moved::Elsewhere,
            Err(_) => Moved::NoVersion,
        })
    }
}

impl Table {
    fn loses(&self, dataset: DatasetId, name: &LabelName) -> Result<TransactWriteItem> {
        let loses = self
            .update(Key::dataset(dataset))
            .condition_expression("attribute_exists(pk)")
            .update_expression("DELETE labels :label")
            .expression_attribute_values(":label", AttributeValue::Ss(vec![name.to_string()]));
        Ok(TransactWriteItem::builder().update(loses.build().map_err(build_error)?).build())
    }
}

fn item(key: Key, label: &Label) -> Result<Attributes> {
    Ok(Item::default()
        .with("pk", s(key.pk))
        .with("sk", s(key.sk))
        .with("dataset_id", n(label.dataset_id))
        .with("moves", json(&label.moves)?)
        .into_attributes())
}

fn read(item: &Attributes) -> Result<Label> {
    let read = Read(item);
    Ok(Label {
        name: read.text("sk")?.trim_start_matches(LABEL_PREFIX).parse().map_err(dataset_core::Error::internal)?,
        dataset_id: read.parsed("dataset_id")?,
        moves: read.json("moves")?,
    })
}
