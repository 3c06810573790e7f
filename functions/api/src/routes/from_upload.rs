//! `POST /api/public/v2/dataset-versions/from-upload`: a draft, and a URL by
//! which its file is stored without passing through here.

use super::idempotency::{CallKey, fingerprint, in_progress, reused};
use super::schemas::file_name;
use crate::Api;
use crate::auth::Caller;
use crate::body::Json as JsonBody;
use crate::error::{ApiError, ErrorResponse};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dataset_core::blobs::UploadTerms;
use dataset_core::clock::after;
use dataset_core::dataset::{Dataset, UPLOAD_LIFETIME};
use dataset_core::id::{DatasetId, GroupId, Whole};
use dataset_core::upload::{FileName, check_size};
use dataset_core::uploads::{self, CreateDraft, DraftStart, Idempotent};
use dataset_core::{Error, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(expecting = "a JSON object")]
pub(super) struct FromUpload {
    /// The dataset group that gets the new version.
    #[schema(value_type = u64, minimum = 1, maximum = 9007199254740991u64)]
    dataset_group_id: GroupId,
    #[schema(schema_with = file_name)]
    file_name: String,
    /// The length of the file in bytes: exactly as many can be sent to the URL.
    #[schema(value_type = u64, minimum = 1, maximum = 104857600)]
    file_size: Whole,
    /// The SHA-256 of the file in base64. Where it is given, no other file is stored.
    #[schema(min_length = 44, max_length = 44, pattern = "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
    checksum_sha256: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct UploadAwaited {
    success: bool,
    message: &'static str,
    /// The draft that waits for the file.
    #[schema(value_type = u64, minimum = 1)]
    dataset_id: DatasetId,
    upload: UploadRequest,
}

/// The request that stores the file, but for its body: the file as it is.
#[derive(Serialize, ToSchema)]
struct UploadRequest {
    method: &'static str,
    url: String,
    /// To be sent exactly as they are.
    headers: BTreeMap<String, String>,
    /// Until when the URL is good. Without a file by then the draft fails with `upload_expired`.
    #[schema(format = "date-time")]
    expires_at: String,
}

/// Create a dataset version from an upload
///
/// Makes a draft and a URL that takes its file, up to 100 MB, by one PUT straight to storage. The length is signed,
/// so a file that is longer or shorter is refused, and so is a second one. From there on it is as with
/// `createDatasetVersionFromFile`.
#[utoipa::path(
    post,
    path = "/api/public/v2/dataset-versions/from-upload",
    operation_id = "createDatasetVersionFromUpload",
    tag = "datasets",
    params(
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "For 24 hours the same key with the same body gives the first answer again and creates nothing."),
    ),
    request_body = FromUpload,
    responses(
        (status = 201, description = "The draft waits for its file", body = UploadAwaited),
        (status = 403, description = "The dataset group belongs to another workspace", body = ErrorResponse),
        (status = 404, description = "There is no such dataset group", body = ErrorResponse),
        (status = 409, description = "The first call with this Idempotency-Key is still running", body = ErrorResponse),
        (status = 422, description = "The Idempotency-Key was sent with another body", body = ErrorResponse),
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
    caller.group(&api, body.dataset_group_id).await?;
    let fingerprint = fingerprint(&[
        b"from-upload",
        body.dataset_group_id.to_string().as_bytes(),
        file_name.as_str().as_bytes(),
        file_size.to_string().as_bytes(),
        checksum.unwrap_or_default().as_bytes(),
    ]);
    let request = CreateDraft {
        workspace_id: caller.workspace_id,
        user_id: caller.user_id,
        group_id: body.dataset_group_id,
        file_name,
        file_size,
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
            let draft = api.ports.catalog.dataset(id).await?.ok_or_else(ApiError::dataset_not_found)?;
            let upload = presign(&api, &draft, checksum).await?;
            (draft, upload)
        }
        DraftStart::InProgress => return Err(in_progress()),
        DraftStart::KeyReused => return Err(reused()),
    };
    let message = "Dataset version awaits its file; send it to upload.url";
    Ok((StatusCode::CREATED, Json(UploadAwaited { success: true, message, dataset_id: draft.id, upload })))
}

/// The same for the same draft, however often it is asked for.
async fn presign(api: &Api, draft: &Dataset, checksum: Option<&str>) -> Result<UploadRequest> {
    let terms = UploadTerms {
        media_type: draft.file_name.format().media_type(),
        length: draft.file_size_bytes,
        checksum_sha256: checksum.map(str::to_owned),
    };
    // Signatures count in whole seconds.
    let signed_at = Timestamp::from_second(draft.created_at.as_second()).unwrap_or(draft.created_at);
    let signed = api.ports.blobs.upload_url(&draft.upload_key(), &terms, signed_at, UPLOAD_LIFETIME).await?;
    let expires_at = after(signed_at, UPLOAD_LIFETIME)?;
    Ok(UploadRequest { method: "PUT", url: signed.url, headers: signed.headers, expires_at: expires_at.to_string() })
}

fn check_checksum(checksum: &str) -> Result<&str> {
    match STANDARD.decode(checksum) {
        Ok(bytes) if bytes.len() == 32 => Ok(checksum),
        _ => Err(Error::invalid(
            "invalid_checksum",
            "checksum_sha256 must be the SHA-256 of the file, its 32 bytes in base64 (44 characters)",
        )),
    }
}
