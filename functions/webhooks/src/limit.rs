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
pub(crate) struct Places(Mutex<HashMap<WebhookId, Arc<Semaphore>>>);

/// A place, until it is dropped.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// `None` if there is none within a moment.
    pub(crate) async fn take(&self, receiver: WebhookId) -> Option<Place> {
        let places = self.of(receiver);
        let permit = tokio::time::timeout(MAX_WAIT, places.acquire_owned()).await.ok()?.ok()?;
        Some(Place { _permit: permit })
    }

    fn of(&self, receiver: WebhookId) -> Arc<Semaphore> {
        let mut receivers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = receivers.get(&receiver) {
            return Arc::clone(places);
        }
        // Those whom no one is calling need not be remembered.
        receivers.retain(|_, places| Arc::strong_count(places) > 1);
        Arc::clone(receivers.entry(receiver).or_insert_with(|| Arc::new(Semaphore::new(MAX_AT_ONCE))))
    }
}
