//! Dataset groups.

use super::fresh::with_fresh_id;
use super::paging::{Paging, Path, Query};
use crate::Api;
use crate::auth::Caller;
use crate::body::Json as JsonBody;
use crate::error::{ApiError, ErrorResponse};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataset_core::Error;
use dataset_core::group::{Group, check_name};
use dataset_core::id::{DatasetId, GroupId, WorkspaceId};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, ToSchema)]
#[serde(expecting = "a JSON object")]
pub(super) struct CreateGroup {
    /// No other group of the workspace has it.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
    )]
    name: String,
    /// The workspace of the key, if it is given at all.
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 9007199254740991u64)]
    workspace_id: Option<WorkspaceId>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct GroupCreated {
    success: bool,
    message: &'static str,
    dataset_group: NamedGroup,
    dataset: Placeholder,
    #[schema(value_type = Vec<String>)]
    external_ids: [(); 0],
}

#[derive(Serialize, ToSchema)]
struct NamedGroup {
    #[schema(value_type = u64, minimum = 1)]
    id: GroupId,
    name: String,
}

/// The original makes a draft with each group and tells its id. Here a draft
/// comes with its file, so the id is free and never used.
#[derive(Serialize, ToSchema)]
struct Placeholder {
    #[schema(value_type = u64, minimum = 1)]
    id: DatasetId,
    #[schema(minimum = -1, maximum = -1)]
    version_number: i64,
}

/// Create a dataset group
///
/// A group is the series that versions are numbered in.
#[utoipa::path(
    post,
    path = "/api/public/v2/dataset-groups",
    operation_id = "createDatasetGroup",
    tag = "dataset groups",
    request_body = CreateGroup,
    responses(
        (status = 201, description = "Dataset group created successfully", body = GroupCreated),
        (status = 400, description = "The name breaks a rule, or another group of the workspace has it", body = ErrorResponse),
        (status = 403, description = "The key is of another workspace", body = ErrorResponse),
    ),
)]
pub(super) async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    JsonBody(create): JsonBody<CreateGroup>,
) -> Result<(StatusCode, Json<GroupCreated>), ApiError> {
    check_name(&create.name)?;
    if create.workspace_id.is_some_and(|id| id != caller.workspace_id) {
        let message = "workspace_id is not the workspace of this key; leave it out, or use a key of that workspace";
        return Err(Error::forbidden("access_denied", message).into());
    }
    let (catalog, name, workspace_id) = (&api.ports.catalog, &create.name, caller.workspace_id);
    let create = |id, created_at| {
        async move {
            let group =
                Group { id, workspace_id, name: name.clone(), latest_version: 0, created_at, is_deleted: false };
            catalog.create_group(&group).await?;
            Ok(group)
        }
        .boxed()
    };
    let group = with_fresh_id(&api, create).await?;
    let placeholder = DatasetId::try_from(group.id.get()).map_err(Error::internal)?;
    let created = GroupCreated {
        success: true,
        message: "Dataset group created successfully",
        dataset: Placeholder { id: placeholder, version_number: -1 },
        dataset_group: NamedGroup { id: group.id, name: group.name },
        external_ids: [],
    };
    Ok((StatusCode::CREATED, Json(created)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// Groups that have this in their name, in any case.
    name: Option<String>,
    /// Groups up to this identifier: the pages of a list stay as they are while others write.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 9007199254740991u64)]
    up_to_id: Option<GroupId>,
    /// Counts from 1.
    #[param(minimum = 1, maximum = 9007199254740991u64, default = 1)]
    page: Option<u64>,
    #[param(minimum = 1, maximum = 100, default = 10)]
    per_page: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Groups {
    success: bool,
    message: &'static str,
    dataset_groups: Vec<ListedGroup>,
    page: u64,
    per_page: u64,
    total: u64,
    pages: u64,
}

#[derive(Serialize, ToSchema)]
struct ListedGroup {
    #[schema(value_type = u64, minimum = 1)]
    id: GroupId,
    name: String,
    #[schema(value_type = u64, minimum = 1)]
    workspace_id: WorkspaceId,
    is_deleted: bool,
    /// 0 before the first version.
    latest_version_number: u64,
    #[schema(format = "date-time")]
    created_at: String,
}

impl From<Group> for ListedGroup {
    fn from(group: Group) -> Self {
        Self {
            id: group.id,
            name: group.name,
            workspace_id: group.workspace_id,
            is_deleted: group.is_deleted,
            latest_version_number: group.latest_version,
            created_at: group.created_at.to_string(),
        }
    }
}

/// List dataset groups
///
/// The groups of the workspace, by name.
#[utoipa::path(
    get,
    path = "/api/public/v2/dataset-groups",
    operation_id = "listDatasetGroups",
    tag = "dataset groups",
    params(Listing),
    responses((status = 200, description = "A page of groups; one beyond the end is empty", body = Groups)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Query(listing): Query<Listing>,
) -> Result<Json<Groups>, ApiError> {
    let paging = Paging::new(listing.page, listing.per_page)?;
    let mut groups = api.ports.catalog.group_names(caller.workspace_id).await?;
    let name = listing.name.map(|name| name.to_lowercase());
    groups.retain(|group| {
        name.as_ref().is_none_or(|name| group.name.to_lowercase().contains(name))
            && listing.up_to_id.is_none_or(|last| group.id <= last)
    });
    let total = groups.len() as u64;
    let page: Vec<GroupId> = paging.cut(groups).into_iter().map(|group| group.id).collect();
    let groups = api.ports.catalog.groups(&page).await?;
    Ok(Json(Groups {
        success: true,
        message: "Dataset groups retrieved successfully",
        dataset_groups: groups.into_iter().map(ListedGroup::from).collect(),
        page: paging.page,
        per_page: paging.per_page,
        total,
        pages: paging.pages(total),
    }))
}

#[derive(Serialize, ToSchema)]
pub(super) struct OneGroup {
    success: bool,
    message: &'static str,
    dataset_group: ListedGroup,
}

/// Get a dataset group
#[utoipa::path(
    get,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}",
    operation_id = "getDatasetGroup",
    tag = "dataset groups",
    params(("dataset_group_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    responses(
        (status = 200, description = "The group", body = OneGroup),
        (status = 403, description = "The dataset group belongs to another workspace", body = ErrorResponse),
        (status = 404, description = "There is no such dataset group", body = ErrorResponse),
    ),
)]
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
) -> Result<Json<OneGroup>, ApiError> {
    let id: GroupId = id.parse().map_err(|_| ApiError::group_not_found())?;
    let group = caller.group(&api, id).await?;
    Ok(Json(OneGroup { success: true, message: "Dataset group retrieved successfully", dataset_group: group.into() }))
}

#[derive(Serialize, ToSchema)]
pub(super) struct GroupDeleted {
    success: bool,
    message: &'static str,
    dataset_group: NamedGroup,
}

/// Delete a dataset group
///
/// Puts a group away with all its versions, and frees its name.
#[utoipa::path(
    delete,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}",
    operation_id = "deleteDatasetGroup",
    tag = "dataset groups",
    params(("dataset_group_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    responses(
        (status = 200, description = "The group is deleted", body = GroupDeleted),
        (status = 403, description = "The dataset group belongs to another workspace", body = ErrorResponse),
        (status = 404, description = "There is no such dataset group", body = ErrorResponse),
    ),
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
) -> Result<Json<GroupDeleted>, ApiError> {
    let id = id.parse().map_err(|_| ApiError::group_not_found())?;
    let group = caller.group(&api, id).await?;
    api.ports.catalog.delete_group(&group).await?;
    Ok(Json(GroupDeleted {
        success: true,
        message: "Dataset group deleted successfully",
        dataset_group: NamedGroup { id: group.id, name: group.name },
    }))
}
