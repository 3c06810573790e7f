//! A draft becomes a failure.

use super::clean_up;
use crate::catalog::{FailedDraft, OutboxEntry};
use crate::dataset::{Dataset, Failure, State};
use crate::event::Outcome;
use crate::{Ports, Result};

/// Records why the draft became no version and writes the event to the outbox,
/// in one transaction; then removes its objects. `false` if the draft had come
/// to an outcome before, or was leased or restarted since it was read.
///
/// # Errors
/// If a port failed; what is left to remove, the sweeper removes.
pub async fn fail(ports: &Ports, draft: &Dataset, failure: Failure) -> Result<bool> {
    let State::Draft { due_at, lost_leases, .. } = draft.state else {
        return Ok(false);
    };
    let now = ports.clock.now();
    let failed = FailedDraft {
        dataset_id: draft.id,
        due_at,
        lost_leases,
        finished_at: now,
        failure: failure.clone(),
        outcome: OutboxEntry::of(draft, Outcome::Failed { dataset_id: draft.id, failure }, now)?,
    };
    let is_failed = ports.catalog.fail(&failed).await?;
    if is_failed {
        clean_up(ports, draft).await?;
    }
    Ok(is_failed)
}
