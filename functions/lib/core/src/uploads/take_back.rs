//! A draft's owner takes it back.

use super::fail::record;
use crate::catalog::FailedDraft;
use crate::dataset::{Dataset, State, taken_back};
use crate::{Error, Ports, Result};

/// Attempts when a processor leases the draft at the same time.
const MAX_TRIES: usize = 5;

/// Fails the draft as `withdrawn`. Its file is removed now, and whatever there is of it when it would have been due: by
/// then no processor is at work on it, and its upload has expired. `None` if it has come to an outcome.
///
/// # Errors
/// If a port failed; what is left to remove, the sweeper removes.
pub async fn take_back(ports: &Ports, draft: &Dataset) -> Result<Option<FailedDraft>> {
    let mut draft = draft.clone();
    for _ in 0..MAX_TRIES {
        let State::Draft { due_at, .. } = draft.state else {
            return Ok(None);
        };
        if let Some(failed) = record(ports, &draft, taken_back(), Some(due_at)).await? {
            if let Err(error) = ports.blobs.delete(draft.upload()).await {
                tracing::warn!(dataset_id = draft.id.get(), error = error.chain(), "a file is left to the sweeper");
            }
            return Ok(Some(failed));
        }
        let Some(now) = ports.catalog.dataset(draft.id).await? else {
            return Ok(None);
        };
        draft = now;
    }
    Err(Error::unavailable("the draft is being changed by others"))
}
