//! The ports of the domain on DynamoDB, S3, SQS and KMS. The AWS SDK is named in this crate and nowhere else.

mod api_keys;
mod bucket;
mod catalog;
mod conflicts;
mod deliveries;
mod dns;
mod failure;
mod idempotency;
mod in_process;
mod item;
mod labels;
mod layout;
mod lazily;
mod queue;
mod schema;
mod schemas;
mod settings;
mod table;
mod vault;
mod webhooks;

pub use bucket::Bucket;
pub use dns::SystemResolver;
pub use failure::STORAGE_FULL;
pub use in_process::{Body, InProcess};
pub use layout::upload_of;
pub use queue::{Message, SqsQueue};
pub use settings::{Aws, Credentials, Endpoints, Services, Settings};
pub use table::Table;
pub use vault::SecretVault;
