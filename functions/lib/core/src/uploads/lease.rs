//! One processor at a time for a draft.

use crate::catalog::{LeaseRequest, Leased};
use crate::clock::after;
use crate::dataset::{Dataset, State, backoff};
use crate::id::DatasetId;
use crate::{Error, Ports, Result};
use jiff::Timestamp;
use std::time::Duration;

/// The minimum lease, for runtimes without a deadline.
const MIN_LEASE: Duration = Duration::from_secs(60);

/// Leases a draft to one invocation of the processor, which ends at `deadline`. A
/// retry of the invocation has the same owner, and takes over its lease.
///
/// # Errors
/// If the table failed.
pub async fn acquire_lease(ports: &Ports, id: DatasetId, owner: &str, deadline: Option<Timestamp>) -> Result<Leased> {
    let now = ports.clock.now();
    let least = after(now, MIN_LEASE)?;
    let until = deadline.map_or(least, |deadline| deadline.max(least));
    ports.catalog.acquire_lease(id, &LeaseRequest { owner: owner.to_owned(), now, until }).await
}

/// Why a lease ends without an outcome.
#[derive(Debug)]
pub enum Interruption {
    /// The file has not come yet.
    NoFile,
    /// A dependency failed, which is no fault of the file.
    Dependency(Error),
    /// The file brought the parser down, and may do so every time.
    Parser(Error),
}

impl From<Error> for Interruption {
    fn from(error: Error) -> Self {
        Self::Dependency(error)
    }
}

/// Releases a lease. It counts as lost, and so against the draft, only if the file brought the parser down.
///
/// # Errors
/// What interrupted it, if the event should come again.
pub async fn release_lease(ports: &Ports, draft: &Dataset, owner: &str, why: Interruption) -> Result<()> {
    match why {
        Interruption::NoFile => {
            // The draft waits for its file as before.
            ports.catalog.release_lease(draft.id, owner, draft.file_due_at).await.map(drop)
        }
        Interruption::Dependency(error) => {
            let State::Draft { restarts, .. } = draft.state else {
                return Err(error);
            };
            let due_at = after(ports.clock.now(), backoff(restarts))?;
            if let Err(error) = ports.catalog.release_lease(draft.id, owner, due_at).await {
                tracing::warn!(dataset_id = draft.id.get(), error = error.chain(), "the lease is left to its end");
            }
            Err(error)
        }
        Interruption::Parser(error) => Err(error),
    }
}
