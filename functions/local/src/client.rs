//! The commands that talk to a service over its API, on this machine or in AWS.

mod choice;
mod download;
mod labels;
mod listen;
mod login;
mod manage;
mod mcp;
mod push;
mod read;
mod remote;
mod schemas;
mod show;
mod webhooks;

pub(crate) use download::download;
pub(crate) use labels::labels;
pub(crate) use listen::listen;
pub(crate) use login::login;
pub(crate) use manage::{annotate, delete, groups, restore};
pub(crate) use mcp::mcp;
pub(crate) use push::push;
pub(crate) use read::{diff, list, rows, show};
pub use remote::Trouble;
pub(crate) use remote::{address, backoff, http_client};
pub(crate) use schemas::schema_of;
#[cfg(feature = "service")]
pub(crate) use show::in_columns;
pub(crate) use show::{noticed, trouble};
pub(crate) use webhooks::webhooks;
