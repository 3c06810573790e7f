//! The port for schemas: what the rows of a group must be.
//!
//! The schemas of a group are numbered from 1, and none that was in force changes or goes away, so that a version
//! can say by which it was checked.

use crate::Result;
use crate::id::{GroupId, UserId};
use async_trait::async_trait;
use jiff::Timestamp;

/// A JSON Schema of a group's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// 1, 2, 3 ... in its group.
    pub version: u64,
    /// As it was given.
    pub text: String,
    pub set_at: Timestamp,
    pub user_id: UserId,
    /// Whether it is the last one, and was taken away: no schema is in force.
    pub is_removed: bool,
}

#[async_trait]
pub trait Schemas: Send + Sync {
    /// The last schema of a group. It is in force unless it is removed.
    async fn last_schema(&self, group: GroupId) -> Result<Option<Schema>>;

    /// A schema that is or was in force.
    async fn schema(&self, group: GroupId, version: u64) -> Result<Option<Schema>>;

    /// Puts a schema in force; `false` if the last is not the one before it any more. The same schema again is no
    /// error.
    async fn put_schema(&self, group: GroupId, schema: &Schema) -> Result<bool>;

    /// Takes the last schema away; `false` if it is not this version any more. A repeat is no error.
    async fn remove_schema(&self, group: GroupId, version: u64) -> Result<bool>;
}
