//! `dataset-api`, run by AWS Lambda behind API Gateway.

use dataset_api::{Api, SCAN_TIME, cors, gateway, router};
use dataset_aws::{Aws, Settings, SystemResolver};
use lambda_http::{Error, run, service_fn, tracing};
use std::sync::Arc;
use tower::{Layer, ServiceExt};

// A function handles one invocation at a time, and more threads would slow its start.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let settings = Settings::from_env()?;
    let aws = Aws::from_env()?;
    let api = Api {
        api_keys: Arc::new(aws.table(&settings.table)),
        ports: aws.ports(&settings),
        vault: Arc::new(aws.vault_from_env()?),
        resolver: Arc::new(SystemResolver),
        destinations: Settings::destinations_from_env()?,
        scan_time: SCAN_TIME,
        call_limit: Settings::call_limit_from_env()?,
    };
    let service = cors(Settings::allowed_origins_from_env()?).layer(router(Arc::new(api)));
    run(service_fn(|event| service.clone().oneshot(gateway::request(event)))).await
}
