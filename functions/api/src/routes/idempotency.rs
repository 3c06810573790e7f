//! Idempotent calls.

use crate::Api;
use crate::auth::Caller;
use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use dataset_core::dataset::Annotations;
use dataset_core::idempotency::{IdempotencyKey, Reservation, Reserved};
use dataset_core::ids::{made_at, random_u64, time_ordered};
use dataset_core::{Error, ErrorCode, Kind, Result};
use dataset_types::dialect::Dialect;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
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

/// What a call makes: the same thing for every call with the same key.
#[derive(Clone, Copy)]
pub(super) struct Making {
    pub(super) id: u64,
    pub(super) at: Timestamp,
    /// Random, for what an id alone does not make unique.
    pub(super) salt: u32,
    /// A call before may have made it, and died.
    pub(super) is_resumed: bool,
}

/// Attempts when an identifier is in use.
const MAX_TRIES: usize = 8;

/// Carries a call out, once for each key. `asked` is what tells it from others. `make` is called with another
/// identifier while the one that it was given is in use. Its answer is kept for repeats, without a secret.
pub(super) async fn once<'a, T: Serialize + DeserializeOwned>(
    api: &Api,
    caller: &Caller,
    CallKey(key): CallKey,
    asked: &impl Serialize,
    make: impl Fn(Making) -> BoxFuture<'a, Result<T>>,
) -> Result<T, ApiError> {
    let ports = &api.ports;
    for _ in 0..MAX_TRIES {
        let now = ports.clock.now();
        let (id, salt) = (time_ordered(ports.ids.as_ref(), now), random_u64(ports.ids.as_ref()) as u32);
        let Some(key) = &key else {
            match make(Making { id, at: now, salt, is_resumed: false }).await {
                Err(error) if error.kind() == Kind::AlreadyExists => continue,
                made => return Ok(made?),
            }
        };
        let fingerprint = fingerprint(&[&to_json(asked)?]);
        let mut reservation = Reservation { workspace_id: caller.workspace_id, key: key.clone(), fingerprint, id, now };
        match ports.idempotency.reserve(&reservation).await? {
            Reserved::Running => return Err(in_progress()),
            Reserved::Reused => return Err(reused()),
            Reserved::Done { answer, .. } => return Ok(parse(answer.as_deref().unwrap_or_default())?),
            Reserved::Yours(id) => reservation.id = id,
        }
        let Reservation { id: reserved, .. } = reservation;
        let salt = salt_of(key);
        match make(Making { id: reserved, at: made_at(reserved), salt, is_resumed: reserved != id }).await {
            Ok(made) => {
                ports.idempotency.complete(&reservation, Some(&without_secret(&made)?)).await?;
                return Ok(made);
            }
            Err(error) if error.kind() == Kind::AlreadyExists => ports.idempotency.forget(&reservation).await?,
            Err(error) => {
                // What was refused was not begun. If the key is not let go, it is when the call's time is over.
                let ended = match error.kind() {
                    Kind::Refused(_) => ports.idempotency.forget(&reservation).await,
                    _ => ports.idempotency.release(&reservation).await,
                };
                if let Err(error) = ended {
                    tracing::warn!(error = error.chain(), "an idempotency key is left to expire");
                }
                return Err(error.into());
            }
        }
    }
    Err(Error::unavailable("no free identifier was found").into())
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::internal("a call has no JSON form").because(e))
}

fn parse<T: DeserializeOwned>(answer: &str) -> Result<T> {
    serde_json::from_str(answer).map_err(|e| Error::internal("a kept answer can't be read").because(e))
}

/// The table has secrets in sealed form alone.
fn without_secret(answer: &impl Serialize) -> Result<String> {
    let mut answer =
        serde_json::to_value(answer).map_err(|e| Error::internal("an answer has no JSON form").because(e))?;
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("secret");
    }
    Ok(answer.to_string())
}

/// The same for every call with the key.
fn salt_of(key: &IdempotencyKey) -> u32 {
    let hash: [u8; 32] = Sha256::digest(key.as_str()).into();
    u32::from_be_bytes(*hash.first_chunk().unwrap_or(&[0; 4]))
}

/// That of a call that brings a file, and of what it says about it.
pub(super) fn fingerprint_of_upload(parts: &[&[u8]], dialect: Option<&Dialect>, annotations: &Annotations) -> String {
    let dialect = dialect.and_then(|dialect| serde_json::to_vec(dialect).ok()).unwrap_or_default();
    let annotations = Some(annotations).filter(|annotations| !annotations.is_empty());
    let annotations = annotations.and_then(|annotations| serde_json::to_vec(annotations).ok()).unwrap_or_default();
    // What is said by no word is left out: the fingerprint is that of the releases before there were such words.
    let said: &[&[u8]] = match (dialect.is_empty(), annotations.is_empty()) {
        (true, true) => &[],
        (false, true) => &[&dialect],
        (_, false) => &[&dialect, &annotations],
    };
    fingerprint(&[parts, said].concat())
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
