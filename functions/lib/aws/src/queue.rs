//! The queue on SQS.

use crate::failure::unexpected;
use crate::lazily::Lazily;
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName, SendMessageBatchRequestEntry};
use dataset_core::delivery::DeliveryKey;
use dataset_core::queue::{MAX_MESSAGES, Queue};
use dataset_core::{Error, Result};
use futures::{StreamExt, TryStreamExt, stream};
use std::time::Duration;

const BATCHES_AT_ONCE: usize = 8;

/// An SQS queue; each message's body is a [`DeliveryKey`] in JSON.
#[derive(Clone)]
pub struct SqsQueue {
    pub(crate) client: Lazily<Client>,
    pub(crate) url: String,
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, deliveries: &[DeliveryKey], delay: Duration) -> Result<()> {
        // Rounded up, since a message that arrives early finds nothing to do.
        let delay_seconds = i32::try_from(delay.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
        let batches: Vec<_> =
            deliveries.chunks(MAX_MESSAGES).map(|batch| self.send_batch(batch, delay_seconds)).collect();
        stream::iter(batches).buffer_unordered(BATCHES_AT_ONCE).try_collect().await
    }
}

impl SqsQueue {
    async fn send_batch(&self, batch: &[DeliveryKey], delay_seconds: i32) -> Result<()> {
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
        match output.failed.first() {
            Some(failed) => Err(Error::unavailable(format!("the queue refused a message: {}", failed.code))),
            None => Ok(()),
        }
    }
}

/// A message as it was received.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: String,
    /// The receipt handle, for deleting the message.
    pub receipt: String,
    pub body: String,
    pub receive_count: String,
}

/// The consumer's side, for running the functions without AWS Lambda.
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

    /// Deletes at most ten messages. A message that could not be deleted comes again.
    pub async fn delete(&self, receipts: &[&str]) -> Result<()> {
        let mut call = self.client.delete_message_batch().queue_url(&self.url);
        for (index, receipt) in receipts.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(*receipt);
            call = call.entries(entry.build().map_err(crate::table::build_error)?);
        }
        if !receipts.is_empty() {
            call.send().await.map_err(unexpected("the queue"))?;
        }
        Ok(())
    }
}
