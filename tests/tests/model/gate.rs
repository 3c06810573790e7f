//! One run of a handler, call by call: earlier replies are replayed, then it goes on for as many calls as it
//! may, and is held at the next.
//!
//! A handler is a future, which can't be copied. But it learns everything from its ports, so their replies
//! so far are its state.

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
    /// After so many calls.
    AfterCalls(usize),
    /// Before the change after so many.
    AfterChanges(usize),
}

/// The replies that a handler has had so far.
#[derive(Clone, Default)]
pub(crate) struct Past {
    replies: Vec<Arc<dyn Any + Send + Sync>>,
    /// The replies as text, to compare two pasts.
    pub(crate) text: Vec<String>,
    times: Vec<Timestamp>,
    pub(crate) changes: usize,
    /// The seed of its identifiers.
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
    /// Calls of this run after the replay.
    calls: usize,
    changes: usize,
}

/// What a call does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Reads,
    Changes,
    /// It reads content that never changes, and may do so on another thread.
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

    /// The time at which the handler first asked.
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
