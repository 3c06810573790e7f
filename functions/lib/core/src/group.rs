//! A dataset group: the series that versions are numbered in.

use crate::id::{GroupId, WorkspaceId};
use crate::{Error, ErrorCode, Result};
use dataset_types::dialect::Dialect;
use dataset_types::limits::MAX_GROUP_NAME_CHARS;
use jiff::Timestamp;

/// A name is part of a DynamoDB key, whose length is limited.
pub const MAX_NAME_BYTES: usize = 1_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub id: GroupId,
    pub workspace_id: WorkspaceId,
    pub name: String,
    /// The number of the last published version; 0 before the first.
    pub latest_version: u64,
    /// `None` for a group of an early release, which did not count them.
    pub deleted_versions: Option<u64>,
    pub created_at: Timestamp,
    /// How its files are written, unless an upload says otherwise.
    pub dialect: Dialect,
    /// Put away with all its versions; its name is free again.
    pub is_deleted: bool,
}

impl Group {
    /// How many versions it has, without those that are deleted.
    pub fn versions(&self) -> Option<u64> {
        Some(self.latest_version.saturating_sub(self.deleted_versions?))
    }
}

/// Accepts a name of 1 to [`MAX_GROUP_NAME_CHARS`] characters that a person can read.
pub fn check_name(name: &str) -> Result<()> {
    let problem = if name.trim().is_empty() {
        "name is empty; give the group a name"
    } else if name.chars().count() > MAX_GROUP_NAME_CHARS {
        "name is longer than 255 characters; shorten it"
    } else if name.len() > MAX_NAME_BYTES {
        "name has more than 1,000 bytes in UTF-8; shorten it"
    } else if name.chars().any(char::is_control) {
        "name has a control character; remove it"
    } else {
        return Ok(());
    };
    Err(Error::refused(ErrorCode::InvalidName, problem))
}

/// The error of every adapter when the name is taken.
pub fn name_taken(name: &str) -> Error {
    Error::refused(
        ErrorCode::NameTaken,
        format!("a dataset group named '{name}' already exists in this workspace; choose another name"),
    )
}
