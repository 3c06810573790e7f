//! Dataset groups.

use super::idempotency::{CallKey, Making, once};
use super::paging::{LOOKED_AT, Paging, Query};
use crate::Api;
use crate::auth::{Caller, Owned};
use crate::body::{Json as JsonBody, NoBody};
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataset_core::group::{Group, MAX_NAME_BYTES, check_name};
use dataset_core::id::GroupId;
use dataset_core::{Error, ErrorCode};
use dataset_types::ErrorResponse;
use dataset_types::dialect::Dialect;
use dataset_types::group::{
    self as api, ChangeGroup, CreateGroup, GroupCreated, GroupDeleted, Groups, ListGroups, NamedGroup, OneGroup,
    Placeholder,
};
use dataset_types::upload::IdempotencyKeyHeader;
use futures::FutureExt;
use std::sync::Arc;

/// Create a dataset group
///
/// A group is the series that versions are numbered in.
#[utoipa::path(
    post,
    path = "/api/public/v2/dataset-groups",
    operation_id = "createDatasetGroup",
    params(IdempotencyKeyHeader),
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
    key: CallKey,
    JsonBody(create): JsonBody<CreateGroup>,
) -> Result<(StatusCode, Json<GroupCreated>), ApiError> {
    check_name(&create.name)?;
    if create.workspace_id.is_some_and(|id| id != caller.workspace_id) {
        let message = "workspace_id is not the workspace of this key; leave it out, or use a key of that workspace";
        return Err(Error::refused(ErrorCode::AccessDenied, message).into());
    }
    let (catalog, name, workspace_id) = (&api.ports.catalog, &create.name, caller.workspace_id);
    let make = |making: Making| {
        async move {
            let group = Group {
                id: making.id.try_into().map_err(Error::internal)?,
                workspace_id,
                name: name.clone(),
                latest_version: 0,
                deleted_versions: Some(0),
                created_at: making.at,
                dialect: Dialect::default(),
                is_deleted: false,
            };
            let before = if making.is_resumed { catalog.group(group.id).await? } else { None };
            if before.is_none_or(|before| before.workspace_id != workspace_id || before.name != *name) {
                catalog.create_group(&group).await?;
            }
            Ok(GroupCreated {
                success: true,
                message: "Dataset group created successfully".into(),
                dataset: Placeholder { id: making.id.try_into().map_err(Error::internal)?, version_number: -1 },
                dataset_group: NamedGroup { id: group.id, name: group.name },
                external_ids: [],
            })
        }
        .boxed()
    };
    let created = once(&api, &caller, key, &("createDatasetGroup", &create.name), make).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

fn view(group: Group) -> api::Group {
    api::Group {
        id: group.id,
        name: group.name,
        workspace_id: group.workspace_id,
        is_deleted: group.is_deleted,
        latest_version_number: group.latest_version,
        created_at: group.created_at.into(),
        dialect: group.dialect,
        schema_version: None,
    }
}

/// List dataset groups
///
/// The groups of the workspace, by name.
#[utoipa::path(
    get,
    path = "/api/public/v2/dataset-groups",
    operation_id = "listDatasetGroups",
    params(ListGroups),
    responses((status = 200, description = "A page of groups; one beyond the end is empty", body = Groups)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Query(wanted): Query<ListGroups>,
) -> Result<Json<Groups>, ApiError> {
    let (catalog, paging) = (&api.ports.catalog, Paging::new(wanted.page, wanted.per_page));
    let is_whole = wanted.name.is_none() && wanted.up_to_id.is_none() && wanted.after.is_none();
    let counted = match is_whole {
        true => catalog.totals(caller.workspace_id).await?.map(|totals| totals.groups),
        false => None,
    };
    if let Some(after) = wanted.after.as_ref().filter(|after| after.len() > MAX_NAME_BYTES) {
        let message =
            format!("after has {} bytes; the name of a dataset group has {MAX_NAME_BYTES} at most", after.len());
        return Err(ApiError::new(ErrorCode::InvalidParameter, message));
    }
    let all = LOOKED_AT.max(paging.end().unwrap_or_default());
    let limit = counted.and_then(|_| paging.end()).unwrap_or(all);
    let mut groups = catalog.group_names(caller.workspace_id, wanted.after.as_deref(), limit + 1).await?;
    let is_more = groups.len() > limit;
    groups.truncate(limit);
    let last = groups.last().filter(|_| is_more).map(|group| group.name.clone());
    let name = wanted.name.map(|name| name.to_lowercase());
    groups.retain(|group| {
        name.as_ref().is_none_or(|name| group.name.to_lowercase().contains(name))
            && wanted.up_to_id.is_none_or(|last| group.id <= last)
    });
    let found = groups.len() as u64;
    if let Some(next) = last.as_ref().filter(|_| paging.offset() >= found && found > 0) {
        let message = format!(
            "the page is beyond the first {LOOKED_AT} dataset groups, which are what a list looks at; go on with the name of the last as after: '{next}'"
        );
        return Err(ApiError::new(ErrorCode::PageTooFar, message));
    }
    let total = if is_more { counted.unwrap_or(found).max(found) } else { found };
    let is_page_full = paging.end().is_some_and(|end| groups.len() > end);
    let behind = paging.end().filter(|_| is_page_full).and_then(|end| groups.get(end - 1));
    let next_after = behind.map(|group| group.name.clone()).or(last);
    let page: Vec<GroupId> = paging.cut(groups).into_iter().map(|group| group.id).collect();
    let groups = api.ports.catalog.groups(&page).await?;
    Ok(Json(Groups {
        success: true,
        message: "Dataset groups retrieved successfully".into(),
        dataset_groups: groups.into_iter().map(view).collect(),
        page: wanted.page.get(),
        per_page: wanted.per_page.get(),
        total,
        pages: paging.pages(total),
        total_is_capped: is_more && counted.is_none(),
        next_after,
    }))
}

/// Get a dataset group
#[utoipa::path(
    get,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}",
    operation_id = "getDatasetGroup",
    responses((status = 200, description = "The group", body = OneGroup)),
)]
pub(super) async fn read(State(api): State<Arc<Api>>, Owned(group): Owned<Group>) -> Result<Json<OneGroup>, ApiError> {
    one(&api, group, "Dataset group retrieved successfully").await
}

async fn one(api: &Api, group: Group, message: &str) -> Result<Json<OneGroup>, ApiError> {
    let schema = api.ports.schemas.last_schema(group.id).await?.filter(|schema| !schema.is_removed);
    let schema_version = schema.map(|schema| schema.version);
    let dataset_group = api::Group { schema_version, ..view(group) };
    Ok(Json(OneGroup { success: true, message: message.into(), dataset_group }))
}

/// Change a dataset group
///
/// What is not given stays.
#[utoipa::path(
    patch,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}",
    operation_id = "changeDatasetGroup",
    request_body = ChangeGroup,
    responses((status = 200, description = "The group as it is now", body = OneGroup)),
)]
pub(super) async fn update(
    State(api): State<Arc<Api>>,
    Owned(mut group): Owned<Group>,
    JsonBody(wanted): JsonBody<ChangeGroup>,
) -> Result<Json<OneGroup>, ApiError> {
    if let Some(dialect) = wanted.dialect {
        if !api.ports.catalog.set_dialect(group.id, &dialect).await? {
            return Err(ApiError::group_not_found(&group.id));
        }
        group.dialect = dialect;
    }
    one(&api, group, "Dataset group updated successfully").await
}

/// Delete a dataset group
///
/// Puts a group away with all its versions, and frees its name.
#[utoipa::path(
    delete,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}",
    operation_id = "deleteDatasetGroup",
    responses((status = 200, description = "The group is deleted", body = GroupDeleted)),
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Owned(group): Owned<Group>,
    _: NoBody,
) -> Result<Json<GroupDeleted>, ApiError> {
    api.ports.catalog.delete_group(&group).await?;
    let message = "Dataset group deleted successfully".into();
    let dataset_group = NamedGroup { id: group.id, name: group.name };
    Ok(Json(GroupDeleted { success: true, message, dataset_group }))
}
