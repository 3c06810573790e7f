//! One run of a handler, call by call: what it has been told before is told
//! again, then it goes on for as many calls as it may, and is held at the next.
//!
//! A handler is a future, which can't be copied. But all that it learns it
//! learns from its ports, so its state is what they have told it so far.

use dataset_core::{Error, Kind, Result};
use jiff::Timestamp;
use std::any::Any;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// How far a run may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stop {
    Never,
    /// Before the call after so many.
    AfterCalls(usize),
    /// Before the change after so many.
    AfterChanges(usize),
}

/// What a handler has been told so far.
#[derive(Clone, Default)]
pub(crate) struct Past {
    replies: Vec<Arc<dyn Any + Send + Sync>>,
    /// The replies as text, by which two pasts are compared.
    pub(crate) text: Vec<String>,
    times: Vec<Timestamp>,
    pub(crate) changes: usize,
    /// What its identifiers are made of.
    pub(crate) seed: Option<u64>,
}

impl Past {
    pub(crate) fn calls(&self) -> usize {
        self.replies.len()
    }
}

pub(crate) struct Gate {
    run: Mutex<Run>,
    pub(crate) held: Notify,
}

struct Run {
    past: Past,
    replayed: usize,
    times_replayed: usize,
    stop: Stop,
    /// Calls of this run that were none of the past.
    calls: usize,
    changes: usize,
}

/// What a call does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Reads,
    Changes,
    /// It reads what never changes, and maybe on another thread.
    ReadsFile,
}

type Reply<T> = std::result::Result<T, (Kind, String)>;

enum Turn<T> {
    Replayed(Reply<T>),
    Live,
    Held,
}

impl Gate {
    pub(crate) fn new(past: Past, stop: Stop) -> Self {
        let run = Run { past, replayed: 0, times_replayed: 0, stop, calls: 0, changes: 0 };
        Self { run: Mutex::new(run), held: Notify::new() }
    }

    pub(crate) async fn pass<T>(&self, call: Call, live: impl Future<Output = Result<T>>) -> Result<T>
    where
        T: Clone + Debug + Send + Sync + 'static,
    {
        let turn = self.turn::<T>(call);
        let reply = match turn {
            Turn::Replayed(reply) => reply,
            Turn::Held => {
                self.held.notify_one();
                std::future::pending().await
            }
            Turn::Live => {
                let reply = live.await.map_err(|e| (e.kind(), e.to_string()));
                let mut run = self.run.lock().unwrap();
                run.past.text.push(format!("{reply:?}"));
                run.past.replies.push(Arc::new(reply.clone()));
                run.replayed += 1;
                reply
            }
        };
        reply.map_err(|(kind, message)| Error::new(kind, message))
    }

    fn turn<T: Clone + 'static>(&self, call: Call) -> Turn<T> {
        let mut run = self.run.lock().unwrap();
        if let Some(reply) = run.past.replies.get(run.replayed) {
            let reply = reply.downcast_ref::<Reply<T>>().expect("a handler does the same again").clone();
            run.replayed += 1;
            return Turn::Replayed(reply);
        }
        let is_over = match run.stop {
            Stop::Never => false,
            Stop::AfterCalls(most) => call != Call::ReadsFile && run.calls >= most,
            Stop::AfterChanges(most) => call == Call::Changes && run.changes >= most,
        };
        if is_over {
            return Turn::Held;
        }
        run.calls += usize::from(call != Call::ReadsFile);
        run.changes += usize::from(call == Call::Changes);
        run.past.changes += usize::from(call == Call::Changes);
        Turn::Live
    }

    /// The time as it was when the handler first asked.
    pub(crate) fn time(&self, now: Timestamp) -> Timestamp {
        let mut run = self.run.lock().unwrap();
        let index = run.times_replayed;
        run.times_replayed += 1;
        if let Some(time) = run.past.times.get(index) {
            return *time;
        }
        run.past.times.push(now);
        now
    }

    pub(crate) fn past(&self) -> Past {
        self.run.lock().unwrap().past.clone()
    }
}
