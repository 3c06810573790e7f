//! Idempotent calls.

use crate::Api;
use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use dataset_core::ErrorCode;
use dataset_core::idempotency::IdempotencyKey;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// The header `Idempotency-Key`, if there is one.
pub(super) struct CallKey(pub(super) Option<IdempotencyKey>);

impl FromRequestParts<Arc<Api>> for CallKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        if values.next().is_some() {
            let message = "there are two headers Idempotency-Key; send one";
            return Err(ApiError::new(ErrorCode::InvalidIdempotencyKey, message));
        }
        Ok(Self(Some(IdempotencyKey::parse(value.to_str().unwrap_or_default())?)))
    }
}

/// A hash of the parts and their lengths.
pub(crate) fn fingerprint(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// Most calls are done by then.
const USUAL_TIME: Duration = Duration::from_secs(2);

pub(super) fn in_progress() -> ApiError {
    let message = "the first call with this Idempotency-Key is still running; ask again in a moment";
    ApiError::new(ErrorCode::IdempotencyInProgress, message).again_after(USUAL_TIME)
}

pub(super) fn reused() -> ApiError {
    let message = "this Idempotency-Key was sent with another body within 24 hours; send another key with another body";
    ApiError::new(ErrorCode::IdempotencyKeyReused, message)
}
