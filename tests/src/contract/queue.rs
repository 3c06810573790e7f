use crate::{webhook_id, workspace};
use dataset_core::delivery::DeliveryKey;
use dataset_core::id::DeliveryId;
use dataset_core::queue::Queue;
use std::time::Duration;

/// `receive` returns the messages that become available within about a second.
pub async fn queue(queue: &dyn Queue, receive: impl AsyncFn() -> Vec<DeliveryKey>) {
    let key = |n| DeliveryKey {
        workspace_id: workspace(1),
        webhook_id: webhook_id(2),
        delivery_id: DeliveryId::at(n, webhook_id(2)),
    };
    queue.send(&[], Duration::ZERO).await.unwrap();
    // More messages than one call to SQS takes.
    let sent: Vec<DeliveryKey> = (1..=23).map(key).collect();
    queue.send(&sent, Duration::ZERO).await.unwrap();
    let mut received = Vec::new();
    while received.len() < sent.len() {
        let batch = receive().await;
        assert!(!batch.is_empty(), "{} of {} arrived", received.len(), sent.len());
        received.extend(batch);
    }
    received.sort_by_key(|key| key.delivery_id.as_str().len().to_string() + key.delivery_id.as_str());
    assert_eq!(received, sent);
}
