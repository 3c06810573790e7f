//! The port for API keys.

use crate::Result;
use crate::api_key::{Grant, KeyHash};
use async_trait::async_trait;

#[async_trait]
pub trait ApiKeys: Send + Sync {
    async fn grant(&self, key: &KeyHash) -> Result<Option<Grant>>;

    /// Stores what a key lets in; the same key again replaces it.
    async fn allow(&self, key: &KeyHash, grant: &Grant) -> Result<()>;
}
