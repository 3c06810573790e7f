//! What takes how long with the times of AWS's calls.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use axum::Router;
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
use dataset_core::{Ports, uploads};
use dataset_local::engines::{EngineOptions, Engines};
use dataset_tests::memory::{IdleClock, MemoryVault};
use dataset_tests::wire::{Aws as Service, Distant, Strict};
use dataset_tests::{draft, group, webhook_id, workspace};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tower::{Layer, ServiceExt, service_fn};

const KEY: &str = "pl_example_key_0123456789";
const NAME: &str = "datasets";

const MINUTE: Duration = Duration::from_secs(60);

/// An engine that is as strict, and as far away, as AWS.
fn distant(service: Service, engine: InProcess, clock: &Arc<IdleClock>) -> InProcess {
    let near = Arc::clone(clock);
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
        async move {
            let (parts, body) = request.into_parts();
            let request = Request::from_parts(parts, body.collect().await?.to_bytes());
            let answer = distant.pass(wire, request).await?;
            Ok(answer.map(|body| Body::new(body.map_err(|never| match never {}))))
        }
    }))
}

/// The table and the queue of an account, by calls that take no time and by calls that take AWS's.
struct Account {
    near: Ports,
    far: Ports,
    clock: Arc<IdleClock>,
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
        let services = Services {
            dynamodb: distant(Service::DynamoDb, engines.services.dynamodb.clone(), &clock),
            s3: distant(Service::S3, engines.services.s3.clone(), &clock),
            sqs: distant(Service::Sqs, engines.services.sqs.clone(), &clock),
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
        Self { near, far, clock, api: router(Arc::new(api)), _dir: dir }
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
        let request =
            Request::get(format!("/api/public/v2/{path}")).header("X-API-KEY", KEY).body(axum::body::Body::empty());
        let (router, clock) = (self.api.clone(), Arc::clone(&self.clock));
        self.clock.run(async move {
            let began = clock.now();
            let answer = router.oneshot(request.unwrap()).await.unwrap();
            let took = clock.now().duration_since(began).unsigned_abs();
            let status = answer.status();
            let answer: Value =
                serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
            assert_eq!(status, 200, "{answer}");
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
