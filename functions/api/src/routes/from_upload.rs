//! `POST /api/public/v2/dataset-versions/from-upload`: a draft, and a URL by
//! which its file is stored without passing through here.

use super::dialect;
use super::idempotency::{CallKey, fingerprint_of_upload, in_progress, reused};
use crate::Api;
use crate::auth::Caller;
use crate::body::Json as JsonBody;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dataset_core::blobs::UploadTerms;
use dataset_core::clock::after;
use dataset_core::dataset::{Annotations, Dataset, UPLOAD_LIFETIME};
use dataset_core::id::Whole;
use dataset_core::upload::{FileName, check_size};
use dataset_core::uploads::{self, CreateDraft, DraftStart, Idempotent};
use dataset_core::{Error, ErrorCode, Result};
use dataset_types::ErrorResponse;
use dataset_types::upload::{FromUpload, IdempotencyKeyHeader, UploadAwaited, UploadRequest};
use jiff::Timestamp;
use std::sync::Arc;

/// Create a dataset version from an upload
///
/// Makes a draft and a URL that takes its file, up to 100 MB, by one PUT straight to storage. The length is signed,
/// so a file that is longer or shorter is refused, and so is a second one. From there on it is as with
/// `createDatasetVersionFromFile`.
#[utoipa::path(
    post,
    path = "/api/public/v2/dataset-versions/from-upload",
    operation_id = "createDatasetVersionFromUpload",
    params(IdempotencyKeyHeader),
    request_body = FromUpload,
    responses(
        (status = 201, description = "The draft waits for its file", body = UploadAwaited),
        (status = 403, description = "The dataset group belongs to another workspace", body = ErrorResponse),
        (status = 404, description = "There is no such dataset group", body = ErrorResponse),
    ),
)]
pub(super) async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    CallKey(key): CallKey,
    JsonBody(body): JsonBody<FromUpload>,
) -> Result<(StatusCode, Json<UploadAwaited>), ApiError> {
    let file_name = FileName::parse(&body.file_name)?;
    let Whole(file_size) = body.file_size;
    check_size(file_size)?;
    let checksum = body.checksum_sha256.as_deref().map(check_checksum).transpose()?;
    let group = caller.group(&api, body.dataset_group_id).await?;
    let annotations = Annotations { description: body.description, tags: body.tags, metadata: body.metadata };
    let (group_id, size) = (group.id.to_string(), file_size.to_string());
    let parts: [&[u8]; 5] = [
        b"from-upload",
        group_id.as_bytes(),
        file_name.as_str().as_bytes(),
        size.as_bytes(),
        checksum.unwrap_or_default().as_bytes(),
    ];
    let fingerprint = fingerprint_of_upload(&parts, body.dialect.as_ref(), &annotations);
    let said = dialect::of(body.dialect, &group.dialect, file_name.format())?;
    let request = CreateDraft {
        workspace_id: caller.workspace_id,
        user_id: caller.user_id,
        group_id: body.dataset_group_id,
        file_name,
        file_size,
        said,
        annotations,
        upload_ttl: UPLOAD_LIFETIME,
        idempotent: key.map(|key| Idempotent { key, fingerprint }),
    };
    let (draft, upload) = match uploads::create(&api.ports, &request).await? {
        DraftStart::Created(draft, guard) => match presign(&api, &draft, checksum).await {
            Ok(upload) => {
                guard.complete(&api.ports).await?;
                (*draft, upload)
            }
            Err(error) => {
                guard.abandon(&api.ports, &draft).await?;
                return Err(error.into());
            }
        },
        DraftStart::Done(id) => {
            let draft = api.ports.catalog.dataset(id).await?.ok_or_else(|| ApiError::dataset_not_found(&id))?;
            let upload = presign(&api, &draft, checksum).await?;
            (draft, upload)
        }
        DraftStart::InProgress => return Err(in_progress()),
        DraftStart::KeyReused => return Err(reused()),
    };
    let message = "Dataset version awaits its file; send it to upload.url".into();
    Ok((StatusCode::CREATED, Json(UploadAwaited { success: true, message, dataset_id: draft.id, upload })))
}

/// Presigns a draft's upload: always the same URL for the same draft.
async fn presign(api: &Api, draft: &Dataset, checksum: Option<&str>) -> Result<UploadRequest> {
    let terms = UploadTerms {
        media_type: draft.file_name.format().media_type(),
        length: draft.file_size_bytes,
        checksum_sha256: checksum.map(str::to_owned),
    };
    // Signatures have whole seconds.
    let signed_at = Timestamp::from_second(draft.created_at.as_second()).unwrap_or(draft.created_at);
    let signed = api.ports.blobs.upload_url(draft.upload(), &terms, signed_at, UPLOAD_LIFETIME).await?;
    let expires_at = after(signed_at, UPLOAD_LIFETIME)?;
    Ok(UploadRequest { method: "PUT".into(), url: signed.url, headers: signed.headers, expires_at: expires_at.into() })
}

fn check_checksum(checksum: &str) -> Result<&str> {
    match STANDARD.decode(checksum) {
        Ok(bytes) if bytes.len() == 32 => Ok(checksum),
        _ => Err(Error::refused(
            ErrorCode::InvalidChecksum,
            "checksum_sha256 must be the SHA-256 of the file, its 32 bytes in base64 (44 characters)",
        )),
    }
}
