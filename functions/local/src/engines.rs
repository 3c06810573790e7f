//! What stands in for DynamoDB, S3 and SQS, each on a port of its own.
//!
//! They are for development and tests; for load there is AWS.

mod dynamodb;
mod s3;
mod sqs;

pub(crate) use s3::expire;
pub use s3::{Notify, Stored, Ticket};

use anyhow::Context;
use dataset_aws::Endpoints;
use hyper::body::{Body, Incoming};
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Credentials that mean nothing elsewhere. The engines check signatures
/// made with them, presigned URLs included.
pub const ACCESS_KEY: &str = "local-access-key";
pub const SECRET_KEY: &str = "local-secret-key";

/// Where the engines keep what they know, and where they listen.
pub struct EngineOptions {
    /// An SQLite file.
    pub database: PathBuf,
    /// A directory that exists.
    pub objects: PathBuf,
    /// They listen on the three ports of 127.0.0.1 after this one; 0 for any
    /// that are free.
    pub after_port: u16,
    /// Where they listened before: the same ports, if they are free, so that
    /// URLs that were signed then still lead somewhere.
    pub before: Option<Endpoints>,
    /// Told of each object that is stored.
    pub notify: Arc<dyn Notify>,
}

/// Engines at work; they stop when this is dropped.
pub struct Engines {
    pub endpoints: Endpoints,
    _servers: JoinSet<()>,
}

impl Engines {
    /// # Errors
    /// If a port is taken or the state can't be read.
    pub async fn start(options: EngineOptions) -> anyhow::Result<Self> {
        let port = |index: u16, before: fn(&Endpoints) -> &str| match options.after_port {
            0 => Port::AnyLike(options.before.as_ref().and_then(|at| port_of(before(at))).unwrap_or(0)),
            port => Port::Exactly(port.saturating_add(index)),
        };
        let mut servers = JoinSet::new();
        let (listener, dynamodb) = listen(port(1, |at| &at.dynamodb)).await?;
        servers.spawn(dynamodb::serve(listener, &options.database)?);
        let (listener, s3) = listen(port(2, |at| &at.s3)).await?;
        servers.spawn(s3::serve(listener, &options.objects, options.notify)?);
        let (listener, sqs) = listen(port(3, |at| &at.sqs)).await?;
        servers.spawn(sqs::serve(listener)?);
        Ok(Self { endpoints: Endpoints { dynamodb, s3, sqs, kms: None }, _servers: servers })
    }
}

/// Serves connections until the task is dropped.
async fn serve_http<S, B>(listener: TcpListener, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Error: Into<BoxError>, Data: Send> + Send + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Small answers must not wait for the client's next packet.
        let _ = stream.set_nodelay(true);
        while connections.try_join_next().is_some() {}
        let service = service.clone();
        connections.spawn(async move {
            // A connection that breaks off is its client's concern.
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

enum Port {
    Exactly(u16),
    /// This one or, if it is taken, another.
    AnyLike(u16),
}

fn port_of(url: &str) -> Option<u16> {
    url.rsplit(':').next()?.parse().ok()
}

async fn listen(port: Port) -> anyhow::Result<(TcpListener, String)> {
    let listener = match port {
        Port::Exactly(port) => TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("port {port} of 127.0.0.1 is taken; give another --port"))?,
        Port::AnyLike(port) => match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind(("127.0.0.1", 0)).await?,
        },
    };
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}
