//! `dataset-sweeper`, run by AWS Lambda every minute and when the processor
//! has given up.

use dataset_aws::{Aws, Settings};
use dataset_core::clock::SystemClock;
use dataset_core::ids::SystemIds;
use dataset_core::lifecycle::Lifecycle;
use dataset_sweeper::handle;
use lambda_runtime::{Error, run, service_fn, tracing};
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let aws = Aws::from_env().await;
    let table = Arc::new(aws.table(&settings.table));
    let lifecycle = Lifecycle {
        catalog: table.clone(),
        receivers: table,
        blobs: Arc::new(aws.bucket(&settings.bucket)),
        queue: Arc::new(aws.queue(&settings.queue_url)),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
    };
    run(service_fn(|event| handle(event, &lifecycle))).await
}
