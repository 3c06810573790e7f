//! `dataset-processor`, run by AWS Lambda on the bucket's events.

use dataset_aws::{Aws, Settings};
use dataset_formats::Limits;
use dataset_processor::{Processor, handle};
use lambda_runtime::{Error, run, service_fn, tracing};
use std::sync::Arc;

// A function handles one invocation at a time, and more threads would slow its start.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let ports = Aws::from_env()?.ports(&settings);
    let processor = Processor { ports, limits: Arc::new(Limits::on_all_processors()) };
    run(service_fn(|event| handle(event, &processor))).await
}
