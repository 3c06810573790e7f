//! `dataset-processor`, run by AWS Lambda on the bucket's events.

use dataset_aws::{Aws, Settings};
use dataset_core::clock::SystemClock;
use dataset_core::ids::SystemIds;
use dataset_core::lifecycle::Lifecycle;
use dataset_formats::Limits;
use dataset_processor::{Processor, handle};
use lambda_runtime::{Error, run, service_fn, tracing};
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let aws = Aws::from_env().await;
    let table = Arc::new(aws.table(&settings.table));
    let processor = Processor {
        lifecycle: Lifecycle {
            catalog: table.clone(),
            receivers: table,
            blobs: Arc::new(aws.bucket(&settings.bucket)),
            queue: Arc::new(aws.queue(&settings.queue_url)),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
        },
        limits: Arc::new(Limits::default()),
    };
    run(service_fn(|event| handle(event, &processor))).await
}
