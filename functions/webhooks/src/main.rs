//! `dataset-webhooks`, run by AWS Lambda on the queue of deliveries.

use dataset_aws::{Aws, Settings};
use dataset_core::destination::Policy;
use dataset_webhooks::{Webhooks, client, handle};
use lambda_runtime::{Error, run, service_fn, tracing};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let destinations = Policy::from_env()?;
    let lifecycle = Aws::from_env()?.lifecycle(&settings);
    let webhooks = Webhooks {
        receivers: lifecycle.receivers,
        queue: lifecycle.queue,
        clock: lifecycle.clock,
        ids: lifecycle.ids,
        destinations,
        client: client(destinations)?,
    };
    run(service_fn(|event| handle(event, &webhooks))).await
}
