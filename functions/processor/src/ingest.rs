//! Takes one uploaded file to its outcome.

use crate::Processor;
use crate::pipe::{self, PartWriter, ReadHash, StoredFile};
use dataset_core::catalog::{FailedDraft, Leased, OutboxEntry, Publication};
use dataset_core::dataset::{Contents, Dataset, Failure, State};
use dataset_core::group::Group;
use dataset_core::uploads::{self, Interruption};
use dataset_core::{Error, Kind, Ports, Result, outbox};
use dataset_formats::{Error as FormatError, RowSchema, Summary, convert};
use futures::TryFutureExt;
use jiff::Timestamp;
use lambda_runtime::Context;
use std::io;
use std::sync::Arc;
use tokio::runtime::Handle;

/// The contents of a valid file and the group as it is now, or what is wrong with the file.
type Parsed = std::result::Result<(Contents, Group), Failure>;

/// Takes the upload at `key` to its outcome, unless it has one or another invocation has its lease.
pub(crate) async fn ingest(processor: &Processor, key: &str, context: &Context) -> Result<()> {
    let ports = &processor.ports;
    let Some(id) = ports.blobs.upload_of(key) else {
        tracing::warn!(key, "object is no upload; it is left where it is");
        return Ok(());
    };
    let deadline = i64::try_from(context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    match uploads::acquire_lease(ports, id, &context.request_id, deadline).await? {
        Leased::Yours(draft) => match process(processor, &draft).await {
            Ok(Some(event)) => relay(ports, &event).await,
            Ok(None) => {}
            Err(why) => return uploads::release_lease(ports, &draft, &context.request_id, why).await,
        },
        Leased::Busy => tracing::info!(dataset_id = id.get(), "upload is being processed by another invocation"),
        Leased::Final(dataset) => {
            // An invocation that died may have left objects, or the file came after its draft had expired.
            // The outcome has been told, so they can only be removed.
            if matches!(dataset.state, State::Failed { .. }) {
                tracing::warn!(dataset_id = id.get(), "objects of a failed upload are removed");
                uploads::remove_objects(ports, &dataset).await?;
            }
        }
        Leased::Unknown if ports.catalog.withdrawn(id).await?.is_some() => {
            tracing::info!(dataset_id = id.get(), "upload was withdrawn; the sweeper removes its object");
        }
        Leased::Unknown => {
            // A draft is stored before its object, so this object is not ours to delete.
            tracing::error!(dataset_id = id.get(), "object has no draft; it is left where it is");
        }
    }
    Ok(())
}

/// Takes the draft to its outcome. Returns the event that tells of it; `None` if the
/// draft had an outcome already.
pub(crate) async fn process(processor: &Processor, draft: &Dataset) -> Result<Option<OutboxEntry>, Interruption> {
    let ports = &processor.ports;
    let started = ports.clock.now();
    let parsed = parse(processor, draft).await?;
    let parse_ms = ports.clock.ms_since(started);
    let bytes = draft.file_size_bytes;
    Ok(match parsed {
        Ok((contents, group)) => uploads::publish_into(ports, draft, &contents, group).await?.map(
            |Publication { version, event, .. }| {
                let rows = contents.row_count;
                tracing::info!(dataset_id = draft.id.get(), version, rows, bytes, parse_ms, "version published");
                event
            },
        ),
        Err(failure) => uploads::fail(ports, draft, failure).await?.map(|FailedDraft { failure, event, .. }| {
            let Failure { code, row, line, .. } = failure;
            tracing::info!(dataset_id = draft.id.get(), code, row, line, bytes, parse_ms, "upload refused");
            event
        }),
    })
}

/// Relays the event now. If that fails, the sweeper relays it from the outbox.
async fn relay(ports: &Ports, event: &OutboxEntry) {
    if let Err(error) = outbox::relay(ports, event).await {
        tracing::warn!(event_id = %event.event_id, error = error.chain(), "outcome is left in the outbox");
    }
}

/// Reads the file and writes its rows. While the last of them are stored, it reads the group.
async fn parse(processor: &Processor, draft: &Dataset) -> Result<Parsed, Interruption> {
    let ports = &processor.ports;
    let blobs = &ports.blobs;
    let (object, length) = (draft.upload(), draft.file_size_bytes);
    let opening = async {
        let opened = pipe::chunks(Arc::clone(blobs), object, length).await;
        opened.map_err(|error| if error.kind() == Kind::NotFound { Interruption::NoFile } else { error.into() })
    };
    let (rows, schema, opened) = tokio::try_join!(
        blobs.write_new(draft.rows(), "application/vnd.apache.parquet").map_err(Interruption::from),
        ports.schemas.last_schema(draft.group_id).map_err(Interruption::from),
        opening,
    )?;
    let schema = schema.filter(|schema| !schema.is_removed);
    let schema_version = schema.as_ref().map(|schema| schema.version);
    let (out, parts) = PartWriter::new();
    let storing = tokio::spawn(pipe::store(rows, parts));
    let hash = ReadHash::default();
    let converting = tokio::task::spawn_blocking({
        let (runtime, blobs) = (Handle::current(), Arc::clone(blobs));
        let (hash, opened) = (hash.clone(), Some(opened));
        let mut source = StoredFile { runtime, blobs, object, length, hash, opened };
        let (format, said, limits) = (draft.file_name.format(), draft.said.clone(), Arc::clone(&processor.limits));
        move || {
            let mut out = out;
            let compiled = schema.map(|schema| RowSchema::parse(&schema.text)).transpose().map_err(io::Error::other)?;
            let summary = convert(format, &said, &mut source, &mut out, &limits, compiled.as_ref())?;
            out.finish()?;
            Ok(summary)
        }
    });
    let converted: Result<Summary, FormatError> = converting.await.map_err(died)?;
    let (rows, stored) = storing.await.map_err(died)?;
    let problem = match (converted, stored) {
        (Ok(summary), Ok(rows_sha256)) => {
            let file_sha256 = async {
                match hash.take() {
                    Some(hash) => Ok(hash),
                    // The parser saw what it needed before the end.
                    None => pipe::hash_of(&**blobs, draft.upload()).await,
                }
            };
            let (finished, group, file) = tokio::join!(rows.finish(), uploads::group_of(ports, draft), file_sha256);
            let rows_sha256 = match finished {
                Ok(()) => rows_sha256,
                // An earlier attempt stored the rows, and the same file gives the same rows; in Parquet they may be
                // those of another release.
                Err(error) if error.kind() == Kind::AlreadyExists => pipe::hash_of(&**blobs, draft.rows()).await?,
                Err(error) => return Err(error.into()),
            };
            let (file_sha256, rows_sha256) = (Some(file?), Some(rows_sha256));
            let contents = Contents { schema_version, file_sha256, rows_sha256, ..contents(summary) };
            return Ok(Ok((contents, group?)));
        }
        (Err(FormatError::Data(error)), _) => {
            let failure = Failure::from(*error);
            let schema_version = schema_version.filter(|_| failure.violation_count.is_some());
            Ok(Err(Failure { schema_version, ..failure }))
        }
        (_, Err(error)) => Err(error.into()),
        (Err(FormatError::Io(error)), _) => Err(match pipe::unpack(error) {
            error if error.kind() == Kind::NotFound => Interruption::NoFile,
            error => error.into(),
        }),
        (Err(error), _) => {
            Err(Interruption::Parser(Error::internal("the rows could not be written as Parquet").because(error)))
        }
    };
    if let Err(error) = rows.abort().await {
        // The bucket's lifecycle rule removes the parts.
        tracing::warn!(
            dataset_id = draft.id.get(),
            error = error.chain(),
            "unfinished rows are left to the lifecycle rule"
        );
    }
    problem
}

fn contents(summary: Summary) -> Contents {
    let shape = summary.columns.iter().map(|column| (column.kind.into(), column.empty).into()).collect();
    let columns = summary.columns.into_iter().map(|column| column.name).collect();
    Contents {
        columns,
        row_count: summary.rows,
        dialect: Some(summary.dialect),
        notices: summary.notices,
        shape,
        ..Contents::default()
    }
}

fn died(error: tokio::task::JoinError) -> Interruption {
    Interruption::Parser(Error::internal("the parser stopped unexpectedly").because(error))
}
