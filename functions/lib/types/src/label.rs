//! Labels: names that a group gives to its versions, and moves.

use crate::Time;
use crate::id::{DatasetId, GroupId, UserId, Whole};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

const MAX_CHARS: usize = 64;

/// Moves that are kept of a label.
pub const MAX_MOVES: usize = 20;

/// A lower-case word, such as `prod`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabelName(String);

impl LabelName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LabelName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_of_label = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-');
        let is_name = text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(is_of_label);
        if is_name && text.len() <= MAX_CHARS && text != crate::address::LATEST {
            return Ok(Self(text.to_owned()));
        }
        Err("a label has 1 to 64 of a-z, 0-9, '.', '_' and '-', begins with a letter, and is not `latest`")
    }
}

impl TryFrom<String> for LabelName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LabelName> for String {
    fn from(name: LabelName) -> Self {
        name.0
    }
}

impl fmt::Display for LabelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialSchema for LabelName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A lower-case word, such as `prod`; not `latest`."))
            .pattern(Some("^(?!latest$)[a-z][a-z0-9._-]{0,63}$"))
            .into()
    }
}

impl ToSchema for LabelName {}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct MoveLabel {
    /// The number of the version that gets it.
    #[schema(value_type = u64, minimum = 1)]
    pub version: Whole,
    /// Only if it is at the version of this number, or if this is null at none; else 409. Without it, wherever it is.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<u64>, required = false)]
    pub expected: Option<Option<Whole>>,
}

/// Null is not the same as nothing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Whole>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Label {
    pub name: LabelName,
    pub dataset_id: DatasetId,
    pub version_number: u64,
    /// Where it has been, newest first, which is where it is; 20 at most.
    pub moves: Vec<LabelMove>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabelMove {
    pub version_number: u64,
    pub at: Time,
    pub user_id: UserId,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OneLabel {
    pub success: bool,
    pub message: String,
    pub dataset_group_id: GroupId,
    pub label: Label,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Labels {
    pub success: bool,
    pub message: String,
    pub dataset_group_id: GroupId,
    pub labels: Vec<Label>,
}
