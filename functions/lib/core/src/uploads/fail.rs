//! A draft becomes a failure.

use super::clean_up;
use crate::catalog::{FailedDraft, OutboxEntry};
use crate::dataset::{Dataset, Failure, State};
use crate::{Ports, Result};
use dataset_types::event::VersionFailed;
use jiff::Timestamp;

/// Records why the draft became no version and writes the event to the outbox, in one transaction; then
/// removes its objects. Returns what was written; `None` if the draft had come to an outcome before, or was
/// leased or restarted since it was read.
///
/// # Errors
/// If a port failed; what is left to remove, the sweeper removes.
pub async fn fail(ports: &Ports, draft: &Dataset, failure: Failure) -> Result<Option<FailedDraft>> {
    let failed = record(ports, draft, failure, None).await?;
    if failed.is_some() {
        clean_up(ports, draft).await?;
    }
    Ok(failed)
}

/// The transaction. The objects are due to be removed at `clean_at`, if that is later than soon.
pub(super) async fn record(
    ports: &Ports,
    draft: &Dataset,
    failure: Failure,
    clean_at: Option<Timestamp>,
) -> Result<Option<FailedDraft>> {
    let State::Draft { due_at, lost_leases, .. } = draft.state else {
        return Ok(None);
    };
    let event = OutboxEntry::new(ports, draft.workspace_id, draft.user_id, VersionFailed::new(draft.id, &failure))?;
    let failed = FailedDraft {
        dataset_id: draft.id,
        due_at,
        lost_leases,
        finished_at: ports.clock.now(),
        clean_at: clean_at.map_or(event.due_at, |at| at.max(event.due_at)),
        event,
        failure,
    };
    Ok(ports.catalog.fail(&failed).await?.then_some(failed))
}
