//! What the rows of a group must be.

use super::kept::kept;
use super::paging::Query;
use super::stored::{self, Scan};
use crate::Api;
use crate::auth::{Caller, Owned};
use crate::body::{NoBody, Text};
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use dataset_core::group::Group;
use dataset_core::id::GroupId;
use dataset_core::schemas::Schema;
use dataset_core::{Error, ErrorCode, Result};
use dataset_formats::RowSchema;
use dataset_types::ErrorResponse;
use dataset_types::schema::{GroupSchema, ProposeSchema, ProposedSchema, WhichSchema};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Attempts when others put schemas at the same time.
const MAX_TRIES: usize = 5;

/// Get the schema of a dataset group
#[utoipa::path(
    get,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}/schema",
    operation_id = "getDatasetGroupSchema",
    params(WhichSchema),
    responses(
        (status = 200, description = "The schema that is in force, or the one asked for", body = GroupSchema),
        (status = 404, description = "No such group, or it has no such schema", body = ErrorResponse),
    ),
)]
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    Owned(group): Owned<Group>,
    Query(WhichSchema { version }): Query<WhichSchema>,
) -> Result<Json<GroupSchema>, ApiError> {
    let last = api.ports.schemas.last_schema(group.id).await?.ok_or_else(ApiError::schema_not_found)?;
    let in_force = Some(last.version).filter(|_| !last.is_removed);
    let schema = match version.filter(|version| *version != last.version) {
        None if version.is_none() && last.is_removed => None,
        None => Some(last),
        Some(version) => api.ports.schemas.schema(group.id, version).await?,
    };
    let schema = schema.ok_or_else(ApiError::schema_not_found)?;
    let is_in_force = in_force == Some(schema.version);
    answer(&group, schema, is_in_force, "Schema retrieved successfully")
}

/// Put a schema in force
///
/// The body is a JSON Schema (2020-12) of one row, of 64 KB at most. Every file whose parsing begins from now on must
/// fulfil it row by row, or it fails as `schema_violation`. Versions that are there stay. Only references within the
/// schema, and to the metaschemas, are followed; `format` is checked; patterns have no look-around and no
/// back-references.
#[utoipa::path(
    put,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}/schema",
    operation_id = "putDatasetGroupSchema",
    request_body(content = Object, description = "The schema itself"),
    responses(
        (status = 200, description = "The schema, which has the next version unless it was in force already", body = GroupSchema),
        (status = 400, description = "It is no JSON Schema of a row; the message says where", body = ErrorResponse),
        (status = 409, description = "Others put schemas at the same time", body = ErrorResponse),
    ),
)]
pub(super) async fn put(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Owned(group): Owned<Group>,
    Text(text): Text,
) -> Result<Json<GroupSchema>, ApiError> {
    let checked = tokio::task::spawn_blocking(move || RowSchema::parse(&text).map(|_| text)).await;
    let text = checked
        .map_err(|error| Error::internal("the schema could not be compiled").because(error))?
        .map_err(|error| ApiError::new(ErrorCode::InvalidSchema, error.to_string()))?;
    for _ in 0..MAX_TRIES {
        let last = api.ports.schemas.last_schema(group.id).await?;
        if let Some(last) = last.clone().filter(|last| !last.is_removed && is_same(&last.text, &text)) {
            return answer(&group, last, true, "Schema is in force already");
        }
        let schema = Schema {
            version: last.map_or(0, |last| last.version) + 1,
            text: text.clone(),
            set_at: api.ports.clock.now(),
            user_id: caller.user_id,
            is_removed: false,
        };
        if api.ports.schemas.put_schema(group.id, &schema).await? {
            return answer(&group, schema, true, "Schema put in force successfully");
        }
    }
    Err(changed())
}

/// Take the schema away
///
/// Files are not checked by a schema from now on. It can still be read by its version.
#[utoipa::path(
    delete,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}/schema",
    operation_id = "deleteDatasetGroupSchema",
    responses(
        (status = 200, description = "The schema, which is not in force any more", body = GroupSchema),
        (status = 404, description = "No such group, or no schema is in force", body = ErrorResponse),
        (status = 409, description = "Another schema was put at the same time", body = ErrorResponse),
    ),
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Owned(group): Owned<Group>,
    _: NoBody,
) -> Result<Json<GroupSchema>, ApiError> {
    let last = api.ports.schemas.last_schema(group.id).await?.filter(|last| !last.is_removed);
    let last = last.ok_or_else(ApiError::schema_not_found)?;
    if !api.ports.schemas.remove_schema(group.id, last.version).await? {
        return Err(changed());
    }
    answer(&group, last, false, "Schema taken away successfully")
}

/// Propose a schema
///
/// Infers one from a version, whose rows fulfil it: types, what is required, lists of few values, lengths and formats.
/// All rows are gone through. Nothing is put in force.
#[utoipa::path(
    get,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}/schema/proposed",
    operation_id = "proposeDatasetGroupSchema",
    params(ProposeSchema),
    responses(
        (status = 200, description = "A schema", body = ProposedSchema),
        (status = 409, description = "The dataset is a draft, failed or is deleted", body = ErrorResponse),
    ),
)]
pub(super) async fn propose(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Owned(group): Owned<Group>,
    Query(ProposeSchema { from }): Query<ProposeSchema>,
) -> Result<Response, ApiError> {
    let version = caller.version(&api, from).await?;
    if version.0.group_id != group.id {
        let message = format!("dataset {from} is a version of another group; name one of dataset group {}", group.id);
        return Err(ApiError::new(ErrorCode::DatasetNotFound, message));
    }
    let answer = async {
        let scan = Scan::new(&api);
        let table = scan.open(&api, &version).await?;
        let text = scan.run(async move { table.proposed_schema().await.map_err(stored::unreadable) }).await?;
        let schema = RawValue::from_string(text);
        Ok(ProposedSchema {
            success: true,
            message: "Schema proposed successfully".into(),
            dataset_id: from,
            schema: schema.map_err(|e| Error::internal("a proposed schema is not JSON").because(e))?,
        })
    };
    kept(&api, &("schema", from), answer).await
}

/// The schema that files of a group are checked by, if there is one.
pub(super) async fn in_force(api: &Api, group: GroupId) -> Result<Option<RowSchema>> {
    let last = api.ports.schemas.last_schema(group).await?.filter(|last| !last.is_removed);
    let compiled = last.map(|last| RowSchema::parse(&last.text)).transpose();
    compiled.map_err(|e| Error::internal("a stored schema can't be compiled").because(e))
}

/// Whether two schemas are one, however they are written.
fn is_same(one: &str, other: &str) -> bool {
    let value = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    value(one) == value(other)
}

fn changed() -> ApiError {
    ApiError::new(ErrorCode::SchemaChanged, "another schema was put at the same time; look at it, and try again")
}

fn answer(group: &Group, schema: Schema, is_in_force: bool, message: &str) -> Result<Json<GroupSchema>, ApiError> {
    let text = RawValue::from_string(schema.text);
    Ok(Json(GroupSchema {
        success: true,
        message: message.into(),
        dataset_group_id: group.id,
        schema_version: schema.version,
        is_in_force,
        set_at: schema.set_at.into(),
        user_id: schema.user_id,
        schema: text.map_err(|e| Error::internal("a stored schema is not JSON").because(e))?,
    }))
}
