//! Where the table, the bucket and the queue are, and the clients to them.

use crate::{Bucket, SqsQueue, Table};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use dataset_core::clock::SystemClock;
use dataset_core::ids::SystemIds;
use dataset_core::lifecycle::Lifecycle;
use dataset_core::{Error, Result};
use std::sync::Arc;

/// The names of what the functions work on, from `TABLE_NAME`, `BUCKET_NAME`
/// and `QUEUE_URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub table: String,
    pub bucket: String,
    pub queue_url: String,
}

impl Settings {
    pub const TABLE: &str = "TABLE_NAME";
    pub const BUCKET: &str = "BUCKET_NAME";
    pub const QUEUE_URL: &str = "QUEUE_URL";

    /// # Errors
    /// Names the variable that is missing.
    pub fn from_env() -> Result<Self> {
        let get = |name: &str| {
            std::env::var(name).map_err(|e| {
                Error::internal(format!("set {name} in the environment; the template does so in AWS")).because(e)
            })
        };
        Ok(Self { table: get(Self::TABLE)?, bucket: get(Self::BUCKET)?, queue_url: get(Self::QUEUE_URL)? })
    }
}

/// Engines that are not AWS's own, each at its URL.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub dynamodb: String,
    pub s3: String,
    pub sqs: String,
}

/// A way to AWS, or to engines that speak its protocols.
#[derive(Clone)]
pub struct Aws {
    dynamodb: SdkConfig,
    s3: SdkConfig,
    sqs: SdkConfig,
    /// Engines have no name server to make a host of a bucket.
    path_style: bool,
}

impl Aws {
    /// As every AWS tool finds its region, credentials and endpoints: the
    /// environment first.
    pub async fn from_env() -> Self {
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).load().await;
        let path_style = std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        Self { dynamodb: config.clone(), s3: config.clone(), sqs: config, path_style }
    }

    /// Engines of one's own, with credentials that mean nothing elsewhere.
    pub fn at(endpoints: &Endpoints, access_key: &str, secret_key: &str) -> Self {
        let credentials = Credentials::new(access_key, secret_key, None, None, "dataset-versions");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client())
            .build();
        let at = |url: &str| config.clone().into_builder().endpoint_url(url).build();
        Self { dynamodb: at(&endpoints.dynamodb), s3: at(&endpoints.s3), sqs: at(&endpoints.sqs), path_style: true }
    }

    pub fn table(&self, name: &str) -> Table {
        Table { client: aws_sdk_dynamodb::Client::new(&self.dynamodb), name: name.to_owned() }
    }

    pub fn bucket(&self, name: &str) -> Bucket {
        let config = aws_sdk_s3::config::Builder::from(&self.s3).force_path_style(self.path_style).build();
        Bucket { client: aws_sdk_s3::Client::from_conf(config), name: name.to_owned() }
    }

    /// The steps of an upload's life on all of them, with the machine's own
    /// clock and randomness.
    pub fn lifecycle(&self, settings: &Settings) -> Lifecycle {
        let table = Arc::new(self.table(&settings.table));
        Lifecycle {
            catalog: table.clone(),
            receivers: table,
            blobs: Arc::new(self.bucket(&settings.bucket)),
            queue: Arc::new(self.queue(&settings.queue_url)),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
        }
    }

    pub fn queue(&self, url: &str) -> SqsQueue {
        SqsQueue { client: aws_sdk_sqs::Client::new(&self.sqs), url: url.to_owned() }
    }
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https()
}
