//! Asynchronous invocations of the processor, as S3 makes them by way of AWS Lambda: noted before they are
//! made, tried three times under one request id, and handed to the failure destination after that.

use crate::engines::{Notify, Stored, Ticket};
use crate::events;
use anyhow::Context;
use dataset_aws::upload_of;
use dataset_core::clock::Clock;
use dataset_core::ids::{Ids, random_u64};
use dataset_processor::Processor;
use serde_json::Value;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// The template's timeout of the processor.
const TIMEOUT: Duration = Duration::from_secs(300);

/// AWS waits one minute and two; a person who waits is worth seconds.
const RETRY_WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// Each of them keeps one core busy.
const AT_ONCE: usize = 2;

/// Events that are still to be dealt with, one a file, so that a restart
/// finds those of a process that was killed.
pub(crate) struct Invocations {
    dir: PathBuf,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    ready: mpsc::UnboundedSender<String>,
}

impl Invocations {
    /// Takes up what an earlier process left, and says where request ids of events come out.
    pub(crate) fn open(
        dir: PathBuf,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> anyhow::Result<(Arc<Self>, mpsc::UnboundedReceiver<String>)> {
        let (ready, receiver) = mpsc::unbounded_channel();
        let unreadable = || format!("{} could not be read", dir.display());
        for entry in fs::read_dir(&dir).with_context(unreadable)? {
            let path = entry.with_context(unreadable)?.path();
            match (path.extension(), path.file_stem().and_then(|stem| stem.to_str())) {
                (Some(extension), Some(id)) if extension == "json" => {
                    let _ = ready.send(id.to_owned());
                }
                // Cut off while it was written, so before its object was stored.
                _ => fs::remove_file(&path).with_context(|| format!("{} could not be removed", path.display()))?,
            }
        }
        Ok((Arc::new(Self { dir, clock, ids, ready }), receiver))
    }

    fn path(&self, request_id: &str) -> PathBuf {
        self.dir.join(format!("{request_id}.json"))
    }

    fn done(&self, request_id: &str) {
        let _ = fs::remove_file(self.path(request_id));
    }

    /// Invokes the processor for each event that comes out of `ready`.
    pub(crate) async fn run(self: Arc<Self>, mut ready: mpsc::UnboundedReceiver<String>, processor: Arc<Processor>) {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        while let Some(request_id) = ready.recv().await {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                return;
            };
            while running.try_join_next().is_some() {}
            let (this, processor) = (Arc::clone(&self), Arc::clone(&processor));
            running.spawn(async move {
                this.invoke(&request_id, &processor).await;
                drop(slot);
            });
        }
    }

    async fn invoke(&self, request_id: &str, processor: &Processor) {
        let event = fs::read(self.path(request_id)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let Some(event): Option<Value> = event else {
            return self.done(request_id);
        };
        let mut waits = RETRY_WAITS.iter();
        loop {
            let invocation = events::invocation(event.clone(), request_id, self.clock.now(), TIMEOUT);
            let Err(error) = dataset_processor::handle(invocation, processor).await else {
                return self.done(request_id);
            };
            let Some(wait) = waits.next() else {
                return self.give_up(request_id, &event, &error.to_string(), processor).await;
            };
            self.clock.sleep(*wait).await;
        }
    }

    async fn give_up(&self, request_id: &str, event: &Value, error: &str, processor: &Processor) {
        let now = self.clock.now();
        let event = events::retries_exhausted(request_id, event, error, now);
        let invocation = events::invocation(event, request_id, now, TIMEOUT);
        if let Err(error) = dataset_sweeper::handle(invocation, &processor.ports).await {
            tracing::error!(request_id, %error, "the upload is left to the sweeper");
        }
        self.done(request_id);
    }
}

impl Notify for Invocations {
    fn announce(&self, stored: &Stored) -> io::Result<Ticket> {
        // The template's notification has the same filter.
        if upload_of(&stored.key).is_none() {
            return Ok(Ticket(None));
        }
        let request_id = format!("{:016x}{:016x}", random_u64(self.ids.as_ref()), random_u64(self.ids.as_ref()));
        let event = events::s3(stored, self.clock.now());
        let draft = self.dir.join(format!("{request_id}.part"));
        let noted = fs::write(&draft, event.to_string()).and_then(|()| fs::rename(&draft, self.path(&request_id)));
        if noted.is_err() {
            let _ = fs::remove_file(&draft);
        }
        noted.map(|()| Ticket(Some(request_id)))
    }

    fn stored(&self, ticket: Ticket) {
        if let Some(request_id) = ticket.0 {
            let _ = self.ready.send(request_id);
        }
    }

    fn withdraw(&self, ticket: Ticket) {
        if let Some(request_id) = ticket.0 {
            self.done(&request_id);
        }
    }
}
