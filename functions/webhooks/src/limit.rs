//! How much of the function one receiver can take up.

use dataset_core::id::WebhookId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Attempts at one receiver at a time, in one process.
const MAX_AT_ONCE: usize = 32;

/// How long an attempt waits for its place before it is put off.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// Places at each receiver.
#[derive(Default)]
pub(crate) struct ConcurrencyLimits(Mutex<HashMap<WebhookId, Arc<Semaphore>>>);

/// A place, until it is dropped.
pub(crate) struct Permit {
    _permit: OwnedSemaphorePermit,
}

impl ConcurrencyLimits {
    /// `None` if there is none within a moment.
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
        // Those whom no one is calling need not be remembered.
        webhooks.retain(|_, limits| Arc::strong_count(limits) > 1);
        Arc::clone(webhooks.entry(webhook).or_insert_with(|| Arc::new(Semaphore::new(MAX_AT_ONCE))))
    }
}
