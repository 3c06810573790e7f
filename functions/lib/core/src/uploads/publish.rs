//! A draft becomes a version.

use super::clean_up;
use crate::catalog::{OutboxEntry, Publication, Published};
use crate::dataset::{Contents, Dataset, State};
use crate::group::Group;
use crate::ids::full_jitter;
use crate::{Error, Ports, Result};
use dataset_types::event::VersionCreated;
use std::time::Duration;

/// Attempts at the next version number before the event is retried.
const MAX_ATTEMPTS: u32 = 30;

const FIRST_WAIT: Duration = Duration::from_millis(20);
const MAX_WAIT: Duration = Duration::from_millis(640);

/// Makes the draft the next version of its group, and writes the event to the outbox, in one transaction.
/// Returns what was written; `None` if the draft had come to an outcome before.
///
/// # Errors
/// `Unavailable` if too many others publish into the group, or a port failed.
pub async fn publish(ports: &Ports, draft: &Dataset, contents: &Contents) -> Result<Option<Publication>> {
    publish_into(ports, draft, contents, group_of(ports, draft).await?).await
}

/// The group of a draft, as it is now.
///
/// # Errors
/// If a port failed.
pub async fn group_of(ports: &Ports, draft: &Dataset) -> Result<Group> {
    let group = ports.catalog.group(draft.group_id).await?;
    group.ok_or_else(|| Error::internal(format!("group {} of draft {} is gone", draft.group_id, draft.id)))
}

/// The same, for who has read the group just now.
///
/// # Errors
/// As [`publish`].
pub async fn publish_into(
    ports: &Ports,
    draft: &Dataset,
    contents: &Contents,
    mut group: Group,
) -> Result<Option<Publication>> {
    let mut most = FIRST_WAIT;
    for _ in 0..MAX_ATTEMPTS {
        let version = group.latest_version + 1;
        let details = VersionCreated { dataset_id: draft.id, dataset_version_number: version };
        let publication = Publication {
            dataset_id: draft.id,
            group_id: draft.group_id,
            is_group_deleted: group.is_deleted,
            version,
            finished_at: ports.clock.now(),
            contents: contents.clone(),
            event: OutboxEntry::new(ports, draft.workspace_id, draft.user_id, details)?,
        };
        match ports.catalog.publish(&publication).await? {
            Published::Done => return Ok(Some(publication)),
            Published::NotADraft => {
                remove_unowned_rows(ports, draft).await?;
                return Ok(None);
            }
            Published::NumberTaken => {
                ports.clock.sleep(full_jitter(ports.ids.as_ref(), most)).await;
                most = (most * 2).min(MAX_WAIT);
                group = group_of(ports, draft).await?;
            }
        }
    }
    Err(Error::unavailable(format!("too many versions are being published into group {}", draft.group_id)))
}

/// The draft got another outcome meanwhile. Unless that is a version, the rows that
/// were just written belong to nothing.
async fn remove_unowned_rows(ports: &Ports, draft: &Dataset) -> Result<()> {
    let now = ports.catalog.dataset(draft.id).await?;
    if !now.is_some_and(|dataset| matches!(dataset.state, State::Ready { .. })) {
        tracing::warn!(dataset_id = draft.id.get(), "draft ended while it was processed");
        clean_up(ports, draft).await?;
    }
    Ok(())
}
