//! Labels of versions.

use crate::Api;
use crate::auth::{Caller, Owned, version_of};
use crate::body::{Json as JsonBody, NoBody};
use crate::error::ApiError;
use crate::routes::Path;
use axum::Json;
use axum::extract::State;
use dataset_core::catalog::OutboxEntry;
use dataset_core::dataset::Dataset;
use dataset_core::group::Group;
use dataset_core::labels::{Label, LabelName, Move, Moved, Moving};
use dataset_core::{ErrorCode, Result, outbox};
use dataset_types::ErrorResponse;
use dataset_types::address::VersionName;
use dataset_types::event::LabelMoved;
use dataset_types::id::Whole;
use dataset_types::label::{self as api, Labels, MAX_MOVES, MoveLabel, OneLabel};
use std::sync::Arc;

/// Attempts when others move the label at the same time.
const MAX_TRIES: usize = 5;

/// List the labels of a dataset group
#[utoipa::path(
    get,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}/labels",
    operation_id = "listDatasetLabels",
    responses((status = 200, description = "The labels, by name", body = Labels)),
)]
pub(super) async fn list(State(api): State<Arc<Api>>, Owned(group): Owned<Group>) -> Result<Json<Labels>, ApiError> {
    let labels = api.ports.labels.labels(group.id).await?;
    Ok(Json(Labels {
        success: true,
        message: "Labels retrieved successfully".into(),
        dataset_group_id: group.id,
        labels: labels.into_iter().map(view).collect(),
    }))
}

/// Get a label
#[utoipa::path(
    get,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}/labels/{label}",
    operation_id = "getDatasetLabel",
    responses(
        (status = 200, description = "Where it is, and where it has been", body = OneLabel),
        (status = 404, description = "No such group, or it has no such label", body = ErrorResponse),
    ),
)]
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    Owned(group): Owned<Group>,
    Path((_, name)): Path<(String, String)>,
) -> Result<Json<OneLabel>, ApiError> {
    let name = name.parse().map_err(|_| not_found(&group, &name))?;
    let label = api.ports.labels.label(group.id, &name).await?.ok_or_else(|| not_found(&group, name.as_str()))?;
    Ok(one(&group, label, "Label retrieved successfully"))
}

/// Move a label
///
/// Puts it on a version, wherever it is, or by condition. Webhooks that ask for it are told.
#[utoipa::path(
    put,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}/labels/{label}",
    operation_id = "moveDatasetLabel",
    request_body = MoveLabel,
    responses(
        (status = 200, description = "The label where it is now", body = OneLabel),
        (status = 404, description = "No such group, or it has no such version", body = ErrorResponse),
        (status = 409, description = "The label is not where it was expected, or the version is deleted", body = ErrorResponse),
    ),
)]
pub(super) async fn put(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Owned(group): Owned<Group>,
    Path((_, name)): Path<(String, String)>,
    JsonBody(MoveLabel { version: Whole(version), expected }): JsonBody<MoveLabel>,
) -> Result<Json<OneLabel>, ApiError> {
    let name: LabelName = name.parse().map_err(|message: &str| ApiError::new(ErrorCode::InvalidName, message))?;
    let found = version_of(&api, &group, &VersionName::Number(version)).await?;
    let dataset_id = found.ok_or_else(|| ApiError::version_not_found(&group, &version.to_string()))?;
    let message = "Label moved successfully";
    for _ in 0..MAX_TRIES {
        let before = api.ports.labels.label(group.id, &name).await?;
        let at = before.as_ref().map(Label::version);
        if expected.is_some_and(|expected| expected.map(|Whole(version)| version) != at) {
            return Err(moved(&name, at));
        }
        if let Some(before) = before.as_ref().filter(|before| before.dataset_id == dataset_id) {
            return Ok(one(&group, before.clone(), "Label is there already"));
        }
        let newest = Move { version, at: api.ports.clock.now(), user_id: caller.user_id };
        let moves = [newest].into_iter().chain(before.iter().flat_map(|before| before.moves.clone()));
        let label = Label { name: name.clone(), dataset_id, moves: moves.take(MAX_MOVES).collect() };
        match send(&api, &caller, &group, before.as_ref(), &name, Some(label.clone())).await? {
            Moved::Done => return Ok(one(&group, label, message)),
            Moved::NoVersion => {
                let message = "the version is deleted; restore it, or put the label on another one";
                return Err(ApiError::new(ErrorCode::DatasetDeleted, message));
            }
            Moved::Elsewhere => {}
        }
    }
    Err(ApiError::new(
        ErrorCode::LabelMoved,
        "others are moving the label at the same time; look where it is, and try again",
    ))
}

/// Take a label away
#[utoipa::path(
    delete,
    path = "/api/public/v2/dataset-groups/{dataset_group_id}/labels/{label}",
    operation_id = "deleteDatasetLabel",
    responses(
        (status = 200, description = "The label as it was", body = OneLabel),
        (status = 404, description = "No such group, or it has no such label", body = ErrorResponse),
        (status = 409, description = "Others are moving it at the same time", body = ErrorResponse),
    ),
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Owned(group): Owned<Group>,
    Path((_, name)): Path<(String, String)>,
    _: NoBody,
) -> Result<Json<OneLabel>, ApiError> {
    let name = name.parse().map_err(|_| not_found(&group, &name))?;
    let before = api.ports.labels.label(group.id, &name).await?.ok_or_else(|| not_found(&group, name.as_str()))?;
    match send(&api, &caller, &group, Some(&before), &name, None).await? {
        Moved::Done => Ok(one(&group, before, "Label deleted successfully")),
        Moved::Elsewhere | Moved::NoVersion => Err(moved(&name, Some(before.version()))),
    }
}

/// Takes the labels of a version away. One that has moved on meanwhile stays where it is.
pub(super) async fn unlabel(api: &Api, caller: &Caller, group: &Group, version: &Dataset) -> Result<()> {
    for name in &version.labels {
        let label = api.ports.labels.label(group.id, name).await?;
        if let Some(before) = label.filter(|label| label.dataset_id == version.id) {
            send(api, caller, group, Some(&before), name, None).await?;
        }
    }
    Ok(())
}

/// Moves a label, and tells of it.
async fn send(
    api: &Api,
    caller: &Caller,
    group: &Group,
    from: Option<&Label>,
    name: &LabelName,
    to: Option<Label>,
) -> Result<Moved> {
    let details = LabelMoved {
        dataset_group_id: group.id,
        dataset_id: to.as_ref().map(|label| label.dataset_id),
        dataset_version_number: to.as_ref().map(Label::version),
        label: name.clone(),
        previous_version_number: from.map(Label::version),
    };
    let event = OutboxEntry::new(&api.ports, caller.workspace_id, caller.user_id, details)?;
    let (group_id, name, from) = (group.id, name.clone(), from.map(|label| label.dataset_id));
    let moving = Moving { group_id, name, from, to, event };
    let moved = api.ports.labels.move_label(&moving).await?;
    if moved == Moved::Done
        && let Err(error) = outbox::relay(&api.ports, &moving.event).await
    {
        tracing::warn!(label = %moving.name, error = error.chain(), "move of a label is left in the outbox");
    }
    Ok(moved)
}

fn moved(name: &LabelName, at: Option<u64>) -> ApiError {
    let place = at.map_or("at no version".to_owned(), |version| format!("at version {version}"));
    ApiError::new(ErrorCode::LabelMoved, format!("the label {name} is {place}, and not where it was expected"))
}

fn not_found(group: &Group, name: &str) -> ApiError {
    let name = crate::body::shortened(name);
    ApiError::new(ErrorCode::LabelNotFound, format!("dataset group {} has no label {name}", group.id))
}

fn one(group: &Group, label: Label, message: &str) -> Json<OneLabel> {
    Json(OneLabel { success: true, message: message.into(), dataset_group_id: group.id, label: view(label) })
}

fn view(label: Label) -> api::Label {
    let version_number = label.version();
    let view = |Move { version, at, user_id }: Move| api::LabelMove { version_number: version, at: at.into(), user_id };
    let moves = label.moves.into_iter().map(view).collect();
    api::Label { name: label.name, dataset_id: label.dataset_id, version_number, moves }
}
