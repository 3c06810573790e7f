//! SQS by `rustack`, in memory: what it forgets with the process, the table
//! still knows.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::service::SqsHttpService;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(super) fn serve(listener: TcpListener) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let address = listener.local_addr()?;
    // Queue URLs are made of these.
    let config = SqsConfig { host: address.ip().to_string(), port: address.port(), ..SqsConfig::default() };
    let handler = RustackSqsHandler::new(Arc::new(RustackSqs::new(config)));
    let service = SqsHttpService::new(Arc::new(handler), Default::default());
    Ok(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let service = service.clone();
            while connections.try_join_next().is_some() {}
            connections.spawn(async move {
                let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}
