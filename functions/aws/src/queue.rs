//! The queue on SQS.

use crate::failure::unexpected;
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeName, SendMessageBatchRequestEntry};
use dataset_core::delivery::DeliveryKey;
use dataset_core::queue::Queue;
use dataset_core::{Error, Result};
use std::time::Duration;

/// As many as SQS takes in one call.
const BATCH: usize = 10;

/// An SQS queue; each message's body is a [`DeliveryKey`] in JSON.
#[derive(Clone)]
pub struct SqsQueue {
    pub(crate) client: Client,
    pub(crate) url: String,
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, deliveries: &[DeliveryKey], delay: Duration) -> Result<()> {
        // Rounded up: a message that comes early finds nothing to do.
        let delay_seconds = i32::try_from(delay.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
        for batch in deliveries.chunks(BATCH) {
            let mut call = self.client.send_message_batch().queue_url(&self.url);
            for (index, key) in batch.iter().enumerate() {
                let body =
                    serde_json::to_string(key).map_err(|e| Error::internal("a message has no JSON form").because(e))?;
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(body)
                    .delay_seconds(delay_seconds)
                    .build()
                    .map_err(crate::table::build_error)?;
                call = call.entries(entry);
            }
            let output = call.send().await.map_err(unexpected("the queue"))?;
            if let Some(failed) = output.failed.first() {
                return Err(Error::unavailable(format!("the queue refused a message: {}", failed.code)));
            }
        }
        Ok(())
    }
}

/// A message as it was received.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: String,
    /// Names this receipt of it, to delete it by.
    pub receipt: String,
    pub body: String,
    pub receive_count: String,
}

/// The consumer's side, for who runs the functions without AWS Lambda.
impl SqsQueue {
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits up to `wait` for messages, and gives at most ten.
    pub async fn receive(&self, wait: Duration) -> Result<Vec<Message>> {
        let output = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or(20))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .send()
            .await
            .map_err(unexpected("the queue"))?;
        let message = |message: aws_sdk_sqs::types::Message| {
            let mut attributes = message.attributes.unwrap_or_default();
            Some(Message {
                id: message.message_id?,
                receipt: message.receipt_handle?,
                body: message.body?,
                receive_count: attributes
                    .remove(&MessageSystemAttributeName::ApproximateReceiveCount)
                    .unwrap_or_else(|| "1".to_owned()),
            })
        };
        Ok(output.messages.unwrap_or_default().into_iter().filter_map(message).collect())
    }

    pub async fn delete(&self, receipt: &str) -> Result<()> {
        let delete = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt);
        delete.send().await.map_err(unexpected("the queue"))?;
        Ok(())
    }
}
