//! Refuses what AWS refuses and the engines let through.
//!
//! [`Strict`] is a layer over anything that takes requests to an engine; [`StrictProxy`] is such a layer
//! before an engine's port. The refusals are a table: [`rules`]. [`Distant`] takes AWS's times.

mod answers;
pub mod capacity;
mod items;
mod multipart;
mod request;
pub mod rules;
mod times;

pub use request::{object, operation};
pub use times::Distant;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use multipart::Uploads;
use rules::{Refusal, Sight};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::{Layer, Service, ServiceExt};

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aws {
    S3,
    DynamoDb,
    Sqs,
    Kms,
    /// Takes a function's answers, at its Runtime API.
    Lambda,
    /// Takes clients' requests.
    Gateway,
}

impl Aws {
    pub const ALL: [Self; 6] = [Self::S3, Self::DynamoDb, Self::Sqs, Self::Kms, Self::Lambda, Self::Gateway];
}

impl Aws {
    /// The name in policies and ARNs.
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::Kms => "kms",
            Self::Lambda => "lambda",
            Self::Gateway => "apigateway",
        }
    }
}

/// The layer for one service. Clones share their state.
#[derive(Clone)]
pub struct Strict {
    service: Aws,
    seen: Arc<Seen>,
}

/// What rules need to know about earlier and concurrent requests.
#[derive(Default)]
struct Seen {
    uploads: Mutex<Uploads>,
    /// Objects with a conditional write in progress, and items with a transaction in progress.
    held: Mutex<HashSet<String>>,
    refusals: Mutex<Vec<&'static str>>,
}

impl Strict {
    pub fn new(service: Aws) -> Self {
        Self { service, seen: Arc::default() }
    }

    /// The error codes of all refusals so far.
    pub fn refusals(&self) -> Vec<&'static str> {
        self.seen.refusals.lock().unwrap().clone()
    }

    /// Lets a request through, or returns the refusal by the first rule that it breaks.
    pub fn admit(&self, request: &Request<Bytes>) -> Result<Held, Box<Response<Full<Bytes>>>> {
        let operation = operation(self.service, request);
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let (written, holds) = self.written(request, &operation, &body);
        let (uploads, mut held) = (self.seen.uploads.lock().unwrap(), self.seen.held.lock().unwrap());
        let meets: Vec<bool> = written.iter().map(|thing| held.contains(thing)).collect();
        let sight = Sight { operation, request, body: &body, uploads: &uploads, meets: &meets };
        if let Some(rule) = rules::of(self.service).iter().find(|rule| (rule.is_broken)(&sight)) {
            return Err(Box::new(self.refuse(&rule.refusal, &meets)));
        }
        let things = if holds { written } else { vec![] };
        held.extend(things.iter().cloned());
        Ok(Held { seen: Arc::clone(&self.seen), things })
    }

    /// The objects or items that a request writes, and whether it holds them until it has ended.
    fn written(&self, request: &Request<Bytes>, operation: &str, body: &Value) -> (Vec<String>, bool) {
        match self.service {
            Aws::S3 if request.headers().contains_key(header::IF_NONE_MATCH) && !request.method().is_safe() => {
                let (bucket, key) = object(request);
                (vec![format!("{bucket}/{key}")], true)
            }
            Aws::DynamoDb => {
                let actions = items::actions(operation, body);
                let is_transaction = operation == "TransactWriteItems";
                let writes = actions.iter().filter(|action| is_transaction || action.is_write());
                (writes.map(items::Action::item).collect(), is_transaction)
            }
            Aws::S3 | Aws::Sqs | Aws::Kms | Aws::Lambda | Aws::Gateway => (vec![], false),
        }
    }

    async fn pass<S>(self, engine: S, request: Request<Bytes>) -> Result<Response<Full<Bytes>>, S::Error>
    where
        S: Service<Request<Bytes>, Response = Response<Full<Bytes>>>,
    {
        let _held = match self.admit(&request) {
            Ok(held) => held,
            Err(refusal) => return Ok(*refusal),
        };
        let mut response = engine.oneshot(request.clone()).await?;
        let body = whole(&response).await;
        if self.service == Aws::S3 && response.status().is_success() {
            self.seen.uploads.lock().unwrap().learn(&request, &body);
            // S3 returns the checksum of a stored part, and the SDK puts it into the completion.
            for (name, value) in request::checksums(&request) {
                let name = HeaderName::try_from(name).unwrap();
                response.headers_mut().entry(name).or_insert(value.parse().unwrap());
            }
        }
        if self.service == Aws::DynamoDb
            && let Some(part) = answers::cut(&operation(self.service, &request), request.body(), &body)
        {
            response.headers_mut().remove(header::CONTENT_LENGTH);
            // Its checksum was of the whole.
            response.headers_mut().remove("x-amz-crc32");
            *response.body_mut() = Full::new(part);
        }
        Ok(response)
    }

    fn refuse(&self, refusal: &Refusal, meets: &[bool]) -> Response<Full<Bytes>> {
        self.seen.refusals.lock().unwrap().push(refusal.code);
        let mut response = error_response(self.service, refusal.status, refusal.code, refusal.message);
        if refusal.code == "TransactionCanceledException" {
            let reasons =
                meets.iter().map(|meets| json!({"Code": if *meets { "TransactionConflict" } else { "None" }}));
            let reasons = Value::from_iter(reasons);
            let body = json!({
                "__type": format!("com.amazonaws#{}", refusal.code),
                "Message": refusal.message,
                "CancellationReasons": reasons,
            });
            *response.body_mut() = Full::new(body.to_string().into());
        }
        response
    }
}

/// The body of an answer.
pub(super) async fn whole(response: &Response<Full<Bytes>>) -> Bytes {
    response.body().clone().collect().await.unwrap_or_else(|never| match never {}).to_bytes()
}

/// What a request in progress keeps others from writing.
pub struct Held {
    seen: Arc<Seen>,
    things: Vec<String>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.seen.held.lock().unwrap();
        for thing in &self.things {
            held.remove(thing);
        }
    }
}

/// An error response in AWS's form.
pub fn error_response(service: Aws, status: u16, code: &str, message: &str) -> Response<Full<Bytes>> {
    let (media_type, body) = match service {
        Aws::S3 => ("application/xml", format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>")),
        _ => {
            let body = json!({"__type": format!("com.amazonaws#{code}"), "message": message});
            ("application/x-amz-json-1.0", body.to_string())
        }
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

impl<S> Layer<S> for Strict {
    type Service = StrictService<S>;

    fn layer(&self, engine: S) -> Self::Service {
        StrictService { strict: self.clone(), engine }
    }
}

#[derive(Clone)]
pub struct StrictService<S> {
    strict: Strict,
    engine: S,
}

impl<S> Service<Request<Bytes>> for StrictService<S>
where
    S: Service<Request<Bytes>, Response = Response<Full<Bytes>>, Future: Send> + Clone + Send + 'static,
    S::Error: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        Box::pin(self.strict.clone().pass(self.engine.clone(), request))
    }
}

/// Forwards requests unchanged to an engine at a URL.
#[derive(Clone)]
pub struct Forward {
    client: reqwest::Client,
    engine: String,
    /// How many requests the engine gets at once.
    at_once: Arc<Semaphore>,
}

impl Forward {
    pub fn new(client: &reqwest::Client, engine: &str) -> Self {
        Self { client: client.clone(), engine: engine.to_owned(), at_once: Arc::new(Semaphore::new(1_000)) }
    }

    /// For an engine that carries out conditional writes in two steps.
    pub fn one_at_a_time(client: &reqwest::Client, engine: &str) -> Self {
        Self { at_once: Arc::new(Semaphore::new(1)), ..Self::new(client, engine) }
    }

    async fn send(self, request: Request<Bytes>) -> reqwest::Result<Response<Full<Bytes>>> {
        let _permit = self.at_once.acquire().await;
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let sent = self.client.request(parts.method, format!("{}{path}", self.engine));
        let answer = sent.headers(parts.headers).body(body).send().await?;
        let mut response = Response::new(Full::default());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        response.headers_mut().remove(header::TRANSFER_ENCODING);
        *response.body_mut() = Full::new(answer.bytes().await?);
        Ok(response)
    }
}

impl Service<Request<Bytes>> for Forward {
    type Response = Response<Full<Bytes>>;
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = reqwest::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<reqwest::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}

/// The strict layer in front of an engine, on its own port. It stops when it is dropped.
pub struct StrictProxy {
    pub url: String,
    pub strict: Strict,
    _server: JoinSet<()>,
}

impl StrictProxy {
    pub async fn start(service: Aws, engine: Forward) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let strict = Strict::new(service);
        let engine = strict.layer(engine);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let engine = engine.clone();
                let serve = service_fn(move |request: Request<Incoming>| {
                    let engine = engine.clone();
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
                        engine.oneshot(Request::from_parts(parts, body)).await.map_err(std::io::Error::other)
                    }
                });
                connections.spawn(async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), serve).await;
                });
            }
        });
        Self { url, strict, _server: server }
    }
}
