//! Runs the four functions, unchanged, on a given world.

use crate::gate::{Gate, Past, Stop};
use crate::ports::{GatedPorts, Stage};
use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dataset_api::{Api, SCAN_TIME, router};
use dataset_aws::Message;
use dataset_aws::SystemResolver;
use dataset_core::blobs::Object;
use dataset_core::delivery::DeliveryKey;
use dataset_core::destination::Policy;
use dataset_core::id::DatasetId;
use dataset_formats::Limits;
use dataset_local::engines::Stored;
use dataset_local::events;
use dataset_processor::Processor;
use dataset_tests::memory::{CountingIds, MemoryBlobs, MemoryQueue, MemoryTable, MemoryVault};
use dataset_webhooks::Sender;
use http::{Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tower::ServiceExt;

pub(crate) const KEY: &str = "pl_example_key_0123456789";

/// Everything that is stored, and the current time.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) table: MemoryTable,
    pub(crate) blobs: MemoryBlobs,
    pub(crate) now: Timestamp,
}

/// An invocation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Job {
    Upload { group: u64, file_name: String, file: &'static str },
    Event { id: DatasetId, request_id: String },
    GaveUp { id: DatasetId },
    TakeBack { id: DatasetId },
    Message { key: DeliveryKey, receiver: Receiver },
    Sweep,
}

/// What the receiver does with a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Receiver {
    Takes,
    /// It answers 500.
    Refuses,
    /// It takes the webhook, and never answers.
    Hangs,
}

impl Job {
    /// The time-out of its function in the template.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(match self {
            Self::Upload { .. } | Self::TakeBack { .. } => 30,
            Self::Event { .. } => 300,
            Self::GaveUp { .. } | Self::Message { .. } | Self::Sweep => 60,
        })
    }
}

/// The result of a run.
pub(crate) struct Ran {
    pub(crate) world: World,
    pub(crate) stored: Vec<Object>,
    pub(crate) messages: Vec<(DeliveryKey, Duration)>,
    pub(crate) sent: Vec<(String, String)>,
    pub(crate) end: End,
    pub(crate) past: Past,
}

pub(crate) enum End {
    /// It ended; false if with an error.
    Done(bool),
    /// An upload was answered 201.
    Answered(u64),
    Held,
}

struct Machine {
    runtime: Runtime,
    gated: Arc<GatedPorts>,
    router: Router,
    processor: Processor,
    webhooks: Sender,
}

thread_local! {
    static MACHINE: Machine = Machine::new();
}

/// Runs a job as far as it may go.
pub(crate) fn run(world: &World, job: &Job, past: Past, stop: Stop) -> Ran {
    MACHINE.with(|machine| machine.run(world, job, past, stop))
}

impl Machine {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let gated = Arc::new(GatedPorts::default());
        // Authentication is not part of the model.
        let callers = Arc::new(callers(&runtime));
        let ports = gated.ports(&callers);
        let api = Api {
            api_keys: callers,
            ports: ports.clone(),
            vault: Arc::new(MemoryVault),
            resolver: Arc::new(SystemResolver),
            destinations: Policy::private(),
            scan_time: SCAN_TIME,
            call_limit: None,
        };
        Self {
            router: router(Arc::new(api)),
            processor: Processor { ports: ports.clone(), limits: Arc::new(Limits::default()) },
            webhooks: Sender::with_transport(ports, Arc::new(MemoryVault), Policy::private(), gated.clone()),
            runtime,
            gated,
        }
    }

    fn run(&self, world: &World, job: &Job, mut past: Past, stop: Stop) -> Ran {
        let seed = *past.seed.get_or_insert_with(|| seed(world, job));
        let stage = Arc::new(Stage {
            gate: Gate::new(past, stop),
            table: world.table.clone(),
            blobs: world.blobs.clone(),
            queue: MemoryQueue::default(),
            now: world.now,
            ids: CountingIds::seeded(seed),
            stored: Default::default(),
            sent: Default::default(),
            receiver: match job {
                Job::Message { receiver, .. } => *receiver,
                _ => Receiver::Takes,
            },
        });
        self.gated.set(&stage);
        let end = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = stage.gate.held.notified() => End::Held,
                end = self.handle(job, world.now) => end,
            }
        });
        let mut stored = std::mem::take(&mut *stage.stored.lock().unwrap());
        stored.extend(stage.blobs.take_announced());
        let sent = std::mem::take(&mut *stage.sent.lock().unwrap());
        let (messages, past) = (stage.queue.take(), stage.gate.past());
        let world = World { table: stage.table.clone(), blobs: stage.blobs.clone(), now: world.now };
        Ran { world, stored, messages, sent, end, past }
    }

    async fn handle(&self, job: &Job, now: Timestamp) -> End {
        let invocation = |event, id: &str| events::invocation(event, id, now, job.timeout());
        let ports = &self.processor.ports;
        let is_done = match job {
            Job::Upload { group, file_name, file } => return self.upload(*group, file_name, file).await,
            Job::TakeBack { id } => return self.take_back(*id).await,
            Job::Event { id, request_id } => {
                let event = events::s3(&stored(*id), now);
                dataset_processor::handle(invocation(event, request_id), &self.processor).await.is_ok()
            }
            Job::GaveUp { id } => {
                let event = events::retries_exhausted("gave-up", &events::s3(&stored(*id), now), "it died", now);
                dataset_sweeper::handle(invocation(event, "gave-up"), ports).await.is_ok()
            }
            Job::Message { key, .. } => {
                let body = serde_json::to_string(key).unwrap();
                let message = Message { id: "m".into(), receipt: "r".into(), body, receive_count: "1".into() };
                let batch = dataset_webhooks::handle(invocation(events::sqs(&[message]), "batch"), &self.webhooks);
                batch.await.is_ok_and(|response| response.batch_item_failures.is_empty())
            }
            Job::Sweep => dataset_sweeper::handle(invocation(events::schedule(now), "sweep"), ports).await.is_ok(),
        };
        End::Done(is_done)
    }

    async fn upload(&self, group: u64, file_name: &str, file: &str) -> End {
        let body = json!({
            "dataset_group_id": group, "file_name": file_name, "file_content_base64": STANDARD.encode(file),
        });
        let request = Request::post("/api/public/v2/dataset-versions/from-file")
            .header("x-api-key", KEY)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()));
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        if response.status() != StatusCode::CREATED {
            return End::Done(false);
        }
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        End::Answered(answer["dataset_id"].as_u64().unwrap())
    }

    async fn take_back(&self, id: DatasetId) -> End {
        let path = format!("/api/public/v2/datasets/{id}?status=draft");
        let request = Request::delete(path).header("x-api-key", KEY).body(Body::empty());
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        End::Done(response.status() == StatusCode::OK)
    }
}

/// Runs that write events at the same time have different identifiers; uploads may draw an id that is in use.
fn seed(world: &World, job: &Job) -> u64 {
    match job {
        Job::Event { id, .. } => id.get() << 16,
        Job::TakeBack { id } => (id.get() << 16) + (1 << 15),
        Job::Sweep => (1 << 40) + ((world.table.outcomes() as u64) << 16),
        Job::Upload { .. } | Job::GaveUp { .. } | Job::Message { .. } => 0,
    }
}

fn stored(id: DatasetId) -> Stored {
    Stored { bucket: "datasets".into(), key: format!("uploads/{id}"), event: "ObjectCreated:Put" }
}

/// A table with nothing in it but the API key.
fn callers(runtime: &Runtime) -> MemoryTable {
    use dataset_core::api_key::{ApiKey, Grant};
    use dataset_core::api_keys::ApiKeys;
    use dataset_core::id::{KeyId, UserId};
    let table = MemoryTable::default();
    let grant = Grant {
        id: KeyId::new(9).unwrap(),
        workspace_id: dataset_tests::workspace(1),
        user_id: UserId::new(1).unwrap(),
        created_at: dataset_tests::start(),
    };
    runtime.block_on(table.allow(&ApiKey::parse(KEY).unwrap().hash(), &grant)).unwrap();
    table
}
