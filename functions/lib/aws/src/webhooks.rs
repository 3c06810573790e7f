//! Webhooks on DynamoDB.

use crate::failure::unexpected;
use crate::item::{Attributes, Item, Read, json, n, s};
use crate::table::{Key, RECEIVER_PREFIX, Table, due};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::ReturnValue;
use dataset_core::id::{WebhookId, WorkspaceId};
use dataset_core::webhook::Webhook;
use dataset_core::webhooks::Webhooks;
use dataset_core::{Error, Result};

#[async_trait]
impl Webhooks for Table {
    async fn register(&self, webhook: &Webhook) -> Result<()> {
        if self.put_if_absent(item(webhook, webhook.revision)?).await? {
            return Ok(());
        }
        Err(Error::already_exists("the identifier is in use"))
    }

    async fn webhook(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>> {
        self.get(Key::webhook(workspace, id)).await?.map(|item| read(&item)).transpose()
    }

    async fn webhooks(&self, workspace: WorkspaceId) -> Result<Vec<Webhook>> {
        let items = self.partition(format!("W#{workspace}"), RECEIVER_PREFIX).await?;
        let mut webhooks = items.iter().map(read).collect::<Result<Vec<_>>>()?;
        webhooks.sort_by_key(|webhook| webhook.id);
        Ok(webhooks)
    }

    async fn replace(&self, changed: &Webhook) -> Result<bool> {
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
        let key = Key::webhook(workspace, id).attributes();
        let delete = self.client.delete_item().table_name(&self.name).set_key(Some(key));
        let output = delete.return_values(ReturnValue::AllOld).send().await.map_err(unexpected("the table"))?;
        Ok(output.attributes.is_some())
    }
}

fn item(webhook: &Webhook, revision: u64) -> Result<Attributes> {
    let due_at = webhook.due_at().map(|at| due(webhook.id.get(), at));
    let key = Key::webhook(webhook.workspace_id, webhook.id);
    let item = Item::default()
        .with("pk", s(key.pk))
        .with("sk", s(key.sk))
        .with("id", n(webhook.id))
        .with("workspace_id", n(webhook.workspace_id))
        .with("url", s(&webhook.url))
        .with("secrets", json(&webhook.secrets)?)
        .with("event_types", json(&webhook.event_types)?)
        .with("disabled", json(&webhook.disabled)?)
        .with("health", json(&webhook.health)?)
        .with("created_at", s(webhook.created_at.to_string()))
        .with("revision", n(revision));
    let mut attributes = item.into_attributes();
    attributes.extend(due_at.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)));
    Ok(attributes)
}

fn read(item: &Attributes) -> Result<Webhook> {
    let read = Read(item);
    Ok(Webhook {
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
