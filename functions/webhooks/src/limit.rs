//! Limits the concurrent attempts at one webhook.

use dataset_core::id::WebhookId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Concurrent attempts at one webhook, in one process.
const MAX_AT_ONCE: usize = 32;

/// How long an attempt waits for a permit before it is postponed.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// The semaphore of each webhook.
#[derive(Default)]
pub(crate) struct ConcurrencyLimits(Mutex<HashMap<WebhookId, Arc<Semaphore>>>);

/// A permit, until it is dropped.
pub(crate) struct Permit {
    _permit: OwnedSemaphorePermit,
}

impl ConcurrencyLimits {
    /// `None` if none is free within a moment.
    pub(crate) async fn acquire(&self, webhook: WebhookId) -> Option<Permit> {
        let limits = self.semaphore(webhook);
        let permit = tokio::time::timeout(MAX_WAIT, limits.acquire_owned()).await.ok()?.ok()?;
        Some(Permit { _permit: permit })
    }

    fn semaphore(&self, webhook: WebhookId) -> Arc<Semaphore> {
        let mut webhooks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limits) = webhooks.get(&webhook) {
            return Arc::clone(limits);
        }
        // Webhooks without attempts are forgotten.
        webhooks.retain(|_, limits| Arc::strong_count(limits) > 1);
        Arc::clone(webhooks.entry(webhook).or_insert_with(|| Arc::new(Semaphore::new(MAX_AT_ONCE))))
    }
}
