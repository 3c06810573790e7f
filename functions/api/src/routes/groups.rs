//! Dataset groups.

use super::fresh::with_fresh_id;
use super::paging::{Paging, Query};
use crate::Api;
use crate::auth::Caller;
use crate::body::Json as JsonBody;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataset_core::Error;
use dataset_core::group::{Group, check_name};
use dataset_core::id::{DatasetId, GroupId, WorkspaceId};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Create {
    name: String,
    workspace_id: Option<WorkspaceId>,
}

#[derive(Serialize)]
pub(super) struct Created {
    success: bool,
    message: &'static str,
    dataset_group: Named,
    dataset: Placeholder,
    external_ids: [(); 0],
}

#[derive(Serialize)]
struct Named {
    id: GroupId,
    name: String,
}

/// The original makes a draft with each group and tells its id. Here a draft
/// comes with its file, so the id is free and never used.
#[derive(Serialize)]
struct Placeholder {
    id: DatasetId,
    version_number: i64,
}

pub(super) async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    JsonBody(create): JsonBody<Create>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    check_name(&create.name)?;
    if create.workspace_id.is_some_and(|id| id != caller.workspace_id) {
        let message = "workspace_id is not the workspace of this key; leave it out, or use a key of that workspace";
        return Err(Error::forbidden("access_denied", message).into());
    }
    let (catalog, name, workspace_id) = (&api.catalog, &create.name, caller.workspace_id);
    let create = |id, created_at| {
        async move {
            let group = Group { id, workspace_id, name: name.clone(), latest_version: 0, created_at };
            catalog.create_group(&group).await?;
            Ok(group)
        }
        .boxed()
    };
    let group = with_fresh_id(&api, create).await?;
    let placeholder = DatasetId::try_from(group.id.get()).map_err(Error::internal)?;
    let created = Created {
        success: true,
        message: "Dataset group created successfully",
        dataset: Placeholder { id: placeholder, version_number: -1 },
        dataset_group: Named { id: group.id, name: group.name },
        external_ids: [],
    };
    Ok((StatusCode::CREATED, Json(created)))
}

#[derive(Deserialize)]
pub(super) struct Listing {
    page: Option<u64>,
    per_page: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct Groups {
    success: bool,
    message: &'static str,
    dataset_groups: Vec<GroupView>,
    page: u64,
    per_page: u64,
    total: u64,
    pages: u64,
}

#[derive(Serialize)]
struct GroupView {
    id: GroupId,
    name: String,
    workspace_id: WorkspaceId,
    is_deleted: bool,
    latest_version_number: u64,
    created_at: String,
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Query(listing): Query<Listing>,
) -> Result<Json<Groups>, ApiError> {
    let paging = Paging::new(listing.page, listing.per_page)?;
    let groups = api.catalog.groups(caller.workspace_id).await?;
    let total = groups.len() as u64;
    let view = |group: Group| GroupView {
        id: group.id,
        name: group.name,
        workspace_id: group.workspace_id,
        is_deleted: false,
        latest_version_number: group.latest_version,
        created_at: group.created_at.to_string(),
    };
    Ok(Json(Groups {
        success: true,
        message: "Dataset groups retrieved successfully",
        dataset_groups: paging.cut(groups).into_iter().map(view).collect(),
        page: paging.page,
        per_page: paging.per_page,
        total,
        pages: paging.pages(total),
    }))
}
