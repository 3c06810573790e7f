//! The Lambda on S3 events: a stored file becomes a version, or a failure.
//!
//! For each object of an event: lease its draft, stream it, check every row, write the rows as Parquet,
//! publish. A bad file is no error of this function: its draft fails and the event is done. A fault that may
//! pass is an `Err`, so that the event comes again; whatever was finished by then is found finished.

mod event;
mod ingest;
mod pipe;

use dataset_core::Ports;
use dataset_formats::Limits;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use std::sync::Arc;

pub struct Processor {
    pub ports: Ports,
    pub limits: Arc<Limits>,
}

/// Handles an S3 event, with any number of records.
///
/// # Errors
/// The first fault that another try may mend; every record has been tried.
pub async fn handle(event: LambdaEvent<Value>, processor: &Processor) -> Result<(), Error> {
    let mut fault = None;
    for key in event::keys(event.payload)? {
        if let Err(error) = ingest::ingest(processor, &key, &event.context).await {
            tracing::error!(
                key,
                kind = ?error.kind(),
                error = error.chain(),
                "upload not processed; it will be tried again"
            );
            fault.get_or_insert(error);
        }
    }
    fault.map_or(Ok(()), |error| Err(error.into()))
}

#[cfg(test)]
mod tests;
