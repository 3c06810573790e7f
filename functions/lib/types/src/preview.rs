//! What a file would be, before it is sent.

use crate::dataset::Failure;
use crate::dialect::Dialect;
use crate::id::GroupId;
use crate::limits::MAX_HEAD_BYTES;
use crate::notice::Notice;
use crate::rows::{ColumnType, Row};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

/// The start of a file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schema(as = PreviewFile)]
pub struct PreviewFile<'a> {
    #[serde(borrow)]
    #[schema(schema_with = crate::upload::file_name)]
    pub file_name: Cow<'a, str>,
    /// The group that the file would go to, for what that says of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_group_id: Option<GroupId>,
    /// As in an upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    #[serde(borrow)]
    #[schema(schema_with = head)]
    pub head_base64: &'a RawValue,
    /// Whether that is the whole file. Of a longer one, a row that is cut is left out.
    pub is_whole: bool,
}

fn head() -> Object {
    let mut schema = crate::upload::base64();
    schema.description = Some(format!("The first bytes of the file in base64, {MAX_HEAD_BYTES} at most."));
    schema
}

/// What the file would be, as far as it was given: either all that is known of its table, or a failure.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    pub success: bool,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_names: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<PreviewColumn>>,
    /// The first rows, 20 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<Row>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notices: Option<Vec<Notice>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreviewColumn {
    pub name: String,
    /// As far as the file was given; later rows can widen it.
    pub r#type: ColumnType,
}

#[cfg(test)]
#[test]
fn a_client_reads_what_is_told() {
    let told = r#"{"success":true,"message":"m","column_names":["a"],"rows":[[{"type":"dataset","value":1.50}]],"notices":[]}"#;
    let preview: Preview = serde_json::from_str(told).unwrap();
    assert_eq!(serde_json::to_string(&preview).unwrap(), told);
}
