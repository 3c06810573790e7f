//! What the rows of a group must be.

use crate::Time;
use crate::dataset::Column;
use crate::id::{DatasetId, GroupId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

/// The largest JSON Schema, in bytes.
pub const MAX_SCHEMA_BYTES: usize = 64 << 10;

/// How many violations of a file are told with their place.
pub const MAX_VIOLATIONS: usize = 100;

/// A value of a file that does not fulfil the schema of its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Violation {
    /// 1 is the first data row. Without it, the header is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// A physical line of the file, on which the value or the row begins; 1 is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<Column>,
    /// The keyword of the schema that is not fulfilled.
    pub keyword: String,
    /// What was expected. The value itself is not repeated.
    pub message: String,
    /// Where in the schema the keyword stands, as a JSON Pointer.
    pub schema_path: String,
}

/// The JSON Schema (2020-12) that each row of a group's files must fulfil.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GroupSchema {
    pub success: bool,
    pub message: String,
    pub dataset_group_id: GroupId,
    /// 1, 2, 3 ... in its group.
    pub schema_version: u64,
    /// Whether files are checked by it.
    pub is_in_force: bool,
    pub set_at: Time,
    pub user_id: UserId,
    /// As it was given.
    #[schema(value_type = Object)]
    pub schema: Box<RawValue>,
}

/// A JSON Schema that the rows of a version fulfil. It is not in force: look at it, change it, and put it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProposedSchema {
    pub success: bool,
    pub message: String,
    pub dataset_id: DatasetId,
    #[schema(value_type = Object)]
    pub schema: Box<RawValue>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ProposeSchema {
    /// The version that it is made of.
    pub from: DatasetId,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WhichSchema {
    /// One that was in force; without it, the one that is.
    pub version: Option<u64>,
}
