//! What the rows of a group must be.

use crate::dataset::Column;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
