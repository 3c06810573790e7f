//! The Lambda on the queue: deliveries that are due go to their receivers.
//!
//! A message only says which delivery to look at. The delivery itself knows whether it is due, so a message
//! may come twice or late. An attempt is taken, made, and recorded; if the process dies in between, the
//! delivery is due again when the time of the attempt has run out, under the same id.

mod attempt;
mod client;
mod deliver;
mod limit;
mod sign;

pub use attempt::{Answer, Transport};
pub use client::client;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use dataset_core::Ports;
use dataset_core::delivery::DeliveryKey;
use dataset_core::destination::Policy;
use dataset_core::resolver::Resolver;
use dataset_core::secret::Vault;
use dataset_core::{Error, Result};
use futures::future::join_all;
use lambda_runtime::LambdaEvent;
use limit::ConcurrencyLimits;
use serde_json::Value;
use std::sync::Arc;

/// The state of the function.
pub struct Sender {
    ports: Ports,
    vault: Arc<dyn Vault>,
    destinations: Policy,
    transport: Arc<dyn Transport>,
    limits: ConcurrencyLimits,
}

impl Sender {
    /// # Errors
    /// If TLS can't be set up.
    pub fn new(
        ports: Ports,
        vault: Arc<dyn Vault>,
        destinations: Policy,
        resolver: Arc<dyn Resolver>,
    ) -> reqwest::Result<Self> {
        let transport = Arc::new(client(&destinations, resolver)?);
        Ok(Self::with_transport(ports, vault, destinations, transport))
    }

    /// With another transport than HTTP.
    pub fn with_transport(
        ports: Ports,
        vault: Arc<dyn Vault>,
        destinations: Policy,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self { ports, vault, transport, destinations, limits: ConcurrencyLimits::default() }
    }
}

/// Handles a batch of messages, and returns those to retry.
///
/// # Errors
/// If the event is no SQS event.
pub async fn handle(event: LambdaEvent<Value>, sender: &Sender) -> Result<SqsBatchResponse, lambda_runtime::Error> {
    let event: SqsEvent = serde_json::from_value(event.payload)?;
    let messages = event.records.into_iter().map(|message| async move {
        let id = message.message_id.unwrap_or_default();
        match take(sender, message.body.as_deref().unwrap_or_default()).await {
            Ok(()) => None,
            Err(error) => {
                tracing::error!(message_id = id, error = error.chain(), "message will be tried again");
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = id;
                Some(failure)
            }
        }
    });
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = join_all(messages).await.into_iter().flatten().collect();
    Ok(response)
}

async fn take(sender: &Sender, body: &str) -> Result<()> {
    let key: DeliveryKey =
        serde_json::from_str(body).map_err(|e| Error::internal("the message names no delivery").because(e))?;
    deliver::deliver(sender, &key).await
}

#[cfg(test)]
mod tests;
