//! The whole service as in an AWS account: engines, the four real functions, and the transport of events
//! between them. Nothing happens by itself: the test decides when, and in which order.

use crate::harness::function::{Fault, Function};
use crate::harness::proxy::{Stored, Wire};
use crate::harness::table::Items;
use bytes::Bytes;
use dataset_aws::{Aws, Credentials, Endpoints, Message, SecretVault, Settings, SqsQueue, Table};
use dataset_core::api_key::{ApiKey, Grant};
use dataset_core::api_keys::ApiKeys;
use dataset_core::clock::{Clock, SystemClock};
use dataset_core::id::{KeyId, UserId};
use dataset_core::ids::SystemIds;
use dataset_local::engines::{EngineOptions, Engines, Ports, Stored as Put};
use dataset_local::events;
use dataset_tests::other_engine::{self, OtherEngine};
use dataset_tests::receiver::Receiver;
use dataset_tests::service::binaries;
use dataset_tests::wire::Aws::Gateway;
use dataset_tests::wire::rules::gateway;
use dataset_tests::workspace;
use futures::future::join_all;
use http::{HeaderMap, HeaderName, Request};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const API: &str = "dataset-api";
pub(crate) const PROCESSOR: &str = "dataset-processor";
pub(crate) const WEBHOOKS: &str = "dataset-webhooks";
pub(crate) const SWEEPER: &str = "dataset-sweeper";

/// Each with its time-out in the template.
const FUNCTIONS: [(&str, Duration); 4] = [
    (API, Duration::from_secs(30)),
    (PROCESSOR, Duration::from_secs(300)),
    (WEBHOOKS, Duration::from_secs(60)),
    (SWEEPER, Duration::from_secs(60)),
];

/// API Gateway's time-out of an integration.
const GATEWAY_PATIENCE: Duration = Duration::from_secs(29);

/// How often AWS Lambda invokes a function for one asynchronous event.
const TRIES: usize = 3;

/// Longer than any lease or backoff, except for the retry schedule of webhooks.
const A_WHILE: Duration = Duration::from_secs(360);

/// If there is still work after this many, it will never end.
const MAX_WHILES: usize = 30;

pub(crate) struct Account {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) wire: Arc<Wire>,
    pub(crate) functions: BTreeMap<&'static str, Function>,
    pub(crate) receiver: Receiver,
    pub(crate) key: ApiKey,
    pub(crate) items: Items,
    pub(crate) http: reqwest::Client,
    store: Store,
    queue: SqsQueue,
}

/// An event, which is delivered at least once.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) stored: Stored,
    pub(crate) request_id: String,
}

impl Event {
    fn payload(&self) -> Value {
        let Stored { bucket, key, event } = self.stored.clone();
        events::s3(&Put { bucket, key, event }, SystemClock.now())
    }
}

fn credentials(access_key: &str, secret_key: &str) -> Credentials {
    Credentials { access_key: access_key.to_owned(), secret_key: secret_key.to_owned() }
}

/// The embedded engines, or an independent one.
enum Store {
    Embedded { objects: PathBuf, engines: Engines, _ports: Ports },
    Other { http: reqwest::Client, url: String },
}

/// The key that seals secrets.
enum SecretsKey {
    File(PathBuf),
    Kms(String),
}

impl Account {
    /// On the embedded engines.
    pub(crate) async fn open() -> Self {
        Self::embedded(None).await
    }

    /// On the embedded engines, with a KMS key for the secrets.
    pub(crate) async fn with_kms(kms: &OtherEngine) -> Self {
        Self::embedded(Some(kms)).await
    }

    async fn embedded(kms: Option<&OtherEngine>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let objects = dir.path().join("objects");
        std::fs::create_dir(&objects).unwrap();
        let options = EngineOptions {
            database: dir.path().join("table.db"),
            objects: objects.clone(),
            credentials: credentials("local-access-key", "local-secret-key"),
            notify: Arc::new(()),
        };
        let engines = Engines::open(options).unwrap();
        let ports = Ports::open(&engines, 0).await.unwrap();
        let key = match kms {
            Some(kms) => SecretsKey::Kms(kms.key_id.clone()),
            None => SecretsKey::File(key_file(&dir)),
        };
        let endpoints = Endpoints { kms: kms.map(|kms| kms.url.clone()), ..ports.endpoints.clone() };
        let credentials = engines.credentials.clone();
        let store = Store::Embedded { objects, engines, _ports: ports };
        Self::on_engines(dir, endpoints, store, &credentials, "datasets", key).await
    }

    /// On an independent engine.
    pub(crate) async fn on(other: &OtherEngine) -> Self {
        static ACCOUNTS: AtomicUsize = AtomicUsize::new(1);
        let dir = tempfile::tempdir().unwrap();
        let url = || other.url.clone();
        let endpoints = Endpoints { dynamodb: url(), s3: url(), sqs: url(), kms: Some(url()) };
        let store = Store::Other { http: dataset_local::http_client().unwrap(), url: url() };
        let name = format!("datasets-{}", ACCOUNTS.fetch_add(1, Ordering::Relaxed));
        let key = SecretsKey::Kms(other.key_id.clone());
        Self::on_engines(dir, endpoints, store, &credentials(other_engine::KEY, other_engine::KEY), &name, key).await
    }

    async fn on_engines(
        dir: tempfile::TempDir,
        endpoints: Endpoints,
        store: Store,
        credentials: &Credentials,
        name: &str,
        secrets_key: SecretsKey,
    ) -> Self {
        let aws = Aws::at(&endpoints, credentials).unwrap();
        let table = aws.table(name);
        table.create_if_missing().await.unwrap();
        aws.bucket(name).create_if_missing().await.unwrap();
        // Messages that failed come back at once.
        let queue = aws.create_queue(name, 1).await.unwrap();
        let key = grant(&table).await;
        let mut environment = vec![
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", &credentials.access_key),
            ("AWS_SECRET_ACCESS_KEY", &credentials.secret_key),
            (Settings::TABLE, name),
            (Settings::BUCKET, name),
            (Settings::QUEUE_URL, queue.url()),
            (Settings::ALLOW_PRIVATE_WEBHOOKS, "true"),
        ];
        environment.push(match &secrets_key {
            SecretsKey::File(path) => (SecretVault::KEY_FILE, path.to_str().unwrap()),
            SecretsKey::Kms(id) => (SecretVault::KEY_ID, id),
        });
        let environment: Vec<(String, String)> =
            environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let http = dataset_local::http_client().unwrap();
        let wire = Wire::new(http.clone());
        let functions = FUNCTIONS.map(|(name, timeout)| {
            let function = Function {
                name,
                binary: binaries()[name].clone(),
                environment: environment.clone(),
                engines: endpoints.clone(),
                wire: Arc::clone(&wire),
                log: dir.path().join(format!("{name}.log")),
                timeout,
                memory_kib: None,
                idle: Mutex::default(),
            };
            (name, function)
        });
        let receiver = Receiver::start(&[]).await;
        let functions = BTreeMap::from(functions);
        let items = match &store {
            Store::Embedded { engines, .. } => Items::embedded(engines.services.dynamodb.clone(), name),
            Store::Other { http, url } => Items::at(http, url, name),
        };
        let account = Self { dir, wire, functions, receiver, key, items, http, store, queue };
        let (status, answer) = account.post("webhooks", &json!({"url": account.receiver.url})).await.unwrap();
        assert_eq!(status, 201, "{answer}");
        account
    }

    /// The keys of all objects, and of incomplete multipart uploads.
    pub(crate) async fn objects(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        match &self.store {
            Store::Embedded { objects, .. } => {
                let mut found = BTreeSet::new();
                files(objects, objects, &mut found);
                let unfinished = found.iter().filter(|name| name.contains("upload_id")).cloned().collect();
                let bucket = format!("{}/", self.items.table);
                let keys = found.iter().filter_map(|name| name.strip_prefix(&bucket)).map(str::to_owned).collect();
                (keys, unfinished)
            }
            Store::Other { http, url } => {
                let list = async |query: &str| {
                    let url = format!("{url}/{}?{query}", self.items.table);
                    let text = http.get(url).send().await.unwrap().text().await.unwrap();
                    let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
                    keys.map(|(key, _)| key.to_owned()).collect()
                };
                (list("list-type=2").await, list("uploads").await)
            }
        }
    }

    pub(crate) async fn invoke(&self, name: &str, event: &Value, request_id: &str) -> Result<Value, Fault> {
        self.functions[name].invoke(event, request_id).await
    }

    // ------------------------------------------------------------- the gateway

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<(u16, Value), Fault> {
        self.call("POST", path, &[], &body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<(u16, Value), Fault> {
        self.call("GET", path, &[], "").await
    }

    /// Makes a request as API Gateway would send it.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(u16, Value), Fault> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = format!("/api/public/v2/{path}");
        let mut request = Request::builder().method(method).uri(&path);
        for (name, value) in [("X-API-KEY", self.key.reveal()), ("Content-Type", "application/json")] {
            request = request.header(name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let _held = match self.wire.strict(Gateway).admit(&request) {
            Ok(held) => held,
            Err(refusal) => return Ok((refusal.status().as_u16(), Value::Null)),
        };
        let mut all = json!({});
        for (name, value) in request.headers() {
            all[name.as_str()] = json!([value.to_str().unwrap()]);
        }
        let mut queries: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            queries.entry(name).or_default().push(value);
        }
        let event = json!({
            "resource": "/{proxy+}", "path": path, "httpMethod": method,
            "headers": {}, "multiValueHeaders": all,
            "queryStringParameters": null, "multiValueQueryStringParameters": queries,
            "pathParameters": {}, "stageVariables": null,
            "requestContext": {
                "resourcePath": "/{proxy+}", "httpMethod": method, "path": format!("/v1{path}"), "stage": "v1",
                "accountId": "000000000000", "resourceId": "r", "requestId": "r", "apiId": "a", "protocol": "HTTP/1.1",
                "identity": {"sourceIp": "127.0.0.1"},
            },
            "body": body, "isBase64Encoded": false,
        });
        // The gateway waits no longer, whatever the function does.
        let Ok(answer) = tokio::time::timeout(GATEWAY_PATIENCE, self.invoke(API, &event, "api")).await else {
            return Ok((504, Value::Null));
        };
        let answer = answer?;
        let status = answer["statusCode"].as_u64().unwrap_or(0) as u16;
        let body = answer["body"].as_str().unwrap_or_default();
        let mut headers = HeaderMap::new();
        for (name, values) in answer["multiValueHeaders"].as_object().into_iter().flatten() {
            for value in values.as_array().into_iter().flatten().filter_map(Value::as_str) {
                headers.append(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
            }
        }
        gateway::rename(&mut headers);
        let seen = headers.iter().map(|(name, value)| (name.to_string(), json!([value.to_str().unwrap()])));
        let seen: Map<String, Value> = seen.collect();
        Ok((status, serde_json::from_str(body).unwrap_or(seen.into())))
    }

    pub(crate) async fn create_group(&self, name: &str) -> u64 {
        let (status, answer) = self.post("dataset-groups", &json!({"name": name})).await.unwrap();
        assert_eq!(status, 201, "{answer}");
        answer["dataset_group"]["id"].as_u64().unwrap()
    }

    // -------------------------------------------------------------- the bucket

    /// Takes the events of objects stored since the last call.
    pub(crate) fn take_events(&self) -> Vec<Event> {
        let stored = std::mem::take(&mut *self.wire.stored.lock().unwrap());
        stored.into_iter().map(|stored| Event { stored, request_id: random_id() }).collect()
    }

    /// Delivers an event as an asynchronous invocation: with retries, and the failure destination at the end.
    pub(crate) async fn process(&self, event: &Event) {
        let mut fault = None;
        for _ in 0..TRIES {
            match self.process_once(event).await {
                Ok(_) => return,
                Err(error) => fault = Some(error),
            }
        }
        let (fault, payload) = (format!("{fault:?}"), event.payload());
        let given_up = events::retries_exhausted(&event.request_id, &payload, &fault, SystemClock.now());
        for _ in 0..TRIES {
            if self.invoke(SWEEPER, &given_up, "given-up").await.is_ok() {
                return;
            }
        }
    }

    pub(crate) async fn process_once(&self, event: &Event) -> Result<Value, Fault> {
        self.invoke(PROCESSOR, &event.payload(), &event.request_id).await
    }

    /// Delivers an event for an upload, whether or not it exists.
    pub(crate) async fn process_object(&self, id: u64) {
        let stored =
            Stored { bucket: self.items.table.clone(), key: format!("uploads/{id}"), event: "ObjectCreated:Put" };
        self.process(&Event { stored, request_id: random_id() }).await;
    }

    // --------------------------------------------------------------- the queue

    /// Receives up to ten messages.
    pub(crate) async fn receive(&self) -> Vec<Message> {
        self.queue.receive(Duration::ZERO).await.unwrap()
    }

    /// Delivers a batch as an event source mapping does.
    pub(crate) async fn deliver(&self, messages: &[Message]) {
        let Ok(response) = self.invoke(WEBHOOKS, &events::sqs(messages), "batch").await else {
            return;
        };
        let failed: Vec<&str> = response["batchItemFailures"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|failure| failure["itemIdentifier"].as_str())
            .collect();
        let taken = messages.iter().filter(|message| !failed.contains(&message.id.as_str()));
        let taken: Vec<&str> = taken.map(|message| message.receipt.as_str()).collect();
        self.queue.delete(&taken).await.unwrap();
    }

    pub(crate) async fn deliver_all(&self) {
        loop {
            let messages = self.receive().await;
            if messages.is_empty() {
                return;
            }
            self.deliver(&messages).await;
        }
    }

    // ------------------------------------------------------------ the schedule

    pub(crate) async fn sweep(&self) {
        let _ = self.invoke(SWEEPER, &events::schedule(SystemClock.now()), "schedule").await;
    }

    /// Moves all stored times into the past, as if time had passed.
    pub(crate) async fn wait_a_while(&self) {
        self.items.pass_time(A_WHILE).await;
    }

    /// Delivers everything until there is nothing left to do.
    pub(crate) async fn settle(&self) {
        for _ in 0..MAX_WHILES {
            join_all(self.take_events().iter().map(|event| self.process(event))).await;
            self.deliver_all().await;
            if self.wire.stored.lock().unwrap().is_empty() && self.items.open().await.is_empty() {
                return;
            }
            self.wait_a_while().await;
            self.sweep().await;
        }
        let open = self.items.open().await;
        panic!("after {MAX_WHILES} sweeps there is still {open:#?}; logs in {:?}", self.dir.path());
    }

    /// Everything that the functions have logged.
    pub(crate) fn logs(&self) -> String {
        let read = |function: &Function| std::fs::read_to_string(&function.log).unwrap_or_default();
        self.functions.values().map(read).collect()
    }
}

fn key_file(dir: &tempfile::TempDir) -> PathBuf {
    let path = dir.path().join("secrets-key");
    std::fs::write(&path, SecretVault::key_for_file(&SystemIds).as_bytes()).unwrap();
    path
}

/// Finds all files below `dir`, by their paths from the root.
fn files(root: &Path, dir: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(root, &path, found),
            false => drop(found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned())),
        }
    }
}

fn random_id() -> String {
    format!("{:016x}", dataset_core::ids::random_u64(&SystemIds))
}

async fn grant(table: &Table) -> ApiKey {
    let key = ApiKey::generate(&SystemIds);
    let grant = Grant {
        id: KeyId::try_from(1).unwrap(),
        workspace_id: workspace(1),
        user_id: UserId::try_from(1).unwrap(),
        created_at: SystemClock.now(),
    };
    table.allow(&key.hash(), &grant).await.unwrap();
    key
}
