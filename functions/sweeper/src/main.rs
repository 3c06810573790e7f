//! `dataset-sweeper`, run by AWS Lambda every minute and when the processor has given up.

use dataset_aws::{Aws, Settings};
use dataset_sweeper::handle;
use lambda_runtime::{Error, run, service_fn, tracing};

// A function handles one invocation at a time, and more threads would slow its start.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let ports = Aws::from_env()?.ports(&settings);
    run(service_fn(|event| handle(event, &ports))).await
}
