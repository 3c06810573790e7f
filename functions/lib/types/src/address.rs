//! Versions by their names.

use crate::id::DatasetId;
use crate::label::LabelName;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A version of a group, within the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionName {
    Number(u64),
    /// The one of the greatest number that is not deleted.
    Latest,
    /// The one that has this label.
    Labelled(LabelName),
}

pub(crate) const LATEST: &str = "latest";

impl FromStr for VersionName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        match text.parse() {
            _ if text == LATEST => Ok(Self::Latest),
            Ok(number) if is_number => Ok(Self::Number(number)),
            _ => text
                .parse()
                .map(Self::Labelled)
                .map_err(|_| "a version goes by its number from 1, is `latest`, or goes by a label"),
        }
    }
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Latest => f.write_str(LATEST),
            Self::Labelled(name) => name.fmt(f),
        }
    }
}

impl PartialSchema for VersionName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The number of a version in its group, a label, or `latest`."))
            .pattern(Some("^([1-9][0-9]{0,15}|[a-z][a-z0-9._-]{0,63})$"))
            .into()
    }
}

impl ToSchema for VersionName {}

/// What a version is compared with: a dataset, or `@` and the name of another version of its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Against {
    Dataset(DatasetId),
    Version(VersionName),
}

impl TryFrom<String> for Against {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.strip_prefix('@') {
            Some(name) => name.parse().map(Self::Version),
            None => text.parse().map(Self::Dataset),
        }
    }
}

impl From<Against> for String {
    fn from(against: Against) -> Self {
        match against {
            Against::Dataset(id) => id.to_string(),
            Against::Version(name) => format!("@{name}"),
        }
    }
}

impl PartialSchema for Against {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "The identifier of a dataset, or `@` and the number or a label of a version of the same group, or `@latest`.",
            ))
            .pattern(Some("^([1-9][0-9]{0,15}|@[1-9][0-9]{0,15}|@[a-z][a-z0-9._-]{0,63})$"))
            .into()
    }
}

impl ToSchema for Against {}
