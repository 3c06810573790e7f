//! A draft's owner takes it back.

use super::fail::record;
use crate::catalog::FailedDraft;
use crate::dataset::{Dataset, State, taken_back};
use crate::{Error, Ports, Result};

/// Attempts when a processor leases the draft at the same time.
const MAX_TRIES: usize = 5;

/// Fails the draft as `withdrawn`. Whatever there is of it is removed when it would have been due: by then no processor
/// is at work on it, and its upload has expired. `None` if it has come to an outcome.
///
/// # Errors
/// If a port failed, or too many others change the draft.
pub async fn take_back(ports: &Ports, draft: &Dataset) -> Result<Option<FailedDraft>> {
    let mut draft = draft.clone();
    for _ in 0..MAX_TRIES {
        let State::Draft { due_at, .. } = draft.state else {
            return Ok(None);
        };
        let failed = record(ports, &draft, taken_back(), Some(due_at)).await?;
        if failed.is_some() {
            return Ok(failed);
        }
        let Some(now) = ports.catalog.dataset(draft.id).await? else {
            return Ok(None);
        };
        draft = now;
    }
    Err(Error::unavailable("the draft is being changed by others"))
}
