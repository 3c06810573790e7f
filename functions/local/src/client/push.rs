//! `datasets push`: uploads a file, and waits for its outcome.

use super::choice::choose;
use super::login;
use super::read::group_id;
use super::remote::{Answer, Remote, Trouble, backoff};
use super::show::{bar, noticed, printable, summary, trouble};
use crate::cli::args::Push;
use crate::input::{CHUNK_BYTES, ENOUGH, Input, chunks, refused_here};
use crate::output::say;
use crate::signals::StopSignals;
use anyhow::Context;
use backon::Retryable;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dataset_core::upload::{FileName, check_size};
use dataset_types::annotations::Annotations;
use dataset_types::dataset::{Failure, OneDataset, Status};
use dataset_types::dialect::Dialect;
use dataset_types::id::{DatasetId, GroupId, Whole};
use dataset_types::limits::MAX_INLINE_BYTES;
use dataset_types::upload::{FromFile, FromUpload, UploadAwaited, UploadRequest, VersionQueued};
use futures::TryStreamExt;
use indicatif::ProgressBar;
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, StatusCode};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Read};
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks at a draft.
const LONGEST_LOOK: Duration = Duration::from_secs(2);

/// Attempts to send a file after the first.
const RETRIES: usize = 2;

/// How far a push has come, for whom it is cut short.
#[derive(Clone, Copy)]
pub(super) enum Reached {
    Nothing,
    /// No draft is to be asked for any more.
    Stopped,
    /// A draft is asked for, whose answer tells its id.
    Asking,
    /// There is a draft, whose file is being sent.
    Draft(DatasetId),
    Queued(DatasetId),
    /// What was sent was refused, and it is not sent again yet.
    Refused,
}

/// Uploads a file. Whenever it is stopped or its time is up, it says what becomes of the dataset.
pub(crate) async fn push(args: Push) -> anyhow::Result<()> {
    let (mut stop, reached) = (StopSignals::new()?, watch::Sender::new(Reached::Nothing));
    let remote = login::remote(&args.remote.access)?;
    let mut pushing = pin!(take_in(&remote, &args, &reached));
    let is_stopped = tokio::select! {
        pushed = tokio::time::timeout(args.timeout, &mut pushing) => match (pushed, *reached.borrow()) {
            (Ok(Err(error)), Reached::Draft(id)) => {
                let what = tokio::select! {
                    what = take_back(&remote, id) => what,
                    () = stop.next() => left(id),
                };
                return Err(error.context(what));
            }
            (Ok(done), _) => return done,
            (Err(_), _) => false,
        },
        () = stop.next() => true,
    };
    let asked = poll_fn(|context| match (*reached.borrow(), pushing.as_mut().poll(context)) {
        (Reached::Asking, Poll::Pending) => Poll::Pending,
        _ => Poll::Ready(()),
    });
    if matches!(*reached.borrow(), Reached::Asking) {
        tokio::select! {
            _ = tokio::time::timeout(TAKE_BACK_TIME, asked) => {}
            () = stop.next() => {}
        }
    }
    let why = if is_stopped { "stopped".to_owned() } else { format!("not done in {} s", args.timeout.as_secs()) };
    let last = *reached.borrow();
    let what = match last {
        Reached::Nothing | Reached::Stopped => "nothing is known to be queued".to_owned(),
        Reached::Refused => "the file was refused, and is not sent again".to_owned(),
        Reached::Asking => "a draft may have been made, which ends within the hour".to_owned(),
        Reached::Draft(id) => tokio::select! {
            what = take_back(&remote, id) => what,
            // A second Ctrl-C.
            () = stop.next() => left(id),
        },
        Reached::Queued(id) => format!("dataset {id} is queued, and `datasets show {id}` says what becomes of it"),
    };
    Err(Trouble::CutShort { what: format!("{why}; {what}"), is_stopped }.into())
}

/// How long a draft is tried to be taken back.
pub(super) const TAKE_BACK_TIME: Duration = Duration::from_secs(5);

/// Takes back a draft whose file will not come, and says what has become of it.
pub(super) async fn take_back(remote: &Remote, id: DatasetId) -> String {
    let path = format!("datasets/{id}?status=draft");
    match tokio::time::timeout(TAKE_BACK_TIME, remote.delete(&path)).await {
        Ok(Ok(_)) => format!("the file of dataset {id} was not sent whole, and the dataset is withdrawn"),
        _ => left(id),
    }
}

fn left(id: DatasetId) -> String {
    format!(
        "the file of dataset {id} was not sent whole, and it could not be withdrawn; it ends within the hour, and `datasets show {id}` says how"
    )
}

async fn take_in(remote: &Remote, args: &Push, reached: &watch::Sender<Reached>) -> anyhow::Result<()> {
    let Input { path, name, .. } = &Input::open(&args.file, args.name.as_deref(), ENOUGH).await?;
    FileName::parse(name).map_err(|error| refused_here(name, &error))?;
    let metadata = std::fs::metadata(path).with_context(|| format!("{name} could not be read"))?;
    check_size(metadata.len()).map_err(|error| refused_here(name, &error))?;
    let group = group_id(remote, &args.group).await?;
    let annotations = args.annotations.of_upload()?;
    let mut said = Some(args.said.dialect()).filter(|said| *said != Dialect::default());
    loop {
        let order =
            Order { path, size: metadata.len(), group, name, said: said.take(), annotations: annotations.clone() };
        let Some(failure) = send(remote, args, order, reached).await? else { return Ok(()) };
        reached.send_replace(Reached::Refused);
        said = if args.remote.json { None } else { choose(remote, path, name, &failure).await? };
        if said.is_none() {
            return Err(trouble(failure, name).into());
        }
    }
}

/// A file, and what is said of it.
pub(super) struct Order<'a> {
    pub(super) path: &'a Path,
    /// In bytes.
    pub(super) size: u64,
    pub(super) group: GroupId,
    pub(super) name: &'a str,
    /// Unless the group is to say it.
    pub(super) said: Option<Dialect>,
    pub(super) annotations: Annotations,
}

/// Sends the file, and tells what became of it, but for why it was refused.
async fn send(
    remote: &Remote,
    args: &Push,
    order: Order<'_>,
    reached: &watch::Sender<Reached>,
) -> anyhow::Result<Option<Failure>> {
    let name = order.name;
    let queued = queue(remote, order, reached).await?;
    let id = queued.dataset_id;
    if !args.wait {
        let text = if args.remote.json {
            serde_json::to_string(&queued)?
        } else {
            format!("{}: queued as dataset {id}", printable(name))
        };
        say(&text)?;
        return Ok(None);
    }
    let answer = finished(remote, id).await?;
    if args.remote.json {
        say(answer.text())?;
    }
    let dataset = answer.parse::<OneDataset>()?.dataset;
    if dataset.failure.is_some() {
        return Ok(dataset.failure);
    }
    if !args.remote.json {
        say(&summary(&dataset))?;
        for notice in &dataset.notices {
            say(&format!("  notice: {}", noticed(notice)))?;
        }
    }
    Ok(None)
}

/// Sends the file, whichever way it goes.
pub(super) async fn queue(
    remote: &Remote,
    order: Order<'_>,
    reached: &watch::Sender<Reached>,
) -> anyhow::Result<VersionQueued> {
    let queued = match order.size {
        ..=MAX_INLINE_BYTES => inline(remote, order).await?,
        _ => straight(remote, order, reached).await?,
    };
    reached.send_replace(Reached::Queued(queued.dataset_id));
    Ok(queued)
}

/// Uploads the file within the request.
async fn inline(remote: &Remote, order: Order<'_>) -> anyhow::Result<VersionQueued> {
    let file = std::fs::read(order.path).with_context(|| format!("{} could not be read", order.path.display()))?;
    let Annotations { description, tags, metadata } = order.annotations;
    let base64 = RawValue::from_string(format!("\"{}\"", STANDARD.encode(file)))?;
    let body = FromFile {
        dataset_group_id: order.group,
        file_name: order.name.into(),
        file_content_base64: &base64,
        dialect: order.said,
        description,
        tags,
        metadata,
    };
    let answer = remote.post_file("dataset-versions/from-file", &body).await?;
    Ok(answer.parse()?)
}

/// Uploads the file straight to storage, by a presigned URL.
async fn straight(
    remote: &Remote,
    order: Order<'_>,
    reached: &watch::Sender<Reached>,
) -> anyhow::Result<VersionQueued> {
    let Order { path, size, .. } = order;
    let (checksum, owned) = (bar(size, "checking"), path.to_owned());
    let progress = checksum.clone();
    let sum = tokio::task::spawn_blocking(move || sha256(&owned, &progress)).await?;
    checksum.finish_and_clear();
    let sum = sum.with_context(|| format!("{} could not be read", path.display()))?;
    let Annotations { description, tags, metadata } = order.annotations;
    let body = FromUpload {
        dataset_group_id: order.group,
        file_name: order.name.to_owned(),
        file_size: Whole(size),
        checksum_sha256: Some(sum),
        dialect: order.said,
        description,
        tags,
        metadata,
    };
    let may_ask = reached.send_if_modified(|reached| {
        let may_ask = !matches!(reached, Reached::Stopped);
        *reached = if may_ask { Reached::Asking } else { Reached::Stopped };
        may_ask
    });
    if !may_ask {
        return Err(Trouble::Stopped.into());
    }
    let answer = remote.post("dataset-versions/from-upload", &body).await;
    let awaited = answer.and_then(|answer| answer.parse::<UploadAwaited>());
    // In one step: whoever stops it now sees what there is.
    reached.send_replace(awaited.as_ref().map_or(Reached::Nothing, |awaited| Reached::Draft(awaited.dataset_id)));
    let awaited = awaited?;
    put(remote, path, &awaited.upload, size).await?;
    // Its URL is not for others to see.
    let UploadAwaited { success, dataset_id, .. } = awaited;
    Ok(VersionQueued { success, message: "Dataset version creation job queued".into(), dataset_id })
}

fn sha256(path: &Path, progress: &ProgressBar) -> io::Result<String> {
    let (mut file, mut hash, mut chunk) = (File::open(path)?, Sha256::new(), vec![0; CHUNK_BYTES]);
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(STANDARD.encode(hash.finalize()));
        }
        hash.update(&chunk[..read]);
        progress.inc(read as u64);
    }
}

/// Sends the file until it is stored. The URL stores a file once, so a retry is safe.
async fn put(remote: &Remote, path: &Path, upload: &UploadRequest, size: u64) -> anyhow::Result<()> {
    let (progress, tried) = (bar(size, "sending"), AtomicUsize::new(0));
    let attempt = || async {
        let tries_before = tried.fetch_add(1, Ordering::Relaxed);
        progress.set_position(0);
        let file =
            tokio::fs::File::open(path).await.with_context(|| format!("{} could not be read", path.display()))?;
        let mut request =
            remote.http().put(&upload.url).header(CONTENT_LENGTH, size).body(body(file, progress.clone()));
        for (name, value) in &upload.headers {
            request = request.header(name, value);
        }
        let response = request.send().await.map_err(|error| remote.unreachable(&error))?;
        match response.status() {
            status if status.is_success() => Ok(()),
            // An earlier attempt stored it, and its answer was lost.
            StatusCode::PRECONDITION_FAILED if tries_before > 0 => Ok(()),
            StatusCode::INSUFFICIENT_STORAGE => {
                let message =
                    "the disk of the service is full or can't be written to; send the file again when there is room";
                Err(Trouble::Full(message.to_owned()).into())
            }
            // 409: an earlier attempt is still being stored.
            status if status.is_server_error() || status == StatusCode::CONFLICT => {
                Err(Trouble::Faulty { status }.into())
            }
            status => Err::<_, anyhow::Error>(refused(status, &response.text().await.unwrap_or_default()).into()),
        }
    };
    let may_pass = |error: &anyhow::Error| {
        let trouble = error.downcast_ref::<Trouble>();
        trouble.is_some_and(|trouble| !matches!(trouble, Trouble::Refused { .. }))
    };
    attempt.retry(backoff().with_max_times(RETRIES)).when(may_pass).await?;
    progress.finish_and_clear();
    Ok(())
}

fn refused(status: StatusCode, text: &str) -> Trouble {
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = code.map_or_else(|| status.as_str().to_owned(), |(code, _)| code.to_owned());
    Trouble::Refused { code, message: "storage refused the file; did it change while it was sent?".to_owned() }
}

fn body(file: tokio::fs::File, progress: ProgressBar) -> Body {
    Body::wrap_stream(chunks(file).inspect_ok(move |chunk| progress.inc(chunk.len() as u64)))
}

#[derive(Debug, thiserror::Error)]
#[error("the dataset is still a draft")]
struct StillADraft;

/// Waits until the dataset is no draft any more, as long as the command may take.
pub(super) async fn finished(remote: &Remote, id: DatasetId) -> anyhow::Result<Answer> {
    let spinner = ProgressBar::new_spinner().with_message("waiting for the version");
    let look = || async {
        spinner.tick();
        let answer = remote.get(&format!("datasets/{id}"), &()).await?;
        let is_draft = answer.parse::<OneDataset>()?.dataset.status == Status::Draft;
        if is_draft { Err(StillADraft.into()) } else { Ok::<_, anyhow::Error>(answer) }
    };
    let looks = backoff().with_max_delay(LONGEST_LOOK).without_max_times();
    let found = look.retry(looks).when(anyhow::Error::is::<StillADraft>).await;
    spinner.finish_and_clear();
    found
}
