//! One uploaded file to its outcome.

use crate::Processor;
use crate::pipe::{self, ObjectReader, PartWriter};
use dataset_core::catalog::{Claim, Claimed};
use dataset_core::dataset::{Column, Contents, Dataset, Failure, State, draft_of, patience};
use dataset_core::id::DatasetId;
use dataset_core::lifecycle::{Lifecycle, after};
use dataset_core::upload::Format;
use dataset_core::{Error, Kind, Result};
use dataset_formats::{DataError, Error as FormatError, Summary, convert};
use jiff::Timestamp;
use lambda_runtime::Context;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// As much is shown of a column's name, which can be of any length.
const MAX_NAME_CHARS: usize = 255;

/// The least time that a claim is for, where a runtime tells no deadline.
const MIN_CLAIM: Duration = Duration::from_secs(60);

/// Whether a file was good or not, and what it holds if it was.
type Parsed = std::result::Result<Contents, Failure>;

/// Takes the upload at `key` to its outcome, unless it has one or another
/// invocation is at it.
pub(crate) async fn ingest(processor: &Processor, key: &str, context: &Context) -> Result<()> {
    let lifecycle = &processor.lifecycle;
    let Some(id) = draft_of(key) else {
        tracing::warn!(key, "object is no upload; it is left where it is");
        return Ok(());
    };
    let claim = claim(processor, context)?;
    match lifecycle.catalog.claim(id, &claim).await? {
        Claimed::Yours(draft) => {
            if let Err(fault) = process(processor, &draft).await {
                return let_go(processor, &draft, &claim, fault).await;
            }
        }
        Claimed::Busy => {
            tracing::info!(dataset_id = id.get(), "upload is being processed by another invocation");
            return Ok(());
        }
        Claimed::Final(dataset) => finish(processor, &dataset).await?,
        Claimed::Unknown if lifecycle.catalog.withdrawn(id).await?.is_some() => {
            tracing::info!(dataset_id = id.get(), "upload was taken back; the sweeper removes its object");
            return Ok(());
        }
        Claimed::Unknown => {
            // The draft comes before its object, so this is no upload of ours to delete.
            tracing::error!(dataset_id = id.get(), "object has no draft; it is left where it is");
            return Ok(());
        }
    }
    hand_over(processor, id).await;
    Ok(())
}

fn claim(processor: &Processor, context: &Context) -> Result<Claim> {
    let now = processor.lifecycle.clock.now();
    let deadline = i64::try_from(context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let least = after(now, MIN_CLAIM)?;
    Ok(Claim { owner: context.request_id.clone(), now, until: deadline.map_or(least, |d| d.max(least)) })
}

/// What kept an upload from its outcome.
#[derive(Debug)]
pub(crate) enum Fault {
    NoObject,
    /// Something that it takes to process any file. It may work the next time.
    Elsewhere(Error),
    /// The file is too much for the parser, as it may be each time.
    Parser(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Elsewhere(error)
    }
}

/// Leaves a draft to the next try. Its claim counts against it only if the file
/// is what brought the parser down.
async fn let_go(processor: &Processor, draft: &Dataset, claim: &Claim, fault: Fault) -> Result<()> {
    let Lifecycle { catalog, clock, .. } = &processor.lifecycle;
    let State::Draft { restarts, .. } = draft.state else {
        return Err(Error::internal("only a draft is processed"));
    };
    match fault {
        Fault::NoObject => {
            // The draft waits for its file as before; the sweeper knows until when.
            tracing::warn!(dataset_id = draft.id.get(), "no object to process");
            catalog.unclaim(draft.id, &claim.owner, draft.file_due_at).await.map(drop)
        }
        Fault::Elsewhere(error) => {
            let due_at = after(clock.now(), patience(restarts))?;
            if let Err(error) = catalog.unclaim(draft.id, &claim.owner, due_at).await {
                tracing::warn!(dataset_id = draft.id.get(), error = error.chain(), "the claim is left to its end");
            }
            Err(error)
        }
        Fault::Parser(error) => Err(error),
    }
}

pub(crate) async fn process(processor: &Processor, draft: &Dataset) -> Result<(), Fault> {
    let lifecycle = &processor.lifecycle;
    let started = lifecycle.clock.now();
    let parsed = parse(processor, draft).await?;
    let parse_ms = lifecycle.clock.ms_since(started);
    let bytes = draft.file_size_bytes;
    match parsed {
        Ok(contents) => {
            let version = lifecycle.publish(draft, &contents).await?;
            if version.is_none() {
                return Ok(overtaken(processor, draft).await?);
            }
            let rows = contents.row_count;
            tracing::info!(dataset_id = draft.id.get(), version, rows, bytes, parse_ms, "version published");
        }
        Err(failure) => {
            let (code, row, line) = (failure.code.clone(), failure.row, failure.line);
            lifecycle.discard(draft, failure).await?;
            tracing::info!(dataset_id = draft.id.get(), code, row, line, bytes, parse_ms, "upload refused");
        }
    }
    Ok(())
}

/// Another brought the draft to an outcome in the meantime. Unless that is a
/// version, the rows that were just written are no one's.
async fn overtaken(processor: &Processor, draft: &Dataset) -> Result<()> {
    let now = processor.lifecycle.catalog.dataset(draft.id).await?;
    if !now.is_some_and(|dataset| matches!(dataset.state, State::Ready { .. })) {
        tracing::warn!(dataset_id = draft.id.get(), "draft was given up while it was processed");
        processor.lifecycle.clean(draft).await?;
    }
    Ok(())
}

/// What an invocation may have left when it died behind the transaction.
async fn finish(processor: &Processor, dataset: &Dataset) -> Result<()> {
    if matches!(dataset.state, State::Failed { .. }) {
        // Also an object that came after its draft had expired: its outcome
        // was told long ago, so it can only be removed.
        tracing::warn!(dataset_id = dataset.id.get(), "object of a failed upload is removed");
        processor.lifecycle.clean(dataset).await?;
    }
    Ok(())
}

/// Tells the receivers now. If that fails the outbox still has the outcome,
/// and the sweeper will.
async fn hand_over(processor: &Processor, id: DatasetId) {
    if let Err(error) = processor.lifecycle.hand_over(id).await {
        tracing::warn!(dataset_id = id.get(), error = error.chain(), "outcome is left in the outbox");
    }
}

/// Reads the file and writes its rows.
async fn parse(processor: &Processor, draft: &Dataset) -> Result<Parsed, Fault> {
    let blobs = &processor.lifecycle.blobs;
    let rows = blobs.write_new(&draft.rows_key(), "application/vnd.apache.parquet").await?;
    let (out, parts) = PartWriter::new();
    let storing = tokio::spawn(pipe::store(rows, parts));
    let converting = tokio::task::spawn_blocking({
        let (runtime, blobs, key) = (Handle::current(), Arc::clone(blobs), draft.upload_key());
        let length = draft.file_size_bytes;
        let (format, limits) = (format_of(draft), Arc::clone(&processor.limits));
        move || {
            let mut out = out;
            let mut source = || ObjectReader::open(&runtime, &blobs, &key, length);
            let summary = convert(format, &mut source, &mut out, &limits)?;
            out.finish()?;
            Ok(summary)
        }
    });
    let converted: Result<Summary, FormatError> = converting.await.map_err(died)?;
    let (rows, stored) = storing.await.map_err(died)?;
    let problem = match (converted, stored) {
        (Ok(summary), Ok(())) => {
            return match rows.finish().await {
                // An earlier try stored them; the same file gives the same rows.
                Err(error) if error.kind() != Kind::Conflict => Err(error.into()),
                _ => Ok(Ok(contents(summary))),
            };
        }
        (Err(FormatError::Data(error)), _) => Ok(Err(failure(error))),
        (_, Err(error)) => Err(error.into()),
        (Err(FormatError::Io(error)), _) => Err(match pipe::unpack(error) {
            error if error.kind() == Kind::NotFound => Fault::NoObject,
            error => error.into(),
        }),
        (Err(error), _) => {
            Err(Fault::Parser(Error::internal("the rows could not be written as Parquet").because(error)))
        }
    };
    if let Err(error) = rows.abort().await {
        // The bucket's lifecycle rule removes what is left of it.
        tracing::warn!(
            dataset_id = draft.id.get(),
            error = error.chain(),
            "unfinished rows are left to the lifecycle rule"
        );
    }
    problem
}

fn format_of(draft: &Dataset) -> dataset_formats::Format {
    match draft.file_name.format() {
        Format::Csv => dataset_formats::Format::Csv,
        Format::Json => dataset_formats::Format::Json,
    }
}

fn contents(summary: Summary) -> Contents {
    let columns = summary.columns.into_iter().map(|column| column.name).collect();
    Contents { columns, row_count: summary.rows }
}

/// A name of megabytes would not fit into what is kept and sent of a failure.
fn shortened(name: String) -> String {
    match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

#[cfg(test)]
#[test]
fn a_name_is_shown_as_far_as_it_can_be() {
    assert_eq!(shortened("é".repeat(255)), "é".repeat(255));
    assert_eq!(shortened("é".repeat(100_000)), "é".repeat(255) + "…");
}

fn failure(error: DataError) -> Failure {
    Failure {
        message: placed(&error),
        code: error.code.to_owned(),
        row: error.row,
        line: error.line,
        column: error.column_name.map(shortened).map(Column::Name).or(error.column.map(Column::Index)),
    }
}

/// The message with its place in words, for who sees nothing else.
fn placed(error: &DataError) -> String {
    let parts = [("row", error.row), ("line", error.line), ("column", error.column)];
    let place: Vec<String> = parts.iter().filter_map(|(name, n)| n.map(|n| format!("{name} {n}"))).collect();
    if place.is_empty() { error.message.clone() } else { format!("{}: {}", place.join(", "), error.message) }
}

fn died(error: tokio::task::JoinError) -> Fault {
    Fault::Parser(Error::internal("the parser stopped unexpectedly").because(error))
}
