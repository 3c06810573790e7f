//! The Lambda on a schedule: does what is overdue.
//!
//! Queues and events make things happen soon; this makes them happen at all. It expires drafts whose file
//! never came, starts those whose event was lost, cleans up after failures, relays events that are still in
//! the outbox and puts overdue deliveries back on the queue. It also takes what AWS Lambda sends when the
//! processor has failed for the last time.

mod given_up;
mod sweep;

use dataset_core::{Ports, uploads};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

/// Handles the schedule's event, or one from the processor's failure destination.
///
/// # Errors
/// If what is overdue could not be read, or an upload that was given up could not be looked at.
pub async fn handle(event: LambdaEvent<Value>, ports: &Ports) -> Result<(), Error> {
    if event.payload.get("requestPayload").is_some() {
        for id in given_up::drafts(event.payload, ports.blobs.as_ref())? {
            // The reason may be a transient fault, so the draft is handled like any other that is due.
            uploads::expire(ports, id).await.inspect_err(|e| log("upload could not be looked at", e))?;
        }
    } else {
        let deadline = i64::try_from(event.context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        sweep::sweep(ports, deadline).await.inspect_err(|e| log("what is overdue could not be read", e))?;
    }
    Ok(())
}

fn log(what: &str, error: &dataset_core::Error) {
    tracing::error!(kind = ?error.kind(), error = error.chain(), "{what}; it will be tried again");
}

#[cfg(test)]
mod tests;
