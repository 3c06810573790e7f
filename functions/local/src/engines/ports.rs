//! The engines at ports of 127.0.0.1, for functions in processes of their own.
//! Each takes only requests that are signed.

use super::Engines;
use anyhow::Context;
use bytes::Bytes;
use dataset_aws::{Body, Credentials, Endpoints, InProcess};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustack_auth::{AuthMode, StaticCredentialProvider, hash_payload};
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// Servers at work; they stop when this is dropped.
pub struct Ports {
    pub endpoints: Endpoints,
    _servers: JoinSet<()>,
}

impl Ports {
    /// Listens on the three ports after `after_port`, or with 0 on any that are free.
    ///
    /// # Errors
    /// If a port is taken.
    pub async fn open(engines: &Engines, after_port: u16) -> anyhow::Result<Self> {
        let mut servers = JoinSet::new();
        let mut serve = async |index: u16, engine: InProcess| {
            let port = if after_port == 0 { 0 } else { after_port.saturating_add(index) };
            let listener = TcpListener::bind(("127.0.0.1", port)).await;
            let listener =
                listener.with_context(|| format!("port {port} of 127.0.0.1 is taken; give another --port"))?;
            let url = format!("http://{}", listener.local_addr()?);
            servers.spawn(serve_connections(listener, engine));
            anyhow::Ok(url)
        };
        let credentials = &engines.credentials;
        let endpoints = Endpoints {
            dynamodb: serve(1, signed(engines.services.dynamodb.clone(), credentials)).await?,
            // It looks at signatures itself.
            s3: serve(2, engines.services.s3.clone()).await?,
            sqs: serve(3, signed(engines.services.sqs.clone(), credentials)).await?,
            kms: None,
        };
        Ok(Self { endpoints, _servers: servers })
    }
}

/// Serves connections until the task is dropped.
async fn serve_connections(listener: TcpListener, engine: InProcess) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Small answers must not wait for the client's next packet.
        let _ = stream.set_nodelay(true);
        while connections.try_join_next().is_some() {}
        let engine = engine.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let request = request.map(|body| Body::new(body.map_err(io::Error::other)));
            engine.clone().oneshot(request)
        });
        connections.spawn(async move {
            // A connection that breaks off is its client's concern.
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The engine for whoever signs requests with these credentials.
fn signed(engine: InProcess, Credentials { access_key, secret_key }: &Credentials) -> InProcess {
    let known = Arc::new(StaticCredentialProvider::new([(access_key.clone(), secret_key.clone())]));
    InProcess::new(tower::service_fn(move |request: Request<Body>| {
        let (engine, known) = (engine.clone(), Arc::clone(&known));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            match AuthMode::Required(known.as_ref()).verify(&parts, &hash_payload(&body)) {
                Ok(_) => engine.oneshot(Request::from_parts(parts, whole(body))).await,
                Err(error) => Ok(refusal(&error.to_string())),
            }
        }
    }))
}

fn whole(bytes: Bytes) -> Body {
    Body::new(Full::from(bytes).map_err(|never| match never {}))
}

fn refusal(why: &str) -> Response<Body> {
    let error = serde_json::json!({"__type": "com.amazon.coral.service#UnrecognizedClientException", "message": why});
    let mut response = Response::new(whole(error.to_string().into()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}
