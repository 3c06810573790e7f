//! Datasets: drafts, versions and failures.

use crate::annotations::{Description, Metadata, Tag, Tags};
use crate::dialect::{Dialect, Suggestion};
use crate::id::{DatasetId, GroupId, UserId, WorkspaceId};
use crate::label::LabelName;
use crate::notice::Notice;
use crate::rows::RetypedColumn;
use crate::schema::Violation;
use crate::{FailureCode, PageNumber, PerPage, Time};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use strum::{EnumString, IntoStaticStr, VariantNames};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

/// The original's fields, then ours.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Dataset {
    pub id: DatasetId,
    pub dataset_group_id: GroupId,
    /// 1, 2, 3 ... in its group; -1 for what is no version.
    #[schema(minimum = -1)]
    pub version_number: i64,
    /// Of a version.
    #[schema(required)]
    pub column_names: Option<Vec<String>>,
    /// Whether a list has only the first of them, since its answer would be too long.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schema(required = false)]
    pub column_names_cut: bool,
    pub is_deleted: bool,
    pub user_id: UserId,
    pub dataset_group: GroupOfDataset,
    #[schema(value_type = Vec<String>)]
    pub external_ids: [(); 0],
    #[schema(value_type = Option<Object>, required)]
    pub filter_params: Option<()>,
    pub status: Status,
    pub file_name: String,
    /// In bytes.
    pub file_size: u64,
    /// Of a version.
    #[schema(required)]
    pub row_count: Option<u64>,
    pub created_at: Time,
    /// When it became a version or failed.
    #[schema(required)]
    pub finished_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Until when a draft waits for its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_due_at: Option<Time>,
    /// How the file of a version was read: sent again with this, it gives the same rows. Versions of the first
    /// releases do not know.
    #[serde(default)]
    #[schema(required)]
    pub dialect: Option<Dialect>,
    /// What was unusual in the file of a version.
    #[serde(default)]
    #[schema(required)]
    pub notices: Vec<Notice>,
    /// The schema of the group that the rows of a version fulfil; without one, none was in force.
    #[serde(default)]
    #[schema(required)]
    pub schema_version: Option<u64>,
    /// Of a version, by name.
    #[serde(default)]
    #[schema(required)]
    pub labels: Vec<LabelName>,
    #[serde(default)]
    #[schema(required)]
    pub description: Option<Description>,
    #[serde(default)]
    #[schema(required)]
    pub tags: Tags,
    #[serde(default)]
    #[schema(required)]
    pub metadata: Metadata,
    /// Of the file of a version, as it was uploaded. Versions of the first releases do not know.
    #[serde(default)]
    #[schema(required, pattern = "^[0-9a-f]{64}$")]
    pub file_sha256: Option<String>,
    /// Of the rows of a version as Parquet, which is what a download of it gives.
    #[serde(default)]
    #[schema(required, pattern = "^[0-9a-f]{64}$")]
    pub rows_sha256: Option<String>,
    /// How a version differs in shape from the one before. A list has none, nor has the first version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub drift: Option<Drift>,
}

/// What is not the same in two versions, one after the other, by the names of their columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Drift {
    pub columns_added: Vec<String>,
    pub columns_removed: Vec<String>,
    pub columns_retyped: Vec<RetypedColumn>,
    /// Columns whose share of empty cells moved by more than 0.05.
    pub empty_shares: Vec<EmptyShare>,
}

/// A column's part of cells that are null or a text of no characters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EmptyShare {
    pub name: String,
    /// From 0 to 1.
    pub before: f64,
    /// From 0 to 1.
    pub after: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// What a dataset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    Draft,
    Ready,
    Failed,
}

/// Why the file did not become a version, and where in it. Readable for 30 days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// A stable word for programs.
    pub code: String,
    pub message: String,
    /// 1 is the first data row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// A physical line of the file; 1 is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<Column>,
    /// Dialects in which the file can be read; each was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub suggestions: Vec<Suggestion>,
    /// The schema of the group, where the rows do not fulfil it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<u64>,
    /// How often the rows do not fulfil the schema of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation_count: Option<u64>,
    /// The first of these places; a list has none of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub violations: Vec<Violation>,
}

impl Failure {
    /// A failure that no place in the file is to blame for.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        let code = code.name().to_owned();
        Self {
            code,
            message: message.into(),
            row: None,
            line: None,
            column: None,
            suggestions: vec![],
            schema_version: None,
            violation_count: None,
            violations: vec![],
        }
    }
}

/// A column by its name where it has one, else by its position from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    Index(u64),
    Name(String),
}

impl PartialSchema for Column {
    fn schema() -> RefOr<Schema> {
        let name = ObjectBuilder::new().schema_type(Type::String);
        let index = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        let description = "By its name where it has one, else by its position from 1.";
        OneOfBuilder::new().item(name).item(index).description(Some(description)).into()
    }
}

/// Columns of a version have that name in the description.
impl ToSchema for Column {
    fn name() -> Cow<'static, str> {
        "ColumnOfFailure".into()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = DatasetGroup)]
pub struct GroupOfDataset {
    pub id: GroupId,
    pub name: String,
    pub workspace_id: WorkspaceId,
    pub is_deleted: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OneDataset {
    pub success: bool,
    pub message: String,
    pub dataset: Dataset,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeleteDataset {
    /// Only if that is what it still is, else 409: a draft that is taken back may be a version by now.
    #[param(inline)]
    pub status: Option<Status>,
    /// Take away the labels of the version with it, which else is 409.
    #[serde(default)]
    #[param(inline, required = false)]
    pub unlabel: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListDatasets {
    /// Datasets of this group alone.
    pub dataset_group_id: Option<GroupId>,
    /// Datasets whose group has this in its name, in any case.
    pub name: Option<String>,
    /// Without it: versions that are not deleted, and drafts.
    #[param(inline)]
    pub status: Option<StatusFilter>,
    /// Datasets that have this tag. Each is read for that: a list by it is newest first, and goes on by `up_to_id`.
    pub tag: Option<Tag>,
    /// Datasets whose metadata has all that is in this JSON object, such as `{"stage":"gold"}`; as with `tag`.
    #[param(value_type = Option<String>)]
    pub metadata: Option<MetadataQuery>,
    /// Datasets up to this identifier: the pages of a list stay as they are while others write.
    pub up_to_id: Option<DatasetId>,
    #[serde(default)]
    #[param(inline, required = false)]
    pub sort_by: SortBy,
    #[serde(default)]
    #[param(inline, required = false)]
    pub sort_order: SortOrder,
    /// Counts from 1.
    #[serde(default)]
    #[param(inline, required = false)]
    pub page: PageNumber,
    #[serde(default)]
    #[param(inline, required = false)]
    pub per_page: PerPage,
}

/// Metadata as the text of a parameter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MetadataQuery(pub Metadata);

impl TryFrom<String> for MetadataQuery {
    type Error = String;

    fn try_from(json: String) -> Result<Self, String> {
        json.parse().map(Self)
    }
}

impl From<MetadataQuery> for String {
    fn from(MetadataQuery(metadata): MetadataQuery) -> Self {
        serde_json::to_string(&metadata).unwrap_or_default()
    }
}

/// By what became of a dataset, or by whether it has been deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, VariantNames, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum StatusFilter {
    Draft,
    Ready,
    Failed,
    Active,
    Deleted,
    All,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    #[default]
    CreatedAt,
    FinishedAt,
    VersionNumber,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SortOrder {
    Asc,
    #[default]
    Desc,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Datasets {
    pub success: bool,
    pub message: String,
    pub datasets: Vec<Dataset>,
    pub page: u64,
    pub per_page: u64,
    /// How many there are; where `total_is_capped`, among those that were looked at: the newest 10,000, or with `tag`
    /// or `metadata` those of this page.
    pub total: u64,
    pub pages: u64,
    #[serde(default)]
    pub total_is_capped: bool,
    /// Where there are more, or may be: the dataset behind this page, with which as `up_to_id` the list goes on; in
    /// another order than newest first, the newest that was not looked at.
    #[serde(default)]
    #[schema(required)]
    pub next_up_to_id: Option<DatasetId>,
}
