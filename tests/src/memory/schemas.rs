//! The schemas of groups, in memory.

use super::MemoryTable;
use async_trait::async_trait;
use dataset_core::Result;
use dataset_core::id::GroupId;
use dataset_core::schemas::{Schema, Schemas};

#[async_trait]
impl Schemas for MemoryTable {
    async fn last_schema(&self, group: GroupId) -> Result<Option<Schema>> {
        Ok(self.tables().schemas.get(&group).and_then(|schemas| schemas.last().cloned()))
    }

    async fn schema(&self, group: GroupId, version: u64) -> Result<Option<Schema>> {
        let tables = self.tables();
        let kept = tables.schemas.get(&group).and_then(|schemas| schemas.iter().find(|kept| kept.version == version));
        Ok(kept.map(|kept| Schema { is_removed: false, ..kept.clone() }))
    }

    async fn put_schema(&self, group: GroupId, schema: &Schema) -> Result<bool> {
        let mut tables = self.tables();
        let schemas = tables.schemas.entry(group).or_default();
        if schemas.len() as u64 + 1 == schema.version {
            schemas.push(schema.clone());
        }
        Ok(schemas.last() == Some(schema))
    }

    async fn remove_schema(&self, group: GroupId, version: u64) -> Result<bool> {
        let mut tables = self.tables();
        let last = tables.schemas.get_mut(&group).and_then(|schemas| schemas.last_mut());
        let last = last.filter(|last| last.version == version);
        Ok(last.map(|last| last.is_removed = true).is_some())
    }
}
