//! A draft and its file.
//!
//! An idempotency key is reserved together with the draft's id before there is anything of the draft. If the
//! call dies in between, the next one with the same key goes on where the first one stopped.

use super::withdraw;
use crate::clock::after;
use crate::dataset::{Annotations, Dataset, State, upload_expired};
use crate::id::{DatasetId, GroupId, UserId, WorkspaceId};
use crate::idempotency::{IdempotencyKey, Reservation, Reserved};
use crate::ids::time_ordered;
use crate::upload::FileName;
use crate::{Error, Kind, Ports, Result};
use bytes::Bytes;
use dataset_types::dialect::Dialect;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// Attempts with another id, or with a key whose first call came to nothing.
const MAX_ATTEMPTS: usize = 8;

/// What a caller wants a draft for.
pub struct CreateDraft {
    pub workspace_id: WorkspaceId,
    pub user_id: UserId,
    pub group_id: GroupId,
    pub file_name: FileName,
    pub file_size: u64,
    /// What is said of how the file is written.
    pub said: Dialect,
    pub annotations: Annotations,
    /// How long the draft waits for its file.
    pub upload_ttl: Duration,
    pub idempotent: Option<Idempotent>,
}

/// A call that its client may repeat.
pub struct Idempotent {
    pub key: IdempotencyKey,
    /// Equal for equal calls, and only for them.
    pub fingerprint: String,
}

/// Who completes the request.
pub enum DraftStart {
    /// This call: the draft is there, its file is still to come.
    Created(Box<Dataset>, IdempotencyGuard),
    /// No one has to: an earlier call with the key has done all of it.
    Done(DatasetId),
    /// An earlier call with the key, which is still running.
    InProgress,
    /// No one can: the key was used with another body.
    KeyReused,
}

/// The reservation of an idempotency key. The call that holds it must end it.
#[must_use]
pub struct IdempotencyGuard(Option<Reservation>);

/// Creates the draft, or finds the one that an earlier call with the key created.
///
/// # Errors
/// If no id is free, or a port failed; then there is no draft, or one that expires.
pub async fn create(ports: &Ports, request: &CreateDraft) -> Result<DraftStart> {
    for _ in 0..MAX_ATTEMPTS {
        let now = ports.clock.now();
        let fresh = time_ordered(ports.ids.as_ref(), now);
        let (id, guard) = match &request.idempotent {
            None => (fresh, IdempotencyGuard(None)),
            Some(Idempotent { key, fingerprint }) => {
                let reservation = Reservation {
                    workspace_id: request.workspace_id,
                    key: key.clone(),
                    fingerprint: fingerprint.clone(),
                    id: fresh,
                    now,
                };
                let id = match ports.idempotency.reserve(&reservation).await? {
                    Reserved::Yours(id) => id,
                    Reserved::Done { id, .. } => return Ok(DraftStart::Done(dataset_id(id)?)),
                    Reserved::Running => return Ok(DraftStart::InProgress),
                    Reserved::Reused => return Ok(DraftStart::KeyReused),
                };
                (id, IdempotencyGuard(Some(Reservation { id, ..reservation })))
            }
        };
        let is_fresh = id == fresh;
        let id = dataset_id(id)?;
        if !is_fresh {
            match resume(ports, request, id, guard).await? {
                Some(start) => return Ok(start),
                None => continue,
            }
        }
        let draft = request.draft(id, now)?;
        match ports.catalog.create_draft(&draft).await {
            Ok(()) => return Ok(DraftStart::Created(Box::new(draft), guard)),
            Err(error) if error.kind() == Kind::AlreadyExists => guard.forget(ports).await,
            Err(error) => {
                // The draft may be there all the same, and no one would ever fill it.
                guard.abandon(ports, &draft).await?;
                return Err(error);
            }
        }
    }
    Err(Error::unavailable("no free identifier was found"))
}

fn dataset_id(id: u64) -> Result<DatasetId> {
    id.try_into().map_err(|_| Error::internal("an identifier is out of range"))
}

/// Continues a call that died. `None` if it left nothing to continue with.
async fn resume(
    ports: &Ports,
    request: &CreateDraft,
    id: DatasetId,
    guard: IdempotencyGuard,
) -> Result<Option<DraftStart>> {
    match ports.catalog.dataset(id).await?.filter(|dataset| request.is_for(dataset)) {
        // Another call got the same identifier by chance, or the file never came.
        None => {
            guard.forget(ports).await;
            return Ok(None);
        }
        Some(Dataset { state: State::Failed { failure, .. }, .. }) if failure == upload_expired() => {
            guard.forget(ports).await;
            return Ok(None);
        }
        Some(draft @ Dataset { state: State::Draft { due_at, .. }, .. }) => {
            if ports.blobs.size(draft.upload()).await?.is_none() {
                if !ports.catalog.restart(id, due_at, after(ports.clock.now(), request.upload_ttl)?).await? {
                    return Err(Error::unavailable("another call for the same draft came in this moment"));
                }
                return Ok(Some(DraftStart::Created(Box::new(draft), guard)));
            }
        }
        Some(_) => {}
    }
    guard.complete(ports).await?;
    Ok(Some(DraftStart::Done(id)))
}

impl CreateDraft {
    fn draft(&self, id: DatasetId, now: Timestamp) -> Result<Dataset> {
        let due_at = after(now, self.upload_ttl)?;
        Ok(Dataset {
            id,
            group_id: self.group_id,
            workspace_id: self.workspace_id,
            user_id: self.user_id,
            file_name: self.file_name.clone(),
            file_size_bytes: self.file_size,
            said: self.said.clone(),
            created_at: now,
            file_due_at: due_at,
            is_deleted: false,
            labels: BTreeSet::new(),
            annotations: self.annotations.clone(),
            state: State::Draft { due_at, lost_leases: 0, restarts: 0 },
        })
    }

    fn is_for(&self, dataset: &Dataset) -> bool {
        dataset.workspace_id == self.workspace_id
            && dataset.group_id == self.group_id
            && dataset.file_name == self.file_name
            && dataset.file_size_bytes == self.file_size
    }
}

impl IdempotencyGuard {
    /// Stores the draft's file, and ends the call. The draft is there first, so that no object is without
    /// one; if this process dies in between, the draft expires and its owner is told.
    ///
    /// # Errors
    /// If the file could not be stored; then the draft is withdrawn or expires.
    pub async fn store(self, ports: &Ports, draft: &Dataset, file: Bytes) -> Result<()> {
        let media_type = draft.file_name.format().media_type();
        match ports.blobs.put_new(draft.upload(), media_type, file).await {
            Ok(()) => {}
            // Only this call stores the object: an earlier attempt succeeded, and its answer was lost.
            Err(error) if error.kind() == Kind::AlreadyExists => {}
            Err(error) => {
                let is_abandoned = self.abandon(ports, draft).await.unwrap_or_else(|error| {
                    // The draft may become a version still, so its key stays with it.
                    tracing::error!(dataset_id = draft.id.get(), error = error.chain(), "draft is left to expire");
                    true
                });
                if is_abandoned && error.kind() == Kind::Full {
                    return Err(error);
                }
                if is_abandoned {
                    return Err(Error::internal("the file could not be stored").because(error));
                }
                // The file was stored after all, and has been processed.
            }
        }
        self.complete(ports).await
    }

    /// Completes the call: from now on its key gives the same answer.
    ///
    /// # Errors
    /// If the port failed.
    pub async fn complete(&self, ports: &Ports) -> Result<()> {
        match &self.0 {
            Some(reservation) => ports.idempotency.complete(reservation, None).await,
            None => Ok(()),
        }
    }

    /// Withdraws a draft that no one was told of, and frees the key. `false` if the draft
    /// has come to an outcome; then the key must still lead to it.
    ///
    /// # Errors
    /// If a port failed; then the draft expires.
    pub async fn abandon(&self, ports: &Ports, draft: &Dataset) -> Result<bool> {
        let is_withdrawn = withdraw(ports, draft).await?;
        if is_withdrawn {
            self.forget(ports).await;
        }
        Ok(is_withdrawn)
    }

    /// Releases the key. If that fails, the key is free when the call's time is over.
    async fn forget(&self, ports: &Ports) {
        if let Some(reservation) = &self.0
            && let Err(error) = ports.idempotency.forget(reservation).await
        {
            tracing::warn!(error = error.chain(), "an idempotency key is left to expire");
        }
    }
}
