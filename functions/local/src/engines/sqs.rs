//! SQS by `rustack`, in memory: what it forgets with the process, the table
//! still knows.

use super::serve_http;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::service::SqsHttpService;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;

pub(super) fn serve(listener: TcpListener) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let address = listener.local_addr()?;
    // Queue URLs are made of these.
    let config = SqsConfig { host: address.ip().to_string(), port: address.port(), ..SqsConfig::default() };
    let handler = RustackSqsHandler::new(Arc::new(RustackSqs::new(config)));
    let service = SqsHttpService::new(Arc::new(handler), Default::default());
    Ok(serve_http(listener, service))
}
