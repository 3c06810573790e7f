//! The event source mapping from the queue to the webhooks function.

use crate::events;
use dataset_aws::{Message, SqsQueue};
use dataset_core::clock::Clock;
use dataset_webhooks::Sender;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The template's timeout of the function.
const TIMEOUT: Duration = Duration::from_secs(60);

/// As long as SQS itself would wait for messages.
const WAIT: Duration = Duration::from_secs(20);

/// Batches that are being delivered, so that a slow receiver holds up few.
const AT_ONCE: usize = 64;

/// Feeds the function until the task is dropped.
pub(crate) async fn poll(queue: SqsQueue, webhooks: Arc<Sender>, clock: Arc<dyn Clock>) {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        while running.try_join_next().is_some() {}
        let messages = match queue.receive(WAIT).await {
            Ok(messages) if messages.is_empty() => continue,
            Ok(messages) => messages,
            Err(error) => {
                tracing::warn!(error = error.chain(), "the queue could not be read");
                clock.sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let (queue, webhooks, now) = (queue.clone(), Arc::clone(&webhooks), clock.now());
        running.spawn(async move {
            invoke(&queue, &messages, &webhooks, now).await;
            drop(slot);
        });
    }
}

/// Deletes what was taken; the rest comes again when its time is up.
async fn invoke(queue: &SqsQueue, messages: &[Message], webhooks: &Sender, now: Timestamp) {
    let request_id = messages.first().map_or("", |message| message.id.as_str());
    let invocation = events::invocation(events::sqs(messages), request_id, now, TIMEOUT);
    let failures = match dataset_webhooks::handle(invocation, webhooks).await {
        Ok(response) => response.batch_item_failures,
        Err(error) => {
            tracing::error!(%error, "a batch of messages failed");
            return;
        }
    };
    let is_left = |message: &Message| failures.iter().any(|failure| failure.item_identifier == message.id);
    let taken = messages.iter().filter(|message| !is_left(message));
    let taken: Vec<&str> = taken.map(|message| message.receipt.as_str()).collect();
    if let Err(error) = queue.delete(&taken).await {
        tracing::warn!(error = error.chain(), "messages could not be deleted; they come again");
    }
}
