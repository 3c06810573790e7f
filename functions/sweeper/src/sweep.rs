//! One pass over what is overdue.

use dataset_core::catalog::Due;
use dataset_core::dataset::{Dataset, Failure, State, patience};
use dataset_core::delivery::DeliveryKey;
use dataset_core::id::DatasetId;
use dataset_core::lifecycle::{Lifecycle, after};
use dataset_core::{Kind, Result};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use std::time::Duration;

/// What one pass takes on; the next comes within a minute or so.
const MAX_DUE: usize = 1_000;

const AT_ONCE: usize = 16;

/// How often a delivery that stays overdue is put on the queue.
const REMIND_EVERY: Duration = Duration::from_secs(5 * 60);

/// A draft that has been claimed this often for nothing brings its processor down.
const MAX_CLAIMS: u32 = 5;

/// About a day: what keeps a file from being processed for longer is no
/// passing fault, and its sender should know.
const MAX_RESTARTS: u32 = 100;

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

pub(crate) async fn settle_dataset(lifecycle: &Lifecycle, id: DatasetId) -> Result<()> {
    let Some(dataset) = lifecycle.catalog.dataset(id).await? else {
        return lifecycle.clean_withdrawn(id).await;
    };
    match dataset.state {
        // The index may be behind: it is looked at again as it is now.
        State::Draft { due_at, .. } if due_at > lifecycle.clock.now() => Ok(()),
        State::Draft { due_at, claims, restarts } => {
            let may_start = claims < MAX_CLAIMS && restarts < MAX_RESTARTS;
            match lifecycle.blobs.size(&dataset.upload_key()).await? {
                Some(_) if may_start => start_again(lifecycle, &dataset, due_at, restarts).await,
                Some(_) => fail(lifecycle, &dataset, Failure::processing_failed()).await,
                None => fail(lifecycle, &dataset, Failure::upload_expired()).await,
            }
        }
        State::Failed { .. } => {
            lifecycle.clean(&dataset).await?;
            lifecycle.hand_over(id).await
        }
        State::Ready { .. } => Ok(()),
    }
}

async fn start_again(lifecycle: &Lifecycle, draft: &Dataset, due_at: Timestamp, restarts: u32) -> Result<()> {
    let next = after(lifecycle.clock.now(), patience(restarts + 1))?;
    if !lifecycle.catalog.restart(draft.id, due_at, next).await? {
        return Ok(());
    }
    tracing::warn!(dataset_id = draft.id.get(), restarts, "upload is started again");
    match lifecycle.blobs.announce(&draft.upload_key()).await {
        // Discarded in this moment.
        Err(error) if error.kind() == Kind::NotFound => Ok(()),
        result => result,
    }
}

async fn fail(lifecycle: &Lifecycle, draft: &Dataset, failure: Failure) -> Result<()> {
    let code = failure.code.clone();
    if lifecycle.discard(draft, failure).await? {
        tracing::warn!(dataset_id = draft.id.get(), code, "draft failed");
    }
    lifecycle.hand_over(draft.id).await
}
