//! The draft that a call makes: a new one, or with an `Idempotency-Key` the
//! one that the first call of that key has made.
//!
//! A key is reserved together with the draft's id before anything of the
//! draft is there. Should the call die in between, the next one with the key
//! goes on where it had come to.

use super::fresh::fresh_id;
use crate::Api;
use crate::auth::Caller;
use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use dataset_core::dataset::{Dataset, Failure, State, WITHDRAWN_GRACE};
use dataset_core::id::{DatasetId, GroupId};
use dataset_core::idempotency::{IdempotencyKey, Reservation, Reserved};
use dataset_core::lifecycle::after;
use dataset_core::upload::FileName;
use dataset_core::{Error, Result};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// How often an identifier may turn out to be taken, or a call to be begun anew.
const MAX_TRIES: usize = 8;

/// `Idempotency-Key`, where the request has it.
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
            return Err(ApiError::bad_request("invalid_idempotency_key", message));
        }
        Ok(Self(Some(IdempotencyKey::parse(value.to_str().unwrap_or_default())?)))
    }
}

/// What a caller wants a draft for.
pub(super) struct Order<'a> {
    pub(super) caller: &'a Caller,
    pub(super) group_id: GroupId,
    pub(super) file_name: FileName,
    pub(super) file_size: u64,
    /// How long the draft waits for its file.
    pub(super) patience: Duration,
    /// Equal for equal calls, and only for them.
    pub(super) fingerprint: String,
}

/// Whose the rest of the call is.
pub(super) enum Begun {
    /// There is the draft; the file is still to come.
    Yours(Box<Dataset>, Ticket),
    /// An earlier call with the key has done all of it.
    Done(DatasetId),
}

/// To be handed in when the call has come to its end.
#[must_use]
pub(super) struct Ticket(Option<Reservation>);

impl Ticket {
    /// From now on the key gives the same answer again.
    pub(super) async fn complete(&self, api: &Api) -> Result<()> {
        match &self.0 {
            Some(reservation) => api.idempotency.complete(reservation).await,
            None => Ok(()),
        }
    }

    /// The call has come to nothing, so the next one with the key is a first
    /// one. Should this fail, it is so when the call's time is over.
    pub(super) async fn forget(&self, api: &Api) {
        if let Some(reservation) = &self.0
            && let Err(error) = api.idempotency.forget(reservation).await
        {
            tracing::warn!(error = error.chain(), "an idempotency key is left to expire");
        }
    }
}

/// Makes the draft, or finds the one that an earlier call with the key made.
pub(super) async fn begin(api: &Api, order: &Order<'_>, key: Option<IdempotencyKey>) -> Result<Begun, ApiError> {
    for _ in 0..MAX_TRIES {
        let now = api.clock.now();
        let fresh: DatasetId = fresh_id(api, now)?;
        let (id, ticket) = match &key {
            None => (fresh, Ticket(None)),
            Some(key) => {
                let reservation = Reservation {
                    workspace_id: order.caller.workspace_id,
                    key: key.clone(),
                    fingerprint: order.fingerprint.clone(),
                    dataset_id: fresh,
                    now,
                };
                let id = match api.idempotency.reserve(&reservation).await? {
                    Reserved::Yours(id) => id,
                    Reserved::Done(id) => return Ok(Begun::Done(id)),
                    Reserved::Running => return Err(in_progress()),
                    Reserved::Reused => return Err(reused()),
                };
                (id, Ticket(Some(Reservation { dataset_id: id, ..reservation })))
            }
        };
        if id != fresh {
            match resume(api, order, id, ticket).await? {
                Some(begun) => return Ok(begun),
                None => continue,
            }
        }
        let draft = order.draft(id, now)?;
        match api.catalog.create_draft(&draft).await {
            Ok(()) => return Ok(Begun::Yours(Box::new(draft), ticket)),
            Err(error) if error.code() == "id_taken" => ticket.forget(api).await,
            Err(error) => {
                // It may be there all the same, and no one would ever fill it.
                if withdraw(api, &draft).await? {
                    ticket.forget(api).await;
                }
                return Err(error.into());
            }
        }
    }
    Err(Error::unavailable("no free identifier was found").into())
}

/// Takes up the call of another that died. `None` if nothing came of it.
async fn resume(api: &Api, order: &Order<'_>, id: DatasetId, ticket: Ticket) -> Result<Option<Begun>> {
    match api.catalog.dataset(id).await?.filter(|dataset| order.is_for(dataset)) {
        // Another call has the same identifier by chance, or the file never came.
        None => {
            ticket.forget(api).await;
            return Ok(None);
        }
        Some(Dataset { state: State::Failed { failure, .. }, .. }) if failure == Failure::upload_expired() => {
            ticket.forget(api).await;
            return Ok(None);
        }
        Some(draft @ Dataset { state: State::Draft { due_at, .. }, .. }) => {
            if api.blobs.size(&draft.upload_key()).await?.is_none() {
                if !api.catalog.restart(id, due_at, after(api.clock.now(), order.patience)?).await? {
                    return Err(Error::unavailable("another call for the same draft came in this moment"));
                }
                return Ok(Some(Begun::Yours(Box::new(draft), ticket)));
            }
        }
        Some(_) => {}
    }
    ticket.complete(api).await?;
    Ok(Some(Begun::Done(id)))
}

/// Takes back a draft whose call comes to nothing, and what was stored for it:
/// now if that can be, and once more when no one can be at it any more.
/// `false` if it has come to an outcome; then its key must still lead to it.
pub(super) async fn withdraw(api: &Api, draft: &Dataset) -> Result<bool> {
    if !api.catalog.withdraw(draft, after(api.clock.now(), WITHDRAWN_GRACE)?).await? {
        return Ok(false);
    }
    if let Err(error) = api.blobs.delete(&draft.upload_key()).await {
        tracing::warn!(dataset_id = draft.id.get(), error = error.chain(), "an object is left to the sweeper");
    }
    Ok(true)
}

impl Order<'_> {
    fn draft(&self, id: DatasetId, now: Timestamp) -> Result<Dataset> {
        let due_at = after(now, self.patience)?;
        Ok(Dataset {
            id,
            group_id: self.group_id,
            workspace_id: self.caller.workspace_id,
            user_id: self.caller.user_id,
            file_name: self.file_name.clone(),
            file_size_bytes: self.file_size,
            created_at: now,
            file_due_at: due_at,
            is_deleted: false,
            state: State::Draft { due_at, claims: 0, restarts: 0 },
        })
    }

    fn is_for(&self, dataset: &Dataset) -> bool {
        dataset.workspace_id == self.caller.workspace_id
            && dataset.group_id == self.group_id
            && dataset.file_name == self.file_name
            && dataset.file_size_bytes == self.file_size
    }
}

/// One value for all of these parts, and another for any others.
pub(crate) fn fingerprint(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

fn in_progress() -> ApiError {
    let message = "the first call with this Idempotency-Key is still running; ask again in a moment";
    ApiError::conflict("idempotency_in_progress", message)
}

fn reused() -> ApiError {
    let message = "this Idempotency-Key was sent with another body within 24 hours; send another key with another body";
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", message)
}
