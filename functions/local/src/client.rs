//! The commands that talk to a service over its API, on this machine or in AWS.

mod download;
mod login;
mod push;
mod read;
mod remote;
mod show;

pub(crate) use login::login;
pub(crate) use push::push;
pub(crate) use read::{diff, download, groups, list, rows};
pub use remote::Trouble;
pub(crate) use show::in_columns;
