//! `dataset-webhooks`, run by AWS Lambda on the queue of deliveries.

use dataset_aws::{Aws, Settings};
use dataset_core::clock::SystemClock;
use dataset_core::destination::Policy;
use dataset_core::ids::SystemIds;
use dataset_webhooks::{Webhooks, client, handle};
use lambda_runtime::{Error, run, service_fn, tracing};
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let destinations = Policy::from_env()?;
    let aws = Aws::from_env().await;
    let webhooks = Webhooks {
        receivers: Arc::new(aws.table(&settings.table)),
        queue: Arc::new(aws.queue(&settings.queue_url)),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        destinations,
        client: client(destinations)?,
    };
    run(service_fn(|event| handle(event, &webhooks))).await
}
