//! Identifiers for new items.

use crate::Api;
use dataset_core::{Error, Kind, Result, ids};
use futures::future::BoxFuture;
use jiff::Timestamp;

/// Attempts when an identifier is in use.
const MAX_TRIES: usize = 8;

/// Calls `create` with a new identifier and the time, and again with another while the identifier is in use.
pub(super) async fn with_fresh_id<'a, T, I>(
    api: &Api,
    create: impl Fn(I, Timestamp) -> BoxFuture<'a, Result<T>>,
) -> Result<T>
where
    I: TryFrom<u64>,
{
    for _ in 0..MAX_TRIES {
        let now = api.ports.clock.now();
        match create(fresh_id(api, now)?, now).await {
            Err(error) if error.kind() == Kind::AlreadyExists => {}
            result => return result,
        }
    }
    Err(Error::unavailable("no free identifier was found"))
}

pub(super) fn fresh_id<I: TryFrom<u64>>(api: &Api, now: Timestamp) -> Result<I> {
    let id = I::try_from(ids::time_ordered(api.ports.ids.as_ref(), now));
    id.map_err(|_| Error::internal("an identifier is out of range"))
}
