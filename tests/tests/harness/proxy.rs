//! Stands between a process and the engines. It sees every call, and can refuse it, disconnect, or kill the
//! process before or after it.

use crate::harness::function::Body;
use crate::harness::table::Items;
use bytes::Bytes;
use dataset_aws::Endpoints;
use dataset_core::clock::Clock;
use dataset_tests::wire::capacity::{self, Units};
use dataset_tests::wire::{Aws, Distant, Forward, Strict, StrictService, error_response, object, operation};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt};

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    /// The answer is an error with this status, and the engine does nothing.
    Refused(u16),
    /// The connection breaks before the engine has the call.
    CutBefore,
    /// The engine has carried out the call, and the answer is lost.
    CutAfter,
    /// The engine never answers.
    Hangs,
    /// The process dies before the engine has the call.
    DiesBefore,
    /// The process dies after the engine has carried out the call.
    DiesAfter,
}

/// One call of a process to an engine.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) function: &'static str,
    /// The number of the invocation, among all.
    pub(crate) invocation: u64,
    /// The number of the call within its invocation, from 0.
    pub(crate) nth: usize,
    /// A name like `dynamodb:PutItem`.
    pub(crate) name: String,
    pub(crate) at: Instant,
}

/// Decides what happens to each call.
pub(crate) type Plan = Arc<dyn Fn(&Call) -> Fate + Send + Sync>;

/// An action on a resource, in the terms of a policy.
pub(crate) type Action = (&'static str, String, String);

/// Shared by all proxies of an account.
pub(crate) struct Wire {
    plan: Mutex<Plan>,
    invocations: AtomicU64,
    /// The number of invocations killed at their time-out.
    pub(crate) timeouts: AtomicUsize,
    pub(crate) calls: Mutex<Vec<Call>>,
    /// The actions of each function, which its policies must allow.
    pub(crate) actions: Mutex<BTreeSet<Action>>,
    /// Stored uploads, for which the bucket would send events.
    pub(crate) stored: Mutex<Vec<Stored>>,
    client: reqwest::Client,
    /// The rules of AWS, for each service.
    strict: [Strict; Aws::ALL.len()],
    /// What DynamoDB would charge for, once [`count_units`](Self::count_units) is called.
    units: Mutex<Units>,
    counted: Mutex<Option<Items>>,
    /// By which calls take as long as those of AWS, once it is set.
    distance: OnceLock<Arc<dyn Clock>>,
    /// To and from S3.
    s3_bytes: AtomicU64,
}

#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) event: &'static str,
}

impl Wire {
    pub(crate) fn new(client: reqwest::Client) -> Arc<Self> {
        Arc::new(Self {
            plan: Mutex::new(Arc::new(|_| Fate::Passes)),
            invocations: AtomicU64::default(),
            timeouts: AtomicUsize::default(),
            calls: Mutex::default(),
            actions: Mutex::default(),
            stored: Mutex::default(),
            client,
            strict: Aws::ALL.map(Strict::new),
            units: Mutex::default(),
            counted: Mutex::default(),
            distance: OnceLock::new(),
            s3_bytes: AtomicU64::default(),
        })
    }

    pub(crate) fn strict(&self, service: Aws) -> &Strict {
        &self.strict[service as usize]
    }

    /// From now on, calls take as long as those of AWS.
    pub(crate) fn set_distance(&self, clock: Arc<dyn Clock>) {
        let _ = self.distance.set(clock);
    }

    pub(crate) fn s3_bytes(&self) -> u64 {
        self.s3_bytes.load(Ordering::Relaxed)
    }

    /// Counts the units of DynamoDB from now on, or not any more: it takes more calls.
    pub(crate) fn count_units(&self, items: Option<&Items>) {
        *self.counted.lock().unwrap() = items.cloned();
    }

    /// The units since the last call.
    pub(crate) fn take_units(&self) -> Units {
        std::mem::take(&mut *self.units.lock().unwrap())
    }

    pub(crate) fn next_invocation(&self) -> u64 {
        self.invocations.fetch_add(1, Ordering::Relaxed)
    }

    /// Sets the plan for the following calls.
    pub(crate) fn follow(&self, plan: impl Fn(&Call) -> Fate + Send + Sync + 'static) {
        *self.plan.lock().unwrap() = Arc::new(plan);
    }
}

/// The connection of one process to the engines.
pub(crate) struct Proxy {
    pub(crate) endpoints: Endpoints,
    current: Arc<Current>,
    _servers: JoinSet<()>,
}

#[derive(Default)]
struct Current {
    invocation: AtomicU64,
    calls: AtomicUsize,
}

#[derive(Clone)]
struct Way {
    function: &'static str,
    service: Aws,
    engine: StrictService<Forward>,
    wire: Arc<Wire>,
    process: Arc<Body>,
    current: Arc<Current>,
}

impl Proxy {
    pub(crate) async fn start(
        function: &'static str,
        engines: &Endpoints,
        wire: &Arc<Wire>,
        process: &Arc<Body>,
    ) -> Self {
        let current = Arc::new(Current::default());
        let mut servers = JoinSet::new();
        let mut at = async |service: Aws, engine: &str| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let (wire, process, current) = (Arc::clone(wire), Arc::clone(process), Arc::clone(&current));
            let engine = wire.strict(service).layer(Forward::new(&wire.client, engine));
            servers.spawn(serve(listener, Way { function, service, engine, wire, process, current }));
            url
        };
        let endpoints = Endpoints {
            dynamodb: at(Aws::DynamoDb, &engines.dynamodb).await,
            s3: at(Aws::S3, &engines.s3).await,
            sqs: at(Aws::Sqs, &engines.sqs).await,
            kms: match &engines.kms {
                Some(kms) => Some(at(Aws::Kms, kms).await),
                None => None,
            },
        };
        Self { endpoints, current, _servers: servers }
    }

    /// The following calls belong to this invocation.
    pub(crate) fn begin(&self, invocation: u64) {
        self.current.invocation.store(invocation, Ordering::Relaxed);
        self.current.calls.store(0, Ordering::Relaxed);
    }
}

async fn serve(listener: TcpListener, way: Way) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let way = way.clone();
        connections.spawn(async move {
            let service = service_fn(|request| way.pass(request));
            // An error of the service disconnects, as it is meant to.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Way {
    async fn pass(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let request = Request::from_parts(parts, body);
        let call = Call {
            function: self.function,
            invocation: self.current.invocation.load(Ordering::Relaxed),
            nth: self.current.calls.fetch_add(1, Ordering::Relaxed),
            name: format!("{}:{}", self.service.name(), operation(self.service, &request)),
            at: Instant::now(),
        };
        self.wire.calls.lock().unwrap().push(call.clone());
        let plan = Arc::clone(&self.wire.plan.lock().unwrap());
        let fate = plan(&call);
        match fate {
            Fate::Refused(status) => return Ok(refusal(self.service, status)),
            Fate::CutBefore => return Err(cut()),
            Fate::Hangs => return std::future::pending().await,
            Fate::DiesBefore => {
                self.process.kill();
                return Err(cut());
            }
            Fate::Passes | Fate::CutAfter | Fate::DiesAfter => {}
        }
        let (engine, asked, wire) = (self.engine.clone(), request.clone(), Arc::clone(&self.wire));
        let service = self.service;
        let engine = async move {
            match wire.distance.get() {
                Some(clock) => Distant::new(service, Arc::clone(clock)).pass(engine, asked).await,
                None => engine.oneshot(asked).await,
            }
        };
        let counted = self.wire.counted.lock().unwrap().clone();
        let response = match counted.filter(|_| self.service == Aws::DynamoDb) {
            Some(items) => self.charge(&items, &request, engine).await.map_err(io::Error::other)?,
            None => engine.await.map_err(io::Error::other)?,
        };
        self.observe(&request, response.status());
        if self.service == Aws::S3 {
            let answered = response.body().size_hint().exact().unwrap_or(0);
            self.wire.s3_bytes.fetch_add(request.body().len() as u64 + answered, Ordering::Relaxed);
        }
        match fate {
            Fate::CutAfter => return Err(cut()),
            Fate::DiesAfter => {
                self.process.kill();
                return Err(cut());
            }
            _ => {}
        }
        Ok(response)
    }

    /// Counts what a request to the table costs.
    async fn charge<E>(
        &self,
        items: &Items,
        request: &Request<Bytes>,
        engine: impl Future<Output = Result<Response<Full<Bytes>>, E>>,
    ) -> Result<Response<Full<Bytes>>, E> {
        let (operation, body) = (operation(self.service, request), json(request));
        let keys = capacity::written(&operation, &body);
        let mut before = Vec::new();
        for key in &keys {
            before.push(items.get(key).await);
        }
        let response = engine.await?;
        let mut units = Units::default();
        for (key, before) in keys.iter().zip(&before) {
            units.writes += capacity::of_write(&operation, before, &items.get(key).await);
        }
        let answer = response.body().clone().collect().await.unwrap_or_else(|never| match never {}).to_bytes();
        units.reads += capacity::of_read(&operation, &body, &serde_json::from_slice(&answer).unwrap_or_default());
        let mut all = self.wire.units.lock().unwrap();
        *all = Units { writes: all.writes + units.writes, reads: all.reads + units.reads };
        drop(all);
        Ok(response)
    }

    fn observe(&self, request: &Request<Bytes>, status: StatusCode) {
        let actions = crate::harness::policies::actions(self.service, request, status);
        let mut all = self.wire.actions.lock().unwrap();
        all.extend(actions.into_iter().map(|(action, resource)| (self.function, action, resource)));
        let event = match operation(self.service, request).as_str() {
            "PutObject" => "ObjectCreated:Put",
            "PutObjectTagging" => "ObjectTagging:Put",
            "CompleteMultipartUpload" => "ObjectCreated:CompleteMultipartUpload",
            _ => return,
        };
        let (bucket, key) = object(request);
        if status.is_success() && key.starts_with("uploads/") {
            self.wire.stored.lock().unwrap().push(Stored { bucket, key, event });
        }
    }
}

fn cut() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

/// The answer of AWS when it is overloaded or has a fault.
fn refusal(service: Aws, status: u16) -> Response<Full<Bytes>> {
    let code = match (service, status) {
        (Aws::S3, 429 | 503) => "SlowDown",
        (Aws::S3, _) => "InternalError",
        (_, 429 | 503) => "ThrottlingException",
        (_, _) => "InternalServerError",
    };
    error_response(service, status, code, "by plan")
}

/// The body as JSON, or null.
pub(crate) fn json(request: &Request<Bytes>) -> Value {
    serde_json::from_slice(request.body()).unwrap_or_default()
}
