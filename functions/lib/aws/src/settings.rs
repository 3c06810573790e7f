//! Configuration from the environment, and the clients made of it.

use crate::conflicts::Conflicts;
use crate::in_process::{self, InProcess};
use crate::lazily::Lazily;
use crate::{Bucket, SecretVault, SqsQueue, Table};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Credentials as SdkCredentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use dataset_core::api_keys::WINDOW;
use dataset_core::clock::SystemClock;
use dataset_core::destination::Policy;
use dataset_core::ids::SystemIds;
use dataset_core::{Error, Ports, Result};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

/// The table, the bucket and the queue, from `TABLE_NAME`, `BUCKET_NAME` and `QUEUE_URL`.
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
    pub const ALLOW_PRIVATE_WEBHOOKS: &str = "ALLOW_PRIVATE_WEBHOOKS";
    pub const WEBHOOK_PORTS: &str = "WEBHOOK_PORTS";
    pub const CALLS_PER_SECOND: &str = "CALLS_PER_SECOND";
    pub const ALLOWED_ORIGINS: &str = "ALLOWED_ORIGINS";

    /// # Errors
    /// Names the variable that is missing.
    pub fn from_env() -> Result<Self> {
        Ok(Self {
            table: variable(Self::TABLE)?,
            bucket: variable(Self::BUCKET)?,
            queue_url: variable(Self::QUEUE_URL)?,
        })
    }

    /// Where webhooks may be sent. `ALLOW_PRIVATE_WEBHOOKS` is `true` or `false`, and `WEBHOOK_PORTS` are
    /// listed as `8443,9443`; anything else is refused, so that a slip does not open a door.
    ///
    /// # Errors
    /// Names the variable that is wrong.
    pub fn destinations_from_env() -> Result<Policy> {
        let allow_private = match std::env::var(Self::ALLOW_PRIVATE_WEBHOOKS).as_deref() {
            Err(_) | Ok("" | "false") => false,
            Ok("true") => true,
            Ok(_) => return Err(wrong(Self::ALLOW_PRIVATE_WEBHOOKS, "true or false")),
        };
        let ports = std::env::var(Self::WEBHOOK_PORTS).unwrap_or_default();
        let ports = ports.split(',').map(str::trim).filter(|port| !port.is_empty()).map(str::parse);
        let ports = ports.collect::<std::result::Result<_, _>>();
        let ports = ports.map_err(|_| wrong(Self::WEBHOOK_PORTS, "like 8443,9443"))?;
        Ok(Policy { allow_private, ports })
    }

    /// The origins whose pages may call, listed as `https://app.example.com,http://localhost:3000`.
    ///
    /// # Errors
    /// If one has a character that no header can have.
    pub fn allowed_origins_from_env() -> Result<Vec<HeaderValue>> {
        let origins = std::env::var(Self::ALLOWED_ORIGINS).unwrap_or_default();
        let origins = origins.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(HeaderValue::from_str);
        origins
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| wrong(Self::ALLOWED_ORIGINS, "like https://app.example.com"))
    }

    /// How many calls a key may make in a [`WINDOW`], from how many it may make
    /// a second over it. Without one, or with 0, there is no limit.
    ///
    /// # Errors
    /// If the variable is no number.
    pub fn call_limit_from_env() -> Result<Option<NonZero<u32>>> {
        let Ok(text) = std::env::var(Self::CALLS_PER_SECOND) else {
            return Ok(None);
        };
        let calls: u32 = text.parse().map_err(|_| wrong(Self::CALLS_PER_SECOND, "a whole number"))?;
        Ok(NonZero::new(calls.saturating_mul(WINDOW.as_secs() as u32)))
    }
}

fn wrong(variable: &str, right: &str) -> Error {
    Error::internal(format!("{variable} must be {right}"))
}

/// The URLs of engines that stand in for AWS.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoints {
    pub dynamodb: String,
    pub s3: String,
    pub sqs: String,
    /// Where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms: Option<String>,
}

/// The credentials for local engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub access_key: String,
    pub secret_key: String,
}

/// Engines within this process.
#[derive(Clone)]
pub struct Services {
    pub dynamodb: InProcess,
    pub s3: InProcess,
    pub sqs: InProcess,
}

/// How AWS, or engines that speak its protocols, are reached.
#[derive(Clone)]
pub struct Aws {
    dynamodb: SdkConfig,
    s3: SdkConfig,
    sqs: SdkConfig,
    kms: SdkConfig,
    /// Local engines have no host name for each bucket.
    path_style: bool,
}

impl Aws {
    /// From `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, as AWS Lambda
    /// sets them, and `AWS_ENDPOINT_URL_S3` and its like, or `AWS_ENDPOINT_URL` for all, where there are
    /// engines of one's own. Nothing else is looked at, and only the roots that AWS's certificates lead to
    /// are loaded: a function should be ready in a few milliseconds.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn from_env() -> Result<Self> {
        let (key, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
        let token = std::env::var("AWS_SESSION_TOKEN").ok();
        let roots = TrustStore::empty().with_pem_certificate(ROOTS);
        let config = config(
            Region::new(variable("AWS_REGION")?),
            SdkCredentials::new(key, secret, token, None, "environment"),
            TlsContext::builder().with_trust_store(roots).build(),
        )?;
        let endpoint = |service: &str| {
            let of_service = std::env::var(format!("AWS_ENDPOINT_URL_{service}"));
            of_service.or_else(|_| std::env::var("AWS_ENDPOINT_URL")).ok()
        };
        let at = |service: &str, timeouts: TimeoutConfig| {
            let mut builder = config.to_builder().timeout_config(timeouts);
            builder.set_endpoint_url(endpoint(service));
            builder.build()
        };
        Ok(Self {
            dynamodb: at("DYNAMODB", timeouts(Duration::from_secs(2))),
            // Until an answer begins. Transfers that stall are ended by the SDK.
            s3: at("S3", timeouts(Duration::from_secs(5))),
            sqs: at("SQS", timeouts(Duration::from_secs(3))),
            kms: at("KMS", timeouts(Duration::from_secs(3))),
            path_style: endpoint("S3").is_some(),
        })
    }

    /// Region and credentials as every AWS tool finds them: the environment, then profiles.
    pub async fn from_profile() -> Self {
        let http_client = aws_smithy_http_client::Builder::new().tls_provider(PROVIDER).build_https();
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client).load().await;
        Self { dynamodb: config.clone(), s3: config.clone(), sqs: config.clone(), kms: config, path_style: false }
    }

    /// Local engines, at their URLs.
    ///
    /// # Errors
    /// If TLS can't be set up.
    pub fn at(endpoints: &Endpoints, credentials: &Credentials) -> Result<Self> {
        let config =
            config(REGION, credentials.for_sdk(), TlsContext::builder().with_trust_store(TrustStore::empty()).build())?;
        let at = |url: &str| config.to_builder().endpoint_url(url).build();
        let (dynamodb, s3, sqs) = (at(&endpoints.dynamodb), at(&endpoints.s3), at(&endpoints.sqs));
        let kms = endpoints.kms.as_deref().map_or_else(|| config.clone(), at);
        Ok(Self { dynamodb, s3, sqs, kms, path_style: true })
    }

    /// Engines within this process. Signed URLs of storage begin with `public_url`.
    pub fn in_process(services: Services, credentials: &Credentials, public_url: &str) -> Self {
        let of = |service: InProcess, url: &str| {
            let client = in_process::http_client(service);
            sdk_config(REGION, credentials.for_sdk(), client).into_builder().endpoint_url(url).build()
        };
        let sqs = of(services.sqs, "http://sqs");
        Self {
            dynamodb: of(services.dynamodb, "http://dynamodb"),
            s3: of(services.s3, public_url),
            kms: sqs.clone(),
            sqs,
            path_style: true,
        }
    }

    pub fn table(&self, name: &str) -> Table {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.dynamodb).retry_classifier(Conflicts);
        Table { client: aws_sdk_dynamodb::Client::from_conf(config.build()), name: name.to_owned() }
    }

    pub fn bucket(&self, name: &str) -> Bucket {
        let config = aws_sdk_s3::config::Builder::from(&self.s3).force_path_style(self.path_style);
        Bucket { client: Lazily::new(move || aws_sdk_s3::Client::from_conf(config.build())), name: name.to_owned() }
    }

    /// The domain's ports, with the system's clock and randomness.
    pub fn ports(&self, settings: &Settings) -> Ports {
        let table = Arc::new(self.table(&settings.table));
        Ports {
            catalog: table.clone(),
            schemas: table.clone(),
            labels: table.clone(),
            idempotency: table.clone(),
            webhooks: table.clone(),
            deliveries: table,
            blobs: Arc::new(self.bucket(&settings.bucket)),
            queue: Arc::new(self.queue(&settings.queue_url)),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
        }
    }

    /// The key in the file that `SECRETS_KEY_FILE` names, else the one of KMS that `SECRETS_KEY_ID` does.
    ///
    /// # Errors
    /// If neither is there, or the file holds no key.
    pub fn vault_from_env(&self) -> Result<SecretVault> {
        if let Ok(path) = std::env::var(SecretVault::KEY_FILE) {
            return SecretVault::on_file(path.as_ref(), Arc::new(SystemIds));
        }
        Ok(self.vault(&variable(SecretVault::KEY_ID)?))
    }

    /// Under a key of KMS, by its id or ARN.
    pub fn vault(&self, key_id: &str) -> SecretVault {
        let config = self.kms.clone();
        let client = Lazily::new(move || aws_sdk_kms::Client::new(&config));
        SecretVault::on_kms(client, key_id.to_owned(), Arc::new(SystemIds))
    }

    pub fn queue(&self, url: &str) -> SqsQueue {
        let config = self.sqs.clone();
        SqsQueue { client: Lazily::new(move || aws_sdk_sqs::Client::new(&config)), url: url.to_owned() }
    }
}

/// Timeouts of a call, so that one that hangs does not take the invocation with it. The SDK makes three
/// attempts, with short waits between them.
pub(crate) fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(attempt).operation_timeout(attempt * 4).build()
}

/// The roots of AWS's certificates, those of its regions in China included, as Mozilla's list has them.
const ROOTS: &str = include_str!("roots.pem");

const PROVIDER: tls::Provider = tls::Provider::Rustls(CryptoMode::Ring);

fn config<E>(region: Region, credentials: SdkCredentials, tls: std::result::Result<TlsContext, E>) -> Result<SdkConfig>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let tls = tls.map_err(|e| Error::internal("TLS could not be set up").because(e))?;
    let http_client = aws_smithy_http_client::Builder::new().tls_provider(PROVIDER).tls_context(tls).build_https();
    Ok(sdk_config(region, credentials, http_client))
}

fn sdk_config(region: Region, credentials: SdkCredentials, http_client: SharedHttpClient) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client)
        .build()
}

impl Credentials {
    fn for_sdk(&self) -> SdkCredentials {
        SdkCredentials::new(&self.access_key, &self.secret_key, None, None, "engines")
    }
}

/// The region of local engines.
const REGION: Region = Region::from_static("us-east-1");

fn variable(name: &str) -> Result<String> {
    std::env::var(name).map_err(|e| Error::internal(format!("{name} is missing from the environment")).because(e))
}
