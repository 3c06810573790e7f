//! The catalog on DynamoDB.

mod datasets;
mod outcomes;

use crate::failure::unexpected;
use crate::item::{Attributes, Item, Read, n, s};
use crate::table::{
    DATASET, DELIVERY_PREFIX, DUE_INDEX, DUE_SHARDS, GROUP_NAME_PREFIX, Key, OUTBOX, Table, build_error, due_shard,
};
use async_trait::async_trait;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use dataset_core::catalog::{Catalog, Claim, Claimed, Discard, Due, OutboxEntry, Publication, Published, Scope};
use dataset_core::dataset::Dataset;
use dataset_core::delivery::{DeliveryId, DeliveryKey};
use dataset_core::group::{Group, name_taken};
use dataset_core::id::{DatasetId, GroupId, WorkspaceId};
use dataset_core::{Error, Result};
use futures::future::try_join_all;
use jiff::Timestamp;

#[async_trait]
impl Catalog for Table {
    async fn create_group(&self, group: &Group) -> Result<()> {
        let key = Key::group(group.id);
        let item = Item::default()
            .with("pk", s(key.pk))
            .with("sk", s(key.sk))
            .with("id", n(group.id))
            .with("workspace_id", n(group.workspace_id))
            .with("name", s(&group.name))
            .with("latest_version", n(group.latest_version))
            .with("created_at", s(group.created_at.to_string()));
        let name = Key::group_name(group.workspace_id, &group.name);
        let name = Item::default().with("pk", s(name.pk)).with("sk", s(name.sk)).with("group_id", n(group.id));
        let puts = [name, item].map(|item| {
            let put = self.put().set_item(Some(item.into_attributes()));
            put.condition_expression("attribute_not_exists(pk)").build()
        });
        let mut transaction = self.client.transact_write_items();
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

    async fn group(&self, id: GroupId) -> Result<Option<Group>> {
        self.get(Key::group(id)).await?.map(|item| read_group(&item)).transpose()
    }

    async fn groups(&self, workspace: WorkspaceId) -> Result<Vec<Group>> {
        let names = self.partition(format!("W#{workspace}"), GROUP_NAME_PREFIX).await?;
        let ids = names.iter().map(|item| Read(item).parsed("group_id")).collect::<Result<Vec<GroupId>>>()?;
        let groups = try_join_all(ids.into_iter().map(|id| self.group(id))).await?;
        Ok(groups.into_iter().flatten().collect())
    }

    async fn create_draft(&self, draft: &Dataset) -> Result<()> {
        let stored = self.put_if_absent(datasets::draft_item(draft)?).await?;
        if stored { Ok(()) } else { Err(id_taken()) }
    }

    async fn remove_draft(&self, id: DatasetId) -> Result<bool> {
        datasets::remove_draft(self, id).await
    }

    async fn dataset(&self, id: DatasetId) -> Result<Option<Dataset>> {
        self.get(Key::dataset(id)).await?.map(|item| datasets::read(&item)).transpose()
    }

    async fn datasets(&self, scope: Scope, failures: bool) -> Result<Vec<Dataset>> {
        datasets::list(self, scope, failures).await
    }

    async fn claim(&self, id: DatasetId, claim: &Claim) -> Result<Claimed> {
        datasets::claim(self, id, claim).await
    }

    async fn release(&self, id: DatasetId, due_at: Timestamp) -> Result<()> {
        datasets::release(self, id, due_at).await
    }

    async fn publish(&self, publication: &Publication) -> Result<Published> {
        outcomes::publish(self, publication).await
    }

    async fn discard(&self, discard: &Discard) -> Result<bool> {
        outcomes::discard(self, discard).await
    }

    async fn cleaned(&self, id: DatasetId) -> Result<()> {
        outcomes::cleaned(self, id).await
    }

    async fn outbox_entry(&self, id: DatasetId) -> Result<Option<OutboxEntry>> {
        self.get(Key::outbox(id)).await?.map(|item| outcomes::read_entry(&item)).transpose()
    }

    async fn close_outbox_entry(&self, id: DatasetId) -> Result<()> {
        let delete = self.client.delete_item().table_name(&self.name);
        delete.set_key(Some(Key::outbox(id).attributes())).send().await.map_err(unexpected("the table"))?;
        Ok(())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>> {
        let shards = (0..DUE_SHARDS).map(|shard| self.due_in(shard, now, limit));
        let mut items: Vec<_> = try_join_all(shards).await?.into_iter().flatten().collect();
        items.sort_by_key(|item| Read(item).maybe::<i64>("due_at"));
        items.truncate(limit);
        items.iter().map(read_due).collect()
    }
}

impl Table {
    async fn due_in(&self, shard: u64, now: Timestamp, limit: usize) -> Result<Vec<Attributes>> {
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(DUE_INDEX)
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", s(due_shard(shard)))
            .expression_attribute_values(":now", n(now.as_millisecond()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(unexpected("the table"))?;
        Ok(output.items.unwrap_or_default())
    }
}

fn read_group(item: &Attributes) -> Result<Group> {
    let read = Read(item);
    Ok(Group {
        id: read.parsed("id")?,
        workspace_id: read.parsed("workspace_id")?,
        name: read.text("name")?.to_owned(),
        latest_version: read.parsed("latest_version")?,
        created_at: read.parsed("created_at")?,
    })
}

fn read_due(item: &Attributes) -> Result<Due> {
    let read = Read(item);
    let (pk, sk) = (read.text("pk")?, read.text("sk")?);
    let dataset = || pk.strip_prefix("D#").and_then(|id| id.parse().ok());
    let delivery = || {
        let (workspace, receiver) = pk.strip_prefix("W#")?.split_once("#R#")?;
        Some(DeliveryKey {
            workspace_id: workspace.parse().ok()?,
            receiver_id: receiver.parse().ok()?,
            delivery_id: DeliveryId::from_stored(sk.strip_prefix(DELIVERY_PREFIX)?.to_owned()),
        })
    };
    match sk {
        DATASET => dataset().map(Due::Dataset),
        OUTBOX => dataset().map(Due::Outbox),
        _ => delivery().map(Due::Delivery),
    }
    .ok_or_else(|| Error::internal(format!("item {pk} {sk} is due, but nothing that is known")))
}

fn id_taken() -> Error {
    Error::conflict("id_taken", "the identifier is in use")
}

/// Why each action of a transaction was refused; "None" where it was not to blame.
fn cancellations(error: &TransactWriteItemsError) -> Vec<String> {
    match error {
        TransactWriteItemsError::TransactionCanceledException(e) => {
            e.cancellation_reasons().iter().map(|r| r.code().unwrap_or("None").to_owned()).collect()
        }
        _ => Vec::new(),
    }
}
