//! `POST /api/public/v2/dataset-versions/from-file`: a file in, a draft out.

use super::fresh::with_fresh_id;
use crate::Api;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::{body, decode};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use dataset_core::dataset::{DRAFT_LIFETIME, Dataset, State as DatasetState};
use dataset_core::id::{DatasetId, GroupId};
use dataset_core::lifecycle::after;
use dataset_core::upload::{FileName, MAX_FILE_BYTES, too_large};
use dataset_core::{Error, Kind, Result};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// Room for the base64 of the largest file with a line break, escaped, after
/// each 76 symbols, and for the rest of the body.
const MAX_BODY_BYTES: usize = (MAX_FILE_BYTES as usize) / 3 * 4 / 76 * 80 + (1 << 20);

/// The body, borrowed: the file's text is never copied.
#[derive(Deserialize)]
struct FromFile<'a> {
    dataset_group_id: GroupId,
    #[serde(borrow)]
    file_name: Cow<'a, str>,
    #[serde(borrow)]
    file_content_base64: &'a RawValue,
}

/// What a request holds.
pub struct Upload {
    pub group_id: GroupId,
    pub file_name: FileName,
    pub file: Bytes,
}

#[derive(Serialize)]
pub(super) struct Created {
    success: bool,
    message: &'static str,
    dataset_id: DatasetId,
}

pub(super) async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let body =
        body::read(request, MAX_BODY_BYTES).await?.ok_or_else(|| ApiError::from(too_large(MAX_FILE_BYTES + 1)))?;
    // Decoding 100 MB takes long enough to get in the way of other requests.
    let upload = tokio::task::spawn_blocking(move || unpack(body))
        .await
        .map_err(|e| Error::internal("the body could not be decoded").because(e))??;
    caller.group(&api, upload.group_id).await?;
    let draft = create_draft(&api, &caller, &upload).await?;
    store(&api, &draft, upload.file).await?;
    let created = Created { success: true, message: "Dataset version creation job queued", dataset_id: draft.id };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Takes a body apart; the file is decoded in the body's own memory.
///
/// # Errors
/// Whatever of it breaks a rule.
pub fn unpack(body: Bytes) -> Result<Upload, ApiError> {
    // No one else has it, or it would be copied here.
    let mut body = body.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    let parsed: FromFile<'_> = body::parse(&body)?;
    let (group_id, file_name) = (parsed.dataset_group_id, FileName::parse(&parsed.file_name)?);
    let text = parsed.file_content_base64.get().as_bytes();
    let [b'"', string @ .., b'"'] = text else {
        let message = "file_content_base64 must be a string: the file in base64";
        return Err(ApiError::bad_request("invalid_request", message));
    };
    if string.is_empty() {
        let message = "file_content_base64 is empty; send the file in base64";
        return Err(ApiError::bad_request("empty_file", message));
    }
    let start = string.as_ptr().addr() - body.as_ptr().addr();
    let string = start..start + string.len();
    let file = decode::decode(&mut body, string)?;
    Ok(Upload { group_id, file_name, file: body.freeze().slice(file) })
}

async fn create_draft(api: &Api, caller: &Caller, upload: &Upload) -> Result<Dataset> {
    let create = |id, now| {
        async move {
            let draft = Dataset {
                id,
                group_id: upload.group_id,
                workspace_id: caller.workspace_id,
                user_id: caller.user_id,
                file_name: upload.file_name.clone(),
                file_size_bytes: upload.file.len() as u64,
                created_at: now,
                state: DatasetState::Draft { due_at: after(now, DRAFT_LIFETIME)?, claims: 0 },
            };
            match api.catalog.create_draft(&draft).await {
                Ok(()) => Ok(draft),
                Err(error) if error.kind() == Kind::Conflict => Err(error),
                Err(error) => {
                    // It may be there all the same, and no one would ever fill it.
                    let _ = api.catalog.remove_draft(id).await;
                    Err(error)
                }
            }
        }
        .boxed()
    };
    with_fresh_id(api, create).await
}

/// The draft is there first, so that an object never lacks one. Should this
/// process die in between, the draft expires, and its owner is told.
async fn store(api: &Api, draft: &Dataset, file: Bytes) -> Result<()> {
    let (key, media_type) = (draft.upload_key(), draft.file_name.format().media_type());
    let error = match api.blobs.put_new(&key, media_type, file).await {
        Ok(()) => return Ok(()),
        // No one else has this key: an earlier try stored it, and its answer was lost.
        Err(error) if error.kind() == Kind::Conflict => return Ok(()),
        Err(error) => error,
    };
    match api.catalog.remove_draft(draft.id).await {
        // It was stored all the same, and processed by now.
        Ok(false) => return Ok(()),
        // Whoever may be processing it finds the draft gone, and cleans up too.
        Ok(true) => {
            if let Err(error) = api.blobs.delete(&key).await {
                tracing::error!(dataset_id = draft.id.get(), error = error.chain(), "an object may be left");
            }
        }
        Err(error) => {
            tracing::error!(dataset_id = draft.id.get(), error = error.chain(), "draft is left to expire");
        }
    }
    Err(Error::internal("the file could not be stored").because(error))
}
