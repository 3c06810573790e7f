//! Removes what is left of drafts that became no version.

use crate::blobs::Object;
use crate::clock::after;
use crate::dataset::{Dataset, WITHDRAWN_GRACE};
use crate::id::DatasetId;
use crate::{Ports, Result};

/// Withdraws a draft that no one was told of. Its file is removed now, if possible, and again when no
/// function can be working on it any more. `false` if the draft has an outcome, which stays.
///
/// # Errors
/// If the table failed.
pub async fn withdraw(ports: &Ports, draft: &Dataset) -> Result<bool> {
    if !ports.catalog.withdraw(draft, after(ports.clock.now(), WITHDRAWN_GRACE)?).await? {
        return Ok(false);
    }
    if let Err(error) = ports.blobs.delete(draft.upload()).await {
        tracing::warn!(dataset_id = draft.id.get(), error = error.chain(), "an object is left to the sweeper");
    }
    Ok(true)
}

/// Removes the objects of a withdrawn draft, once no function can be working
/// on it any more. Does nothing if there is no such draft.
///
/// # Errors
/// If a port failed; the sweeper comes again.
pub async fn clean_up_withdrawn(ports: &Ports, id: DatasetId) -> Result<()> {
    let Some((group, clean_at)) = ports.catalog.withdrawn(id).await? else {
        return Ok(());
    };
    if clean_at > ports.clock.now() {
        return Ok(());
    }
    ports.blobs.delete(Object::Rows(group, id)).await?;
    ports.blobs.delete(Object::Upload(id)).await?;
    ports.catalog.forget_withdrawn(id).await
}

/// Removes the objects of a failed draft.
///
/// # Errors
/// If a port failed; the sweeper comes again.
pub async fn clean_up(ports: &Ports, failed: &Dataset) -> Result<()> {
    remove_objects(ports, failed).await?;
    ports.catalog.cleaned_up(failed.id).await
}

/// The same, where there may be more of them until the sweeper comes.
///
/// # Errors
/// If a port failed.
pub async fn remove_objects(ports: &Ports, failed: &Dataset) -> Result<()> {
    ports.blobs.delete(failed.rows()).await?;
    ports.blobs.delete(failed.upload()).await
}
