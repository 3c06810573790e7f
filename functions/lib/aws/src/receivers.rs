//! Receivers on DynamoDB.

use crate::failure::unexpected;
use crate::item::{Attributes, Item, Read, json, n, s};
use crate::table::{Key, RECEIVER_PREFIX, Table};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::ReturnValue;
use dataset_core::id::{WebhookId, WorkspaceId};
use dataset_core::receiver::Receiver;
use dataset_core::receivers::Receivers;
use dataset_core::{Error, Result};

#[async_trait]
impl Receivers for Table {
    async fn register(&self, receiver: &Receiver) -> Result<()> {
        if self.put_if_absent(item(receiver, receiver.revision)?).await? {
            return Ok(());
        }
        Err(Error::already_exists("the identifier is in use"))
    }

    async fn receiver(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Receiver>> {
        self.get(Key::receiver(workspace, id)).await?.map(|item| read(&item)).transpose()
    }

    async fn receivers(&self, workspace: WorkspaceId) -> Result<Vec<Receiver>> {
        let items = self.partition(format!("W#{workspace}"), RECEIVER_PREFIX).await?;
        let mut receivers = items.iter().map(read).collect::<Result<Vec<_>>>()?;
        receivers.sort_by_key(|receiver| receiver.id);
        Ok(receivers)
    }

    async fn replace(&self, changed: &Receiver) -> Result<bool> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item(changed, changed.revision + 1)?))
            .condition_expression("revision = :before")
            .expression_attribute_values(":before", n(changed.revision));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(false),
            Err(e) => Err(unexpected("the table")(e)),
        }
    }

    async fn remove(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
        let key = Key::receiver(workspace, id).attributes();
        let delete = self.client.delete_item().table_name(&self.name).set_key(Some(key));
        let output = delete.return_values(ReturnValue::AllOld).send().await.map_err(unexpected("the table"))?;
        Ok(output.attributes.is_some())
    }
}

fn item(receiver: &Receiver, revision: u64) -> Result<Attributes> {
    let key = Key::receiver(receiver.workspace_id, receiver.id);
    let item = Item::default()
        .with("pk", s(key.pk))
        .with("sk", s(key.sk))
        .with("id", n(receiver.id))
        .with("workspace_id", n(receiver.workspace_id))
        .with("url", s(&receiver.url))
        .with("secrets", json(&receiver.secrets)?)
        .with("event_types", json(&receiver.event_types)?)
        .with("disabled", json(&receiver.disabled)?)
        .with("health", json(&receiver.health)?)
        .with("created_at", s(receiver.created_at.to_string()))
        .with("revision", n(revision));
    Ok(item.into_attributes())
}

fn read(item: &Attributes) -> Result<Receiver> {
    let read = Read(item);
    Ok(Receiver {
        id: read.parsed("id")?,
        workspace_id: read.parsed("workspace_id")?,
        url: read.text("url")?.to_owned(),
        secrets: read.json("secrets")?,
        event_types: read.json("event_types")?,
        disabled: read.json("disabled")?,
        health: read.json("health")?,
        created_at: read.parsed("created_at")?,
        revision: read.parsed("revision")?,
    })
}
