//! `POST /api/public/v2/dataset-versions/from-file`: a file in, a draft out.

use super::dialect;
use super::idempotency::{CallKey, fingerprint_of_upload, in_progress, reused};
use crate::Api;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::{body, decode};
use axum::Json;
use axum::body::HttpBody;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use dataset_core::Error;
use dataset_core::dataset::{Annotations, DRAFT_LIFETIME};
use dataset_core::id::GroupId;
use dataset_core::upload::{FileName, too_large};
use dataset_core::uploads::{self, CreateDraft, DraftStart, Idempotent};
use dataset_types::ErrorResponse;
use dataset_types::dialect::Dialect;
use dataset_types::limits::MAX_FROM_FILE_BODY_BYTES;
use dataset_types::upload::{FromFile, IdempotencyKeyHeader, VersionQueued};
use memchr::{memchr_iter, memmem};
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::sync::Arc;

/// A decoded request.
pub struct Upload {
    pub group_id: GroupId,
    pub file_name: FileName,
    pub dialect: Option<Dialect>,
    pub annotations: Annotations,
    pub file: Bytes,
}

/// Create Dataset Version from File
///
/// Creates a dataset version from a CSV or JSON file. A draft (`version_number` -1) is there at once; when the file
/// has been parsed it becomes the group's next version and the webhook `dataset_version_created_by_file` is sent,
/// or it fails and `dataset_version_created_by_file_failed` is. Files that are over the gateway's limit (about
/// 4.5 MB) go by `createDatasetVersionFromUpload`.
#[utoipa::path(
    post,
    path = "/api/public/v2/dataset-versions/from-file",
    operation_id = "createDatasetVersionFromFile",
    params(
        ("X-API-KEY" = String, Header, description = "API key for authentication. This endpoint supports API key authentication only."),
        IdempotencyKeyHeader,
    ),
    request_body = FromFile,
    responses(
        (status = 201, description = "Dataset version creation job queued", body = VersionQueued),
        (status = 400, description = "Bad Request - Invalid file format, file too large, or invalid base64 encoding", body = ErrorResponse),
        (status = 403, description = "Access denied to this dataset group", body = ErrorResponse),
        (status = 404, description = "Dataset group not found", body = ErrorResponse),
        (status = 500, description = "Failed to upload file or create dataset version", body = ErrorResponse),
    ),
)]
pub(super) async fn create(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<(StatusCode, Json<VersionQueued>), ApiError> {
    let queued = queue(&api, request).await;
    // The statuses of this route are the original's.
    queued.map_err(|error| error.instead_of(StatusCode::INSUFFICIENT_STORAGE, StatusCode::INTERNAL_SERVER_ERROR))
}

/// A body that is taken apart before it is known who sends it: that takes less time than to find it out.
const SMALL_BODY_BYTES: u64 = 256 << 10;

async fn queue(api: &Arc<Api>, request: Request) -> Result<(StatusCode, Json<VersionQueued>), ApiError> {
    let (mut parts, body) = request.into_parts();
    let is_small = body.size_hint().exact().is_some_and(|bytes| bytes <= SMALL_BODY_BYTES);
    if !is_small {
        Caller::from_request_parts(&mut parts, api).await?;
    }
    let key = CallKey::from_request_parts(&mut parts, api).await.map(|CallKey(key)| key);
    let with_key = key.as_ref().ok().cloned().flatten();
    let request = Request::from_parts(parts.clone(), body);
    let unpacked = async {
        let body =
            body::read(request, MAX_FROM_FILE_BODY_BYTES as usize).await?.ok_or_else(|| ApiError::from(too_large()))?;
        let unpack = move || {
            let upload = unpack(body)?;
            let idempotent = with_key.map(|key| Idempotent { key, fingerprint: fingerprint_of(&upload) });
            Ok::<_, ApiError>((upload, idempotent))
        };
        if is_small {
            return unpack();
        }
        // Decoding 100 MB would block other requests.
        let unpacked = tokio::task::spawn_blocking(unpack).await;
        unpacked.map_err(|e| Error::internal("the body could not be decoded").because(e))?
    };
    let unpacked: Result<_, ApiError> = unpacked.await;
    let group_id = unpacked.as_ref().ok().map(|(upload, _)| upload.group_id);
    let (caller, group) = Caller::with_group(&mut parts, api, group_id).await?;
    key?;
    let (upload, idempotent) = unpacked?;
    let group = group.ok_or_else(|| ApiError::group_not_found(&upload.group_id))?;
    let said = dialect::of(upload.dialect, &group.dialect, upload.file_name.format())?;
    let request = CreateDraft {
        workspace_id: caller.workspace_id,
        user_id: caller.user_id,
        group_id: upload.group_id,
        file_name: upload.file_name,
        file_size: upload.file.len() as u64,
        said,
        annotations: upload.annotations,
        upload_ttl: DRAFT_LIFETIME,
        idempotent,
    };
    let dataset_id = match uploads::create(&api.ports, &request).await? {
        DraftStart::Created(draft, guard) => {
            guard.store(&api.ports, &draft, upload.file).await?;
            draft.id
        }
        DraftStart::Done(id) => id,
        DraftStart::InProgress => return Err(in_progress()),
        DraftStart::KeyReused => return Err(reused()),
    };
    let queued = VersionQueued { success: true, message: "Dataset version creation job queued".into(), dataset_id };
    Ok((StatusCode::CREATED, Json(queued)))
}

fn fingerprint_of(upload: &Upload) -> String {
    let file = Sha256::digest(&upload.file);
    let group_id = upload.group_id.to_string();
    let parts: [&[u8]; 4] = [b"from-file", group_id.as_bytes(), upload.file_name.as_str().as_bytes(), &file];
    fingerprint_of_upload(&parts, upload.dialect.as_ref(), &upload.annotations)
}

/// Parses a body, and decodes the file within the body's memory.
///
/// # Errors
/// Whatever of it breaks a rule.
pub fn unpack(body: Bytes) -> Result<Upload, ApiError> {
    // Copies the body if it is shared, which it never is.
    let mut body = body.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    let Parts { group_id, file_name, dialect, annotations, string } = match take_apart(&body) {
        Err(_) if remove_line_breaks(&mut body) => take_apart(&body)?,
        taken => taken?,
    };
    let file = decode::decode(&mut body, string, "file_content_base64")?;
    Ok(Upload { group_id, file_name, dialect, annotations, file: body.freeze().slice(file) })
}

struct Parts {
    group_id: GroupId,
    file_name: FileName,
    dialect: Option<Dialect>,
    annotations: Annotations,
    /// Where in the body the base64 is.
    string: Range<usize>,
}

fn take_apart(body: &[u8]) -> Result<Parts, ApiError> {
    let parsed: FromFile<'_> = body::parse(body)?;
    let (group_id, file_name) = (parsed.dataset_group_id, FileName::parse(&parsed.file_name)?);
    let string = body::base64_in(body, "file_content_base64", parsed.file_content_base64)?;
    let FromFile { dialect, description, tags, metadata, .. } = parsed;
    Ok(Parts { group_id, file_name, dialect, annotations: Annotations { description, tags, metadata }, string })
}

/// Removes raw line breaks within the base64. They are not valid JSON, but a shell
/// that quotes the output of `base64 FILE` sends them. `false` if there are none.
fn remove_line_breaks(body: &mut BytesMut) -> bool {
    const FIELD: &[u8] = b"\"file_content_base64\"";
    let Some(field) = memmem::find(body, FIELD) else {
        return false;
    };
    let quotes = memchr_iter(b'"', &body[field + FIELD.len()..]).take(2).map(|at| field + FIELD.len() + at);
    let [start, end] = quotes.collect::<Vec<_>>()[..] else {
        return false;
    };
    let mut kept = start;
    for at in start..body.len() {
        if at > end || !matches!(body[at], b'\n' | b'\r') {
            body[kept] = body[at];
            kept += 1;
        }
    }
    let removed = kept < body.len();
    body.truncate(kept);
    removed
}
