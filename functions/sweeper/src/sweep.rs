//! One pass over what is overdue.

use dataset_core::catalog::Due;
use dataset_core::dataset::{DRAFT_LIFETIME, Dataset, Failure, State};
use dataset_core::delivery::DeliveryKey;
use dataset_core::id::DatasetId;
use dataset_core::lifecycle::{Lifecycle, after};
use dataset_core::{Kind, Result};
use futures::{StreamExt, stream};
use std::time::Duration;

/// What one pass takes on; the next comes within a minute or so.
const MAX_DUE: usize = 1_000;

const AT_ONCE: usize = 16;

/// How often a delivery that stays overdue is put on the queue.
const REMIND_EVERY: Duration = Duration::from_secs(5 * 60);

/// A draft that has been claimed this often brings its processor down.
const MAX_CLAIMS: u32 = 5;

pub(crate) async fn sweep(lifecycle: &Lifecycle) -> Result<()> {
    let due = lifecycle.catalog.due(lifecycle.clock.now(), MAX_DUE).await?;
    let found = due.len();
    let done = stream::iter(due).map(|due| settle(lifecycle, due)).buffer_unordered(AT_ONCE);
    let faults: Vec<_> = done.filter_map(|result| async { result.err() }).collect().await;
    if found > 0 {
        tracing::info!(overdue = found, failed = faults.len(), "swept");
    }
    faults.into_iter().next().map_or(Ok(()), Err)
}

async fn settle(lifecycle: &Lifecycle, due: Due) -> Result<()> {
    let result = match &due {
        Due::Dataset(id) => settle_dataset(lifecycle, *id).await,
        Due::Outbox(id) => lifecycle.hand_over(*id).await,
        Due::Delivery(key) => remind(lifecycle, key).await,
    };
    if let Err(error) = &result {
        tracing::error!(?due, error = error.chain(), "overdue work failed; the next pass tries again");
    }
    result
}

/// Puts a delivery on the queue again. What is stuck there, for whatever
/// reason, makes room for the others until it is its turn again.
async fn remind(lifecycle: &Lifecycle, key: &DeliveryKey) -> Result<()> {
    let now = lifecycle.clock.now();
    lifecycle.queue.send(std::slice::from_ref(key), Duration::ZERO).await?;
    lifecycle.deliveries.reminded(key, now, after(now, REMIND_EVERY)?).await
}

async fn settle_dataset(lifecycle: &Lifecycle, id: DatasetId) -> Result<()> {
    let Some(dataset) = lifecycle.catalog.dataset(id).await? else {
        return lifecycle.clean_withdrawn(id).await;
    };
    match dataset.state {
        // The index may be behind: it is looked at again as it is now.
        State::Draft { due_at, .. } if due_at > lifecycle.clock.now() => Ok(()),
        State::Draft { claims, .. } => settle_draft(lifecycle, &dataset, claims).await,
        State::Failed { .. } => {
            lifecycle.clean(&dataset).await?;
            lifecycle.hand_over(id).await
        }
        State::Ready { .. } => Ok(()),
    }
}

async fn settle_draft(lifecycle: &Lifecycle, draft: &Dataset, claims: u32) -> Result<()> {
    let id = draft.id;
    let file_is_there = lifecycle.blobs.size(&draft.upload_key()).await?.is_some();
    if file_is_there && claims < MAX_CLAIMS {
        tracing::warn!(dataset_id = id.get(), claims, "upload is started again");
        lifecycle.catalog.release(id, after(lifecycle.clock.now(), DRAFT_LIFETIME)?).await?;
        return match lifecycle.blobs.announce(&draft.upload_key()).await {
            // Discarded in this moment.
            Err(error) if error.kind() == Kind::NotFound => Ok(()),
            result => result,
        };
    }
    let failure = if file_is_there { Failure::processing_failed() } else { Failure::upload_expired() };
    let code = failure.code.clone();
    if lifecycle.discard(draft, failure).await? {
        tracing::warn!(dataset_id = id.get(), code, "draft expired");
    }
    lifecycle.hand_over(id).await
}
