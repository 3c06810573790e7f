//! Labels, in memory.

use super::MemoryTable;
use async_trait::async_trait;
use dataset_core::Result;
use dataset_core::dataset::State;
use dataset_core::id::GroupId;
use dataset_core::labels::{Label, LabelName, Labels, Moved, Moving};

#[async_trait]
impl Labels for MemoryTable {
    async fn label(&self, group: GroupId, name: &LabelName) -> Result<Option<Label>> {
        Ok(self.tables().labels.get(&(group, name.clone())).cloned())
    }

    async fn labels(&self, group: GroupId) -> Result<Vec<Label>> {
        let tables = self.tables();
        Ok(tables.labels.iter().filter(|((of, _), _)| *of == group).map(|(_, label)| label.clone()).collect())
    }

    async fn move_label(&self, moving: &Moving) -> Result<Moved> {
        let mut tables = self.tables();
        let key = (moving.group_id, moving.name.clone());
        if tables.labels.get(&key).map(|label| label.dataset_id) != moving.from {
            return Ok(Moved::Elsewhere);
        }
        let to = moving.to.as_ref().map(|label| label.dataset_id);
        let is_version = |dataset: &dataset_core::dataset::Dataset| {
            matches!(dataset.state, State::Ready { .. }) && !dataset.is_deleted
        };
        if to.is_some_and(|to| !tables.datasets.get(&to).is_some_and(is_version)) {
            return Ok(Moved::NoVersion);
        }
        if let Some(from) = moving.from.and_then(|from| tables.datasets.get_mut(&from)) {
            from.labels.remove(&moving.name);
        }
        if let Some(to) = to.and_then(|to| tables.datasets.get_mut(&to)) {
            to.labels.insert(moving.name.clone());
        }
        match &moving.to {
            Some(label) => drop(tables.labels.insert(key, label.clone())),
            None => drop(tables.labels.remove(&key)),
        }
        tables.outbox.insert(moving.event.event_id.clone(), moving.event.clone());
        Ok(Moved::Done)
    }
}
