//! API keys on DynamoDB, by their hash.

use crate::failure::unexpected;
use crate::item::{Item, Read, n, s};
use crate::table::{Key, Table};
use async_trait::async_trait;
use dataset_core::Result;
use dataset_core::api_key::{Grant, KeyHash};
use dataset_core::api_keys::ApiKeys;

#[async_trait]
impl ApiKeys for Table {
    async fn grant(&self, hash: &KeyHash) -> Result<Option<Grant>> {
        let Some(item) = self.get(Key::api_key(hash)).await? else {
            return Ok(None);
        };
        let read = Read(&item);
        Ok(Some(Grant {
            workspace_id: read.parsed("workspace_id")?,
            user_id: read.parsed("user_id")?,
            created_at: read.parsed("created_at")?,
        }))
    }

    async fn allow(&self, hash: &KeyHash, grant: &Grant) -> Result<()> {
        let key = Key::api_key(hash);
        let item = Item::default()
            .with("pk", s(key.pk))
            .with("sk", s(key.sk))
            .with("workspace_id", n(grant.workspace_id))
            .with("user_id", n(grant.user_id))
            .with("created_at", s(grant.created_at.to_string()));
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item.into_attributes()));
        put.send().await.map_err(unexpected("the table"))?;
        Ok(())
    }
}
