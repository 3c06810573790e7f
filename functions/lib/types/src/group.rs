//! Dataset groups: the series that versions are numbered in.

use crate::dialect::Dialect;
use crate::id::{DatasetId, GroupId, WorkspaceId};
use crate::limits::MAX_GROUP_NAME_CHARS;
use crate::{PageNumber, PerPage, Time};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(expecting = "a JSON object")]
pub struct CreateGroup {
    #[schema(schema_with = name)]
    pub name: String,
    /// The workspace of the key, if it is given at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<WorkspaceId>,
}

fn name() -> Object {
    let control = r"\u0000-\u001f\u007f-\u009f";
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("No other group of the workspace has it."))
        .min_length(Some(1))
        .max_length(Some(MAX_GROUP_NAME_CHARS))
        .pattern(Some(format!(r"^[^{control}]*[^\s{control}][^{control}]*$")))
        .build()
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GroupCreated {
    pub success: bool,
    pub message: String,
    pub dataset_group: NamedGroup,
    pub dataset: Placeholder,
    #[schema(value_type = Vec<String>)]
    pub external_ids: [(); 0],
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NamedGroup {
    pub id: GroupId,
    pub name: String,
}

/// The original makes a draft with each group and tells its id. Here a draft
/// comes with its file, so the id is free and never used.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Placeholder {
    pub id: DatasetId,
    #[schema(minimum = -1, maximum = -1)]
    pub version_number: i64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListGroups {
    /// Groups that have this in their name, in any case.
    pub name: Option<String>,
    /// Groups up to this identifier: the pages of a list stay as they are while others write.
    pub up_to_id: Option<GroupId>,
    /// Groups whose names come after this one.
    pub after: Option<String>,
    /// Counts from 1.
    #[serde(default)]
    #[param(inline, required = false)]
    pub page: PageNumber,
    #[serde(default)]
    #[param(inline, required = false)]
    pub per_page: PerPage,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Groups {
    pub success: bool,
    pub message: String,
    pub dataset_groups: Vec<Group>,
    pub page: u64,
    pub per_page: u64,
    /// How many there are; where `total_is_capped`, among the 10,000 that were looked at.
    pub total: u64,
    pub pages: u64,
    #[serde(default)]
    pub total_is_capped: bool,
    /// Where there are more: the name that ends this page, with which as `after` the list goes on.
    #[serde(default)]
    #[schema(required)]
    pub next_after: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ListedGroup)]
pub struct Group {
    pub id: GroupId,
    pub name: String,
    pub workspace_id: WorkspaceId,
    pub is_deleted: bool,
    /// 0 before the first version.
    pub latest_version_number: u64,
    pub created_at: Time,
    /// How the files of the group are written, unless an upload says otherwise.
    #[serde(default)]
    #[schema(required)]
    pub dialect: Dialect,
    /// The schema that is in force, if there is one; a list does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub schema_version: Option<u64>,
}

/// What is not given stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct ChangeGroup {
    /// Replaces all that is said; `{}` says nothing. Words of another format than a file's do not count for it.
    pub dialect: Option<Dialect>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OneGroup {
    pub success: bool,
    pub message: String,
    pub dataset_group: Group,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GroupDeleted {
    pub success: bool,
    pub message: String,
    pub dataset_group: NamedGroup,
}
