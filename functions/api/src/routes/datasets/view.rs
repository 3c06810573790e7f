//! A dataset as clients see it.

use dataset_core::dataset::{self, Dataset, Failure, State, Status};
use dataset_core::group::Group;
use dataset_core::id::{DatasetId, GroupId, UserId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};

/// The original's fields, then ours.
#[derive(Serialize, ToSchema)]
#[schema(as = Dataset)]
pub(super) struct DatasetView {
    #[schema(value_type = u64, minimum = 1)]
    id: DatasetId,
    #[schema(value_type = u64, minimum = 1)]
    dataset_group_id: GroupId,
    /// 1, 2, 3 ... in its group; -1 for what is no version.
    #[schema(minimum = -1)]
    version_number: i64,
    /// Of a version.
    #[schema(required)]
    column_names: Option<Vec<String>>,
    is_deleted: bool,
    #[schema(value_type = u64, minimum = 1)]
    user_id: UserId,
    dataset_group: GroupView,
    #[schema(value_type = Vec<String>)]
    external_ids: [(); 0],
    #[schema(value_type = Option<Object>, required)]
    filter_params: Option<()>,
    #[schema(schema_with = status)]
    status: Status,
    file_name: String,
    /// In bytes.
    file_size: u64,
    /// Of a version.
    #[schema(required)]
    row_count: Option<u64>,
    #[schema(format = "date-time")]
    created_at: String,
    /// When it became a version or failed.
    #[schema(required, format = "date-time")]
    finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureView>,
}

/// Why the file did not become a version, and where in it. Readable for 30 days.
#[derive(Serialize, ToSchema)]
#[schema(as = Failure)]
struct FailureView {
    /// A stable word for programs.
    code: String,
    message: String,
    /// 1 is the first data row.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<u64>,
    /// A physical line of the file; 1 is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// By its name where it has one, else by its position from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = column, required = false)]
    column: Option<dataset::Column>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = DatasetGroup)]
struct GroupView {
    #[schema(value_type = u64, minimum = 1)]
    id: GroupId,
    name: String,
    #[schema(value_type = u64, minimum = 1)]
    workspace_id: WorkspaceId,
    is_deleted: bool,
}

fn column() -> Schema {
    let name = ObjectBuilder::new().schema_type(Type::String);
    let index = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let description = "By its name where it has one, else by its position from 1.";
    OneOfBuilder::new().item(name).item(index).description(Some(description)).into()
}

fn status() -> Schema {
    let names = [Status::Draft, Status::Ready, Status::Failed].map(|status| serde_json::json!(status));
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
}

impl DatasetView {
    pub(super) fn new(dataset: Dataset, group: &Group) -> Self {
        let (version_number, status) = (dataset.version_number(), dataset.state.status());
        let (finished_at, contents, failure) = match dataset.state {
            State::Draft { .. } => (None, None, None),
            State::Ready { finished_at, contents, .. } => (Some(finished_at), Some(contents), None),
            State::Failed { finished_at, failure } => (Some(finished_at), None, Some(failure)),
        };
        Self {
            id: dataset.id,
            dataset_group_id: dataset.group_id,
            version_number,
            row_count: contents.as_ref().map(|c| c.row_count),
            column_names: contents.map(|c| c.columns),
            is_deleted: dataset.is_deleted,
            user_id: dataset.user_id,
            dataset_group: GroupView {
                id: group.id,
                name: group.name.clone(),
                workspace_id: group.workspace_id,
                is_deleted: group.is_deleted,
            },
            external_ids: [],
            filter_params: None,
            status,
            file_name: dataset.file_name.as_str().to_owned(),
            file_size: dataset.file_size_bytes,
            created_at: dataset.created_at.to_string(),
            finished_at: finished_at.map(|at| at.to_string()),
            failure: failure.map(FailureView::new),
        }
    }
}

impl FailureView {
    fn new(Failure { code, message, row, line, column }: Failure) -> Self {
        Self { code, message, row, line, column }
    }
}
