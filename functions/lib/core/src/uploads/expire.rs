//! Uploads that are overdue.

use super::{clean_up, clean_up_withdrawn, fail};
use crate::clock::after;
use crate::dataset::{Dataset, Failure, State, backoff, processing_failed, upload_expired};
use crate::id::DatasetId;
use crate::{Kind, Ports, Result, outbox};
use jiff::Timestamp;

/// After so many lost leases, the file is taken to bring its processor down.
const MAX_LOST_LEASES: u32 = 5;

/// About a day. What keeps a file from being processed for longer will not pass, and its sender should know.
const MAX_RESTARTS: u32 = 100;

/// Takes the overdue step of an upload: restarts a draft whose file is there, fails one whose file never came
/// or can't be processed, cleans up a failure or a withdrawal. Does nothing if the upload is not due.
///
/// # Errors
/// If a port failed; the upload stays due.
pub async fn expire(ports: &Ports, id: DatasetId) -> Result<()> {
    let Some(dataset) = ports.catalog.dataset(id).await? else {
        return clean_up_withdrawn(ports, id).await;
    };
    match dataset.state {
        // The index may be behind: this is the draft as it is now.
        State::Draft { due_at, .. } if due_at > ports.clock.now() => Ok(()),
        State::Draft { due_at, lost_leases, restarts } => {
            let may_restart = lost_leases < MAX_LOST_LEASES && restarts < MAX_RESTARTS;
            match ports.blobs.size(dataset.upload()).await? {
                Some(_) if may_restart => restart(ports, &dataset, due_at, restarts).await,
                Some(_) => give_up(ports, &dataset, processing_failed()).await,
                None => give_up(ports, &dataset, upload_expired()).await,
            }
        }
        State::Failed { .. } => clean_up(ports, &dataset).await,
        State::Ready { .. } => Ok(()),
    }
}

async fn restart(ports: &Ports, draft: &Dataset, due_at: Timestamp, restarts: u32) -> Result<()> {
    let next = after(ports.clock.now(), backoff(restarts + 1))?;
    if !ports.catalog.restart(draft.id, due_at, next).await? {
        return Ok(());
    }
    tracing::warn!(dataset_id = draft.id.get(), restarts, "upload is started again");
    match ports.blobs.announce(draft.upload()).await {
        // It failed in this moment.
        Err(error) if error.kind() == Kind::NotFound => Ok(()),
        result => result,
    }
}

async fn give_up(ports: &Ports, draft: &Dataset, failure: Failure) -> Result<()> {
    let Some(failed) = fail(ports, draft, failure).await? else {
        return Ok(());
    };
    tracing::warn!(dataset_id = draft.id.get(), code = failed.failure.code, "draft failed");
    outbox::relay(ports, &failed.event).await
}
