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
        let port = |index: u16| if options.after_port == 0 { 0 } else { options.after_port.saturating_add(index) };
        let mut servers = JoinSet::new();
        let (listener, dynamodb) = listen(port(1)).await?;
        servers.spawn(dynamodb::serve(listener, &options.database)?);
        let (listener, s3) = listen(port(2)).await?;
        servers.spawn(s3::serve(listener, &options.objects, options.notify)?);
        let (listener, sqs) = listen(port(3)).await?;
        servers.spawn(sqs::serve(listener)?);
        Ok(Self { endpoints: Endpoints { dynamodb, s3, sqs }, _servers: servers })
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

async fn listen(port: u16) -> anyhow::Result<(TcpListener, String)> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .with_context(|| format!("port {port} of 127.0.0.1 is taken; give another --port"))?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}
