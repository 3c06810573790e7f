//! Engines that stand in for DynamoDB, S3 and SQS, within this process.
//!
//! They speak AWS's protocols, so the adapters for AWS call them. [`Ports`] serves them to other processes.

mod dynamodb;
mod ports;
mod s3;
mod sqs;

pub use ports::Ports;
pub(crate) use s3::expire;
pub use s3::{Notify, Stored, Ticket};

use dataset_aws::{Aws, Credentials, Services};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The engines' files and credentials.
pub struct EngineOptions {
    /// An SQLite file.
    pub database: PathBuf,
    /// A directory that exists.
    pub objects: PathBuf,
    /// The credentials that sign requests to storage, and presigned URLs.
    pub credentials: Credentials,
    /// Told of each object that is stored.
    pub notify: Arc<dyn Notify>,
}

/// Running engines.
pub struct Engines {
    pub credentials: Credentials,
    /// The table and the queue without a check of signatures.
    pub services: Services,
}

impl Engines {
    /// # Errors
    /// If the state can't be read.
    pub fn open(options: EngineOptions) -> anyhow::Result<Self> {
        let services = Services {
            dynamodb: dynamodb::open(&options.database)?,
            s3: s3::open(&options.objects, &options.credentials, options.notify)?,
            sqs: sqs::open(),
        };
        Ok(Self { credentials: options.credentials, services })
    }

    /// The SDK's access to the engines. Presigned URLs begin with `public_url`.
    pub fn aws(&self, public_url: &str) -> Aws {
        Aws::in_process(self.services.clone(), &self.credentials, public_url)
    }
}

/// The table alone. Several processes may open it.
pub(crate) fn open_table(database: &Path) -> anyhow::Result<Aws> {
    let dynamodb = dynamodb::open(database)?;
    let services = Services { s3: dynamodb.clone(), sqs: dynamodb.clone(), dynamodb };
    let unused = Credentials { access_key: "none".to_owned(), secret_key: "none".to_owned() };
    Ok(Aws::in_process(services, &unused, "http://none"))
}
