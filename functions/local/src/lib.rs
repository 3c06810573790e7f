//! The whole service in one process, and the commands of `datasets`.
//!
//! [`engines`] speak the protocols of DynamoDB, S3 and SQS within the process, with their state in a
//! directory. [`triggers`] stand in for what AWS does between them and the functions: they feed each function
//! the JSON that AWS would send, and try again as AWS would. The functions are the very ones that run in AWS.
//!
//! Without the feature `service` there is neither: what is left calls a service, and checks and converts files.

pub mod cli;
pub mod client;
#[cfg(feature = "service")]
mod data_dir;
#[cfg(feature = "service")]
mod demo;
#[cfg(feature = "service")]
pub mod engines;
#[cfg(feature = "service")]
pub mod events;
mod files;
#[cfg(feature = "service")]
mod front;
#[cfg(feature = "service")]
mod hosts;
mod input;
#[cfg(feature = "service")]
mod keys;
mod made;
#[cfg(feature = "service")]
mod memory;
mod output;
mod receiver;
mod relay;
#[cfg(feature = "service")]
mod serve;
#[cfg(feature = "service")]
mod service;
mod signals;
#[cfg(feature = "service")]
mod triggers;
mod unread;

#[cfg(feature = "service")]
pub use service::{Options, Service};

/// A client that may call private addresses and follows no redirect.
///
/// # Errors
/// If TLS can't be set up.
#[cfg(feature = "service")]
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    use dataset_aws::SystemResolver;
    use dataset_core::destination::Policy;
    dataset_webhooks::client(&Policy::private(), std::sync::Arc::new(SystemResolver))
}
