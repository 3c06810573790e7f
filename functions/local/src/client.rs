//! The commands that talk to a service over its API, on this machine or in AWS.

mod download;
mod login;
mod manage;
mod push;
mod read;
mod remote;
mod show;

pub(crate) use download::download;
pub(crate) use login::login;
pub(crate) use manage::{delete, groups, restore};
pub(crate) use push::push;
pub(crate) use read::{diff, list, rows};
pub use remote::Trouble;
pub(crate) use show::in_columns;
