//! What takes how long with the times of AWS's calls.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use async_trait::async_trait;
use axum::Router;
use base64::Engine;
use dataset_api::{Api, SCAN_TIME, router};
use dataset_aws::{Aws, Body, Credentials, InProcess, Services, Settings, SystemResolver};
use dataset_core::api_key::{ApiKey, Grant};
use dataset_core::api_keys::ApiKeys;
use dataset_core::clock::Clock;
use dataset_core::dataset::Contents;
use dataset_core::delivery::{Delivery, DeliveryKey, DeliveryState};
use dataset_core::destination::Policy;
use dataset_core::event::EventType;
use dataset_core::id::{DeliveryId, KeyId, UserId};
use dataset_core::secret::{Owner, Sealed, Secret, Vault};
use dataset_core::{Ports, uploads};
use dataset_local::engines::{EngineOptions, Engines};
use dataset_processor::Processor;
use dataset_tests::memory::{Busy, IdleClock, MemoryVault};
use dataset_tests::wire::{Aws as Service, Distant, Strict, operation};
use dataset_tests::{docs, draft, group, webhook_at, webhook_id, workspace};
use dataset_webhooks::{Answer, Sender, Transport};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::{Layer, ServiceExt, service_fn};

const KEY: &str = "pl_example_key_0123456789";
const NAME: &str = "datasets";

const MINUTE: Duration = Duration::from_secs(60);

/// A call, and from when to when it took.
#[derive(Clone)]
struct Call {
    operation: String,
    began: Timestamp,
    ended: Timestamp,
}

/// The calls so far.
type Trace = Arc<Mutex<Vec<Call>>>;

/// An engine that is as strict, and as far away, as AWS.
fn distant(service: Service, engine: InProcess, clock: &Arc<IdleClock>, trace: &Trace) -> InProcess {
    let near = Arc::clone(clock);
    let (trace, at) = (Arc::clone(trace), Arc::clone(clock));
    // Once it has the file, the processor is at work until it stores the rows.
    let parsing: Arc<Mutex<Option<Busy>>> = Arc::default();
    let whole = service_fn(move |request: Request<bytes::Bytes>| {
        let (engine, near) = (engine.clone(), Arc::clone(&near));
        async move {
            let _busy = near.busy();
            let request = request.map(|body| Body::new(Full::new(body).map_err(|never: Infallible| match never {})));
            let (parts, body) = engine.oneshot(request).await?.into_parts();
            Ok::<_, io::Error>(Response::from_parts(parts, Full::new(body.collect().await?.to_bytes())))
        }
    });
    let (wire, distant) = (Strict::new(service).layer(whole), Distant::new(service, clock.clone()));
    InProcess::new(service_fn(move |request: Request<Body>| {
        let (wire, distant) = (wire.clone(), distant.clone());
        let (trace, at, parsing) = (Arc::clone(&trace), Arc::clone(&at), Arc::clone(&parsing));
        async move {
            let (parts, body) = request.into_parts();
            let request = Request::from_parts(parts, body.collect().await?.to_bytes());
            let (operation, path) = (operation(service, &request), request.uri().path().to_owned());
            if path.contains("/versions/") {
                drop(parsing.lock().unwrap().take());
            }
            let began = at.now();
            let answer = distant.pass(wire, request).await?;
            if operation == "GetObject" && path.contains("/uploads/") {
                *parsing.lock().unwrap() = Some(at.busy());
            }
            trace.lock().unwrap().push(Call { operation, began, ended: at.now() });
            Ok(answer.map(|body| Body::new(body.map_err(|never| match never {}))))
        }
    }))
}

/// The table and the queue of an account, by calls that take no time and by calls that take AWS's.
struct Account {
    near: Ports,
    far: Ports,
    clock: Arc<IdleClock>,
    trace: Trace,
    api: Router,
    _dir: tempfile::TempDir,
}

impl Account {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let objects = dir.path().join("objects");
        std::fs::create_dir(&objects).unwrap();
        let options = EngineOptions {
            database: dir.path().join("table.db"),
            objects,
            credentials: Credentials { access_key: "access".into(), secret_key: "secret".into() },
            notify: Arc::new(()),
        };
        let engines = Engines::open(options).unwrap();
        let near = engines.aws("http://none");
        near.table(NAME).create_if_missing().await.unwrap();
        let queue = near.create_queue(NAME, 30).await.unwrap();
        let clock = Arc::new(IdleClock::at(dataset_tests::start()));
        let trace = Trace::default();
        let services = Services {
            dynamodb: distant(Service::DynamoDb, engines.services.dynamodb.clone(), &clock, &trace),
            s3: distant(Service::S3, engines.services.s3.clone(), &clock, &trace),
            sqs: distant(Service::Sqs, engines.services.sqs.clone(), &clock, &trace),
        };
        let far = Aws::in_process(services, &engines.credentials, "http://none");
        let settings = Settings { table: NAME.into(), bucket: NAME.into(), queue_url: queue.url().into() };
        let api_keys = Arc::new(far.table(NAME));
        let far = Ports { clock: clock.clone(), ..far.ports(&settings) };
        let table = near.table(NAME);
        let grant = Grant {
            id: KeyId::new(1).unwrap(),
            workspace_id: workspace(1),
            user_id: UserId::new(1).unwrap(),
            created_at: dataset_tests::start(),
        };
        table.allow(&ApiKey::parse(KEY).unwrap().hash(), &grant).await.unwrap();
        let api = Api {
            api_keys,
            ports: far.clone(),
            vault: Arc::new(MemoryVault),
            resolver: Arc::new(SystemResolver),
            destinations: Policy::default(),
            scan_time: SCAN_TIME,
            call_limit: None,
        };
        let near = near.ports(&settings);
        Self { near, far, clock, trace, api: router(Arc::new(api)), _dir: dir }
    }

    /// An invocation of the sweeper, which has a minute. Returns how long it took.
    fn sweep(&self) -> Duration {
        let (ports, clock) = (self.far.clone(), Arc::clone(&self.clock));
        self.clock.run(async move {
            let mut context = Context::default();
            context.deadline = (clock.now() + MINUTE).as_millisecond() as u64;
            let schedule = serde_json::from_str(include_str!("../../events/schedule.json")).unwrap();
            let began = clock.now();
            dataset_sweeper::handle(LambdaEvent::new(schedule, context), &ports).await.unwrap();
            clock.now().duration_since(began).unsigned_abs()
        })
    }

    /// A call to the API. Returns how long it took, and the answer.
    fn get(&self, path: &str) -> (Duration, Value) {
        self.call(Method::GET, path, StatusCode::OK, String::new())
    }

    fn call(&self, method: Method, path: &str, expected: StatusCode, body: String) -> (Duration, Value) {
        let request = Request::builder().method(method).uri(format!("/api/public/v2/{path}"));
        let request = request.header("X-API-KEY", KEY).body(axum::body::Body::from(body));
        let (router, clock) = (self.api.clone(), Arc::clone(&self.clock));
        self.clock.run(async move {
            let began = clock.now();
            let answer = router.oneshot(request.unwrap()).await.unwrap();
            let took = clock.now().duration_since(began).unsigned_abs();
            let status = answer.status();
            let answer: Value =
                serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
            assert_eq!(status, expected, "{answer}");
            (took, answer)
        })
    }

    fn wait(&self, duration: Duration) {
        let clock = Arc::clone(&self.clock);
        self.clock.run(async move { clock.sleep(duration).await });
    }
}

fn delivery(n: u64) -> Delivery {
    let key = DeliveryKey {
        workspace_id: workspace(1),
        webhook_id: webhook_id(21),
        delivery_id: DeliveryId::at(n, webhook_id(21)),
    };
    let state = DeliveryState::fresh(dataset_tests::start());
    let (event_type, body) = (EventType::VersionCreated, "{}".into());
    Delivery { key, event_type, body, created_at: dataset_tests::start(), state, attempts: vec![] }
}

/// Ten thousand a pass and more, so that a hundred thousand are done in ten; with `DATASETS_OVERDUE=100000`
/// they are.
#[tokio::test(flavor = "multi_thread")]
async fn overdue_deliveries_are_done_ten_thousand_a_pass_and_keep_nothing_else_waiting() {
    let account = Account::open().await;
    let count: u32 = std::env::var("DATASETS_OVERDUE").map_or(2_000, |count| count.parse().unwrap());
    let deliveries: Vec<Delivery> = (1..=count).map(|n| delivery(n.into())).collect();
    account.near.deliveries.create_deliveries(&deliveries).await.unwrap();
    let group = group(7, 1, "Questions");
    account.near.catalog.create_group(&group).await.unwrap();
    let draft = draft(5, &group, "a.csv");
    account.near.catalog.create_draft(&draft).await.unwrap();
    // The processor dies when it has published, some moments after the deliveries.
    account.wait(MINUTE);
    let far = account.far.clone();
    let published = account.clock.run(async move {
        let contents = Contents { columns: vec!["q".into()], row_count: 1, ..Contents::default() };
        uploads::publish(&far, &draft, &contents).await.unwrap().unwrap()
    });
    account.wait(MINUTE);
    let mut passes = 0;
    while !account.near.catalog.due(account.clock.now(), 1).await.unwrap().is_empty() {
        let took = account.sweep();
        assert!(took * 10_000 / count.min(10_000) < MINUTE, "{took:?}");
        assert_eq!(account.near.catalog.outbox_entry(&published.event.event_id).await.unwrap(), None);
        passes += 1;
    }
    assert!(passes <= count.div_ceil(10_000), "{passes}");
}

/// Of a workspace with a hundred times as many, with `DATASETS_LISTED=100000`, a page costs no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_list_is_three_reads_one_after_another() {
    const READ: Duration = Duration::from_millis(4);
    let account = Account::open().await;
    let count: u64 = std::env::var("DATASETS_LISTED").map_or(500, |count| count.parse().unwrap());
    let group = group(7, 1, "Questions");
    account.near.catalog.create_group(&group).await.unwrap();
    let contents = Contents { columns: vec!["q".into()], row_count: 1, ..Contents::default() };
    for id in 1..=count {
        let draft = draft(id, &group, "a.csv");
        account.near.catalog.create_draft(&draft).await.unwrap();
        uploads::publish(&account.near, &draft, &contents).await.unwrap().unwrap();
    }
    let first = account.get("datasets").1;
    assert_eq!(first["total"], count);
    let next = first["next_up_to_id"].as_u64().unwrap();
    let group = "dataset_group_id=7";
    for query in [String::new(), "page=3".into(), group.into(), format!("{group}&page=9"), format!("up_to_id={next}")] {
        let (took, list) = account.get(&format!("datasets?{query}"));
        assert_eq!(list["datasets"].as_array().unwrap().len() as u64, list["per_page"].as_u64().unwrap(), "{query}");
        // The key is looked up before.
        assert!(took <= READ * 4, "{query}: {took:?}");
    }
    let (took, groups) = account.get("dataset-groups");
    assert_eq!((&groups["total"], took <= READ * 4), (&1.into(), true), "{took:?}");
}

/// A vault that is as far away as KMS.
struct DistantVault(Arc<IdleClock>, Trace);

#[async_trait]
impl Vault for DistantVault {
    async fn seal(&self, secret: &Secret, owner: Owner) -> dataset_core::Result<Sealed> {
        MemoryVault.seal(secret, owner).await
    }

    async fn open(&self, sealed: &Sealed, owner: Owner) -> dataset_core::Result<Secret> {
        let began = self.0.now();
        self.0.sleep(Duration::from_millis(8)).await;
        let call = Call { operation: "Decrypt".to_owned(), began, ended: self.0.now() };
        self.1.lock().unwrap().push(call);
        MemoryVault.open(sealed, owner).await
    }
}

/// A receiver that answers at once.
struct Received(Trace);

#[async_trait]
impl Transport for Received {
    async fn send(&self, _: Request<String>, now: Timestamp) -> Answer {
        self.0.lock().unwrap().push(Call { operation: "POST".to_owned(), began: now, ended: now });
        Answer::of_status(StatusCode::OK)
    }
}

/// What is waited for on the way of an upload, and why.
const ON_THE_WAY: [(&str, &str, &str); 17] = [
    ("api", "GetItem", "the group is there, is the caller's, and says how its files are written; at once with the key"),
    ("api", "UpdateItem", "the key is live, and its calls are counted"),
    ("api", "PutItem", "the draft is there before its object, so that no object lacks one"),
    ("api", "PutObject", "the file is stored before it is answered for, and once"),
    ("processor", "UpdateItem", "one processor at a time has the draft"),
    ("processor", "GetItem", "the schema in force when parsing begins; at once with the file"),
    ("processor", "GetObject", "the file"),
    ("processor", "GetItem", "the group's next number; at once with the rows"),
    ("processor", "PutObject", "the rows are there before the version is"),
    ("processor", "TransactWriteItems", "number, version and event come together or not at all"),
    ("processor", "Query", "the webhooks that are registered when the version is there"),
    ("processor", "PutItem", "each has its delivery once, however often the event is relayed"),
    ("processor", "SendMessageBatch", "the message only says which delivery to look at"),
    ("processor", "DeleteItem", "the event leaves the outbox when all of it is handed over; no one waits for that"),
    ("webhooks", "GetItem", "the webhook as it is now: its URL, its secrets, its health"),
    ("webhooks", "Decrypt", "the secret, which no table has in the clear"),
    ("webhooks", "UpdateItem", "one attempt at a time has the delivery, and it is still due"),
];

/// From a request to its webhook, by the calls alone: what is computed between them is no part of it.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_waits_for_no_more_than_it_must() {
    let account = Account::open().await;
    let group = group(7, 1, "Questions");
    account.near.catalog.create_group(&group).await.unwrap();
    account.near.webhooks.register(&webhook_at("https://example.com/")).await.unwrap();
    let file = "q,a\n".to_owned() + &"What is it?,That\n".repeat(600);
    let file = base64::engine::general_purpose::STANDARD.encode(file);
    let body = format!(r#"{{"dataset_group_id": 7, "file_name": "a.csv", "file_content_base64": "{file}"}}"#);
    // The first call in a while counts anew.
    account.get("dataset-groups");
    account.trace.lock().unwrap().clear();
    let began = account.clock.now();
    let (answered, answer) = account.call(Method::POST, "dataset-versions/from-file", StatusCode::CREATED, body);

    let id = &answer["dataset_id"];
    let mut event: Value = serde_json::from_str(include_str!("../../events/s3-put.json")).unwrap();
    event["Records"][0]["s3"]["object"]["key"] = format!("uploads/{id}").into();
    let processor = Processor { ports: account.far.clone(), limits: Arc::default() };
    let event_at = account.clock.now();
    account.clock.run(async move {
        dataset_processor::handle(LambdaEvent::new(event, Context::default()), &processor).await.unwrap();
    });
    let entry = account.near.deliveries.pending(webhook_at("").owner(), None, 10).await.unwrap();
    let message =
        serde_json::json!({"Records": [{"messageId": "1", "body": serde_json::to_string(&entry[0]).unwrap()}]});
    let message_at = account.clock.now();
    let vault = Arc::new(DistantVault(Arc::clone(&account.clock), Arc::clone(&account.trace)));
    let transport = Arc::new(Received(Arc::clone(&account.trace)));
    let sender = Sender::with_transport(account.far.clone(), vault, Policy::default(), transport);
    account.clock.run(async move {
        let response = dataset_webhooks::handle(LambdaEvent::new(message, Context::default()), &sender).await.unwrap();
        assert!(response.batch_item_failures.is_empty());
    });

    let mut trace = std::mem::take(&mut *account.trace.lock().unwrap());
    trace.sort_by(|a, b| (a.began, a.ended, &a.operation).cmp(&(b.began, b.ended, &b.operation)));
    let sent = trace.iter().position(|call| call.operation == "POST").unwrap();
    let way = &trace[..sent];
    let operations: Vec<&str> = way.iter().map(|call| call.operation.as_str()).collect();
    let expected: Vec<&str> = ON_THE_WAY.iter().map(|(_, operation, _)| *operation).collect();
    assert_eq!(operations, expected);
    let since = |from: Timestamp, to: Timestamp| to.duration_since(from).as_millis();
    let published = way.iter().find(|call| call.operation == "TransactWriteItems").unwrap().ended;
    let queued = way.iter().find(|call| call.operation == "SendMessageBatch").unwrap().ended;
    let to_version = since(event_at, published);
    let to_receiver = since(published, queued) + since(message_at, trace[sent].began);
    let found = (answered.as_millis(), to_version, to_receiver);
    assert!(found.0 <= 40 && found.1 <= 70 && found.2 <= 32, "{found:?}");

    let mut table = String::from("| function | call | from, ms | to, ms | what it keeps |\n|---|---|---|---|---|\n");
    for ((function, operation, why), call) in ON_THE_WAY.iter().zip(way) {
        let start = match *function {
            "api" => began,
            "processor" => event_at,
            _ => message_at,
        };
        let (from, to) = (since(start, call.began), since(start, call.ended));
        table += &format!("| {function} | `{operation}` | {from} | {to} | {why} |\n");
    }
    docs::check("architecture.md", "calls of an upload", &table);
}
