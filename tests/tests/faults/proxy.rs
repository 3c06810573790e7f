//! What stands between a process and the engines: it sees every call, and can
//! refuse it, cut it off, or kill the process before it or behind it.

use crate::function::Body;
use bytes::Bytes;
use dataset_aws::Endpoints;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    /// The engine answers with this status instead of doing it.
    Refused(u16),
    /// The connection breaks before the engine has it.
    CutBefore,
    /// The engine has done it, and no one learns of it.
    CutAfter,
    /// The engine never answers.
    Hangs,
    /// The process dies before the engine has it.
    DiesBefore,
    /// The process dies when the engine has done it.
    DiesAfter,
}

/// One call of a process to an engine.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) function: &'static str,
    /// Which invocation of all it belongs to.
    pub(crate) invocation: u64,
    /// Which of its invocation it is, from 0.
    pub(crate) nth: usize,
    /// As in `dynamodb:PutItem`.
    pub(crate) name: String,
}

/// Decides on calls.
pub(crate) type Plan = Arc<dyn Fn(&Call) -> Fate + Send + Sync>;

/// An action on a resource, in the terms of a policy.
pub(crate) type Action = (&'static str, String, String);

/// What all proxies of an account have in common.
pub(crate) struct Wire {
    plan: Mutex<Plan>,
    invocations: AtomicU64,
    pub(crate) calls: Mutex<Vec<Call>>,
    /// What each function did, for which it needs to be allowed.
    pub(crate) actions: Mutex<BTreeSet<Action>>,
    /// Uploads that were stored, of which the bucket would send an event.
    pub(crate) stored: Mutex<Vec<Stored>>,
    client: reqwest::Client,
}

#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) operation: &'static str,
}

impl Wire {
    pub(crate) fn new(client: reqwest::Client) -> Arc<Self> {
        Arc::new(Self {
            plan: Mutex::new(Arc::new(|_| Fate::Passes)),
            invocations: AtomicU64::default(),
            calls: Mutex::default(),
            actions: Mutex::default(),
            stored: Mutex::default(),
            client,
        })
    }

    pub(crate) fn next_invocation(&self) -> u64 {
        self.invocations.fetch_add(1, Ordering::Relaxed)
    }

    /// Calls are decided by this from now on.
    pub(crate) fn follow(&self, plan: impl Fn(&Call) -> Fate + Send + Sync + 'static) {
        *self.plan.lock().unwrap() = Arc::new(plan);
    }
}

/// The way of one process to the engines.
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
    service: &'static str,
    engine: String,
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
        let mut at = async |service, engine: &str| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let (wire, process, current) = (Arc::clone(wire), Arc::clone(process), Arc::clone(&current));
            let engine = engine.to_owned();
            servers.spawn(serve(listener, Way { function, service, engine, wire, process, current }));
            url
        };
        let endpoints = Endpoints {
            dynamodb: at("dynamodb", &engines.dynamodb).await,
            s3: at("s3", &engines.s3).await,
            sqs: at("sqs", &engines.sqs).await,
            kms: match &engines.kms {
                Some(kms) => Some(at("kms", kms).await),
                None => None,
            },
        };
        Self { endpoints, current, _servers: servers }
    }

    /// Calls belong to this invocation from now on.
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
            // An error of the service breaks the connection off, as it is meant to.
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
            name: format!("{}:{}", self.service, operation(self.service, &request)),
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
        let response = self.forward(&request).await.map_err(io::Error::other)?;
        self.observe(&request, response.status());
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

    async fn forward(&self, request: &Request<Bytes>) -> reqwest::Result<Response<Full<Bytes>>> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let sent = self.wire.client.request(request.method().clone(), format!("{}{path}", self.engine));
        let answer = sent.headers(request.headers().clone()).body(request.body().clone()).send().await?;
        let mut response = Response::new(Full::default());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        response.headers_mut().remove("transfer-encoding");
        *response.body_mut() = Full::new(answer.bytes().await?);
        Ok(response)
    }

    fn observe(&self, request: &Request<Bytes>, status: StatusCode) {
        let actions = crate::policies::actions(self.service, request, status);
        let mut all = self.wire.actions.lock().unwrap();
        all.extend(actions.into_iter().map(|(action, resource)| (self.function, action, resource)));
        let operation = match operation(self.service, request).as_str() {
            "PutObject" => "Put",
            "CopyObject" => "Copy",
            "CompleteMultipartUpload" => "CompleteMultipartUpload",
            _ => return,
        };
        let (bucket, key) = object(request);
        if status.is_success() && key.starts_with("uploads/") {
            self.wire.stored.lock().unwrap().push(Stored { bucket, key, operation });
        }
    }
}

fn cut() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

/// The bucket and the key of a request to S3.
pub(crate) fn object(request: &Request<Bytes>) -> (String, String) {
    let path = request.uri().path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (bucket.to_owned(), key.to_owned())
}

/// What a request asks for, by AWS's name.
pub(crate) fn operation(service: &str, request: &Request<Bytes>) -> String {
    if service != "s3" {
        let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
        return target.and_then(|target| target.rsplit('.').next()).unwrap_or("?").to_owned();
    }
    let query = request.uri().query().unwrap_or_default();
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let name = match *request.method() {
        Method::PUT if request.headers().contains_key("x-amz-copy-source") => "CopyObject",
        Method::PUT if has("partNumber") => "UploadPart",
        Method::PUT => "PutObject",
        Method::POST if has("uploads") => "CreateMultipartUpload",
        Method::POST => "CompleteMultipartUpload",
        Method::DELETE if has("uploadId") => "AbortMultipartUpload",
        Method::DELETE => "DeleteObject",
        Method::HEAD => "HeadObject",
        _ => "GetObject",
    };
    name.to_owned()
}

/// An answer as AWS gives it that is overloaded or has a fault.
fn refusal(service: &str, status: u16) -> Response<Full<Bytes>> {
    let code = match (service, status) {
        ("s3", 429 | 503) => "SlowDown",
        ("s3", _) => "InternalError",
        (_, 429 | 503) => "ThrottlingException",
        (_, _) => "InternalServerError",
    };
    let (media_type, body) = match service {
        "s3" => ("application/xml", format!("<Error><Code>{code}</Code><Message>by plan</Message></Error>")),
        _ => {
            let body = serde_json::json!({"__type": format!("com.amazonaws#{code}"), "message": "by plan"});
            ("application/x-amz-json-1.0", body.to_string())
        }
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert(CONTENT_TYPE, media_type.parse().unwrap());
    response
}

/// A body in JSON, or nothing.
pub(crate) fn json(request: &Request<Bytes>) -> Value {
    serde_json::from_slice(request.body()).unwrap_or_default()
}
