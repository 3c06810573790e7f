//! A draft becomes a failure.

use super::clean_up;
use crate::catalog::{FailedDraft, OutboxEntry};
use crate::dataset::{Dataset, Failure, State};
use crate::{Ports, Result};
use dataset_types::event::VersionFailed;

/// Records why the draft became no version and writes the event to the outbox, in one transaction; then
/// removes its objects. Returns what was written; `None` if the draft had come to an outcome before, or was
/// leased or restarted since it was read.
///
/// # Errors
/// If a port failed; what is left to remove, the sweeper removes.
pub async fn fail(ports: &Ports, draft: &Dataset, failure: Failure) -> Result<Option<FailedDraft>> {
    let State::Draft { due_at, lost_leases, .. } = draft.state else {
        return Ok(None);
    };
    let failed = FailedDraft {
        dataset_id: draft.id,
        due_at,
        lost_leases,
        finished_at: ports.clock.now(),
        event: OutboxEntry::new(ports, draft.workspace_id, draft.user_id, VersionFailed::new(draft.id, &failure))?,
        failure,
    };
    if !ports.catalog.fail(&failed).await? {
        return Ok(None);
    }
    clean_up(ports, draft).await?;
    Ok(Some(failed))
}
