//! From a draft to its one outcome, and from the outcome to the receivers.
//!
//! Each step may be repeated, and the process may die between any two:
//!
//! - publishing and discarding are one transaction each, which also writes
//!   the outcome to the outbox, so there is never an outcome that no one is
//!   told of;
//! - handing over creates the deliveries, then fills the queue, then closes
//!   the outbox entry; deliveries have derived ids, so a repeat adds none;
//! - what is left open has a due time, by which the sweeper finds it.

use crate::blobs::Blobs;
use crate::catalog::{Catalog, Discard, OutboxEntry, Publication, Published};
use crate::clock::Clock;
use crate::dataset::{Contents, Dataset, Failure, State, rows_key, upload_key};
use crate::deliveries::Deliveries;
use crate::delivery::{Delivery, DeliveryId, DeliveryKey, DeliveryState, QUEUE_GRACE};
use crate::event::{Event, Outcome};
use crate::id::DatasetId;
use crate::ids::{Ids, full_jitter};
use crate::queue::Queue;
use crate::receivers::Receivers;
use crate::{Error, Result};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How often one publication goes for a number before it leaves the rest to
/// a retry of the whole event.
const MAX_PUBLISH_TRIES: u32 = 30;

const FIRST_PUBLISH_WAIT: Duration = Duration::from_millis(20);
const MAX_PUBLISH_WAIT: Duration = Duration::from_millis(640);

/// Deliveries that are stored together, and then on their way while others are stored.
const DELIVERIES_AT_ONCE: usize = 20;
const CHUNKS_AT_ONCE: usize = 4;

#[derive(Clone)]
pub struct Lifecycle {
    pub catalog: Arc<dyn Catalog>,
    pub receivers: Arc<dyn Receivers>,
    pub deliveries: Arc<dyn Deliveries>,
    pub blobs: Arc<dyn Blobs>,
    pub queue: Arc<dyn Queue>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
}

impl Lifecycle {
    /// Makes the draft the next version of its group. `None` if it had come
    /// to an outcome before; else the version's number.
    ///
    /// # Errors
    /// `Unavailable` if too many others publish into the group, or a port failed.
    pub async fn publish(&self, draft: &Dataset, contents: &Contents) -> Result<Option<u64>> {
        let mut most = FIRST_PUBLISH_WAIT;
        for _ in 0..MAX_PUBLISH_TRIES {
            let group =
                self.catalog.group(draft.group_id).await?.ok_or_else(|| {
                    Error::internal(format!("group {} of draft {} is gone", draft.group_id, draft.id))
                })?;
            let version = group.latest_version + 1;
            let now = self.clock.now();
            let publication = Publication {
                dataset_id: draft.id,
                group_id: draft.group_id,
                version,
                finished_at: now,
                contents: contents.clone(),
                outcome: outbox_entry(draft, Outcome::Created { dataset_id: draft.id, version }, now)?,
            };
            match self.catalog.publish(&publication).await? {
                Published::Done => return Ok(Some(version)),
                Published::NotADraft => return Ok(None),
                Published::NumberTaken => {
                    self.clock.sleep(full_jitter(self.ids.as_ref(), most)).await;
                    most = (most * 2).min(MAX_PUBLISH_WAIT);
                }
            }
        }
        Err(Error::unavailable(format!("too many versions are being published into group {}", draft.group_id)))
    }

    /// Records why the draft became no version and removes what was stored
    /// for it. `false` if it had come to an outcome before, or if someone has
    /// claimed or started it since it was read.
    pub async fn discard(&self, draft: &Dataset, failure: Failure) -> Result<bool> {
        let State::Draft { due_at, claims, .. } = draft.state else {
            return Ok(false);
        };
        let now = self.clock.now();
        let discarded = self
            .catalog
            .discard(&Discard {
                dataset_id: draft.id,
                due_at,
                claims,
                finished_at: now,
                failure: failure.clone(),
                outcome: outbox_entry(draft, Outcome::Failed { dataset_id: draft.id, failure }, now)?,
            })
            .await?;
        if discarded {
            self.clean(draft).await?;
        }
        Ok(discarded)
    }

    /// Removes what a failed draft had stored.
    pub async fn clean(&self, failed: &Dataset) -> Result<()> {
        self.blobs.delete(&failed.rows_key()).await?;
        self.blobs.delete(&failed.upload_key()).await?;
        self.catalog.cleaned(failed.id).await
    }

    /// Removes what a withdrawn draft had stored, once no one can be at it any
    /// more. There is nothing to do if it was none.
    pub async fn clean_withdrawn(&self, id: DatasetId) -> Result<()> {
        let Some((group, clean_at)) = self.catalog.withdrawn(id).await? else {
            return Ok(());
        };
        if clean_at > self.clock.now() {
            return Ok(());
        }
        self.blobs.delete(&rows_key(group, id)).await?;
        self.blobs.delete(&upload_key(id)).await?;
        self.catalog.forget_withdrawn(id).await
    }

    /// Tells every receiver of the workspace of the outcome, by way of its
    /// deliveries and the queue. Without an open entry there is nothing to do.
    pub async fn hand_over(&self, id: DatasetId) -> Result<()> {
        let Some(entry) = self.catalog.outbox_entry(id).await? else {
            return Ok(());
        };
        let receivers = self.receivers.receivers(entry.workspace_id).await?;
        let now = self.clock.now();
        let deliveries: Vec<Delivery> = receivers
            .into_iter()
            .filter(|receiver| receiver.wants(entry.event_type))
            .map(|receiver| Delivery {
                key: DeliveryKey {
                    workspace_id: entry.workspace_id,
                    receiver_id: receiver.id,
                    delivery_id: DeliveryId::of_outcome(entry.dataset_id, receiver.id),
                },
                event_type: entry.event_type,
                body: entry.body.clone(),
                created_at: now,
                // What a disabled receiver misses can be recovered later.
                state: if receiver.disabled.is_some() { DeliveryState::Failed } else { DeliveryState::fresh(now) },
                attempts: Vec::new(),
            })
            .collect();
        let begin: Vec<_> = deliveries.chunks(DELIVERIES_AT_ONCE).map(|some| self.begin(some)).collect();
        stream::iter(begin).buffer_unordered(CHUNKS_AT_ONCE).try_collect::<()>().await?;
        self.catalog.close_outbox_entry(id).await
    }

    /// Stores deliveries, and has those attempted that are due.
    async fn begin(&self, deliveries: &[Delivery]) -> Result<()> {
        self.deliveries.create_deliveries(deliveries).await?;
        let pending = deliveries.iter().filter(|delivery| delivery.state != DeliveryState::Failed);
        let pending: Vec<DeliveryKey> = pending.map(|delivery| delivery.key.clone()).collect();
        self.queue.send(&pending, Duration::ZERO).await
    }
}

fn outbox_entry(draft: &Dataset, outcome: Outcome, now: Timestamp) -> Result<OutboxEntry> {
    let event = Event { workspace_id: draft.workspace_id, user_id: draft.user_id, at: now, outcome };
    Ok(OutboxEntry {
        dataset_id: draft.id,
        workspace_id: draft.workspace_id,
        event_type: event.event_type(),
        body: event.body(),
        due_at: after(now, QUEUE_GRACE)?,
    })
}

/// `at` plus `duration`.
pub fn after(at: Timestamp, duration: Duration) -> Result<Timestamp> {
    at.checked_add(duration).map_err(|e| Error::internal("the time is out of range").because(e))
}
