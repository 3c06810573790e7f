//! `dataset-webhooks`, run by AWS Lambda on the queue of deliveries.

use dataset_aws::{Aws, Settings, SystemResolver};
use dataset_webhooks::{Sender, handle};
use lambda_runtime::{Error, run, service_fn, tracing};
use std::sync::Arc;

// A function handles one invocation at a time, and more threads would slow its start.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let (settings, aws) = (Settings::from_env()?, Aws::from_env()?);
    let vault = Arc::new(aws.vault_from_env()?);
    let sender =
        Sender::new(aws.ports(&settings), vault, Settings::destinations_from_env()?, Arc::new(SystemResolver))?;
    run(service_fn(|event| handle(event, &sender))).await
}
