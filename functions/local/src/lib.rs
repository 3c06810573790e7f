//! The whole service in one process, and the commands of `datasets`.
//!
//! [`engines`] speak the protocols of DynamoDB, S3 and SQS within the process, with their state in a
//! directory. [`triggers`] stand in for what AWS does between them and the functions: they feed each function
//! the JSON that AWS would send, and try again as AWS would. The functions are the very ones that run in AWS.

pub mod cli;
pub mod client;
mod data_dir;
mod demo;
pub mod engines;
pub mod events;
mod files;
mod front;
mod hosts;
mod keys;
mod made;
mod memory;
mod output;
mod receiver;
mod serve;
mod service;
mod triggers;

pub use service::{Options, Service};

use dataset_aws::SystemResolver;
use dataset_core::destination::Policy;
use std::sync::Arc;

/// A client that may call private addresses and follows no redirect.
///
/// # Errors
/// If TLS can't be set up.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    dataset_webhooks::client(&Policy::private(), Arc::new(SystemResolver))
}
