//! The port for webhooks.

use crate::id::{WebhookId, WorkspaceId};
use crate::webhook::Webhook;
use crate::{Error, Result};
use async_trait::async_trait;

/// Attempts when another function changes the webhook at the same time.
const MAX_TRIES: usize = 20;

#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Stores a webhook; `AlreadyExists` if its id is in use. An identical webhook
    /// is no error, since it is a retry of the same call.
    async fn register(&self, webhook: &Webhook) -> Result<()>;

    async fn webhook(&self, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>>;

    /// Every webhook of the workspace, by id, read consistently.
    async fn webhooks(&self, workspace: WorkspaceId) -> Result<Vec<Webhook>>;

    /// Stores `changed` if its revision is the stored one, and increments that.
    /// `false` if it is not, or if the webhook has been deleted.
    async fn replace(&self, changed: &Webhook) -> Result<bool>;

    /// `false` if there was none.
    async fn remove(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool>;
}

/// Changes a webhook, also while others do. `change` says whether there is anything
/// to store, and may be called again. `None` if there is no such webhook.
///
/// # Errors
/// `Unavailable` if too many others change it, or the port failed.
pub async fn change(
    webhooks: &dyn Webhooks,
    workspace: WorkspaceId,
    id: WebhookId,
    mut change: impl FnMut(&mut Webhook) -> bool,
) -> Result<Option<Webhook>> {
    for _ in 0..MAX_TRIES {
        let Some(mut webhook) = webhooks.webhook(workspace, id).await? else {
            return Ok(None);
        };
        if !change(&mut webhook) || webhooks.replace(&webhook).await? {
            return Ok(Some(webhook));
        }
    }
    Err(Error::unavailable(format!("webhook {id} is being changed by too many")))
}
