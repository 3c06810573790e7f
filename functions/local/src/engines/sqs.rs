//! SQS by `rustack`, in memory: what it forgets with the process, the table still knows.

use dataset_aws::{Body, InProcess};
use http::Request;
use http_body_util::BodyExt;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::dispatch::dispatch_operation;
use rustack_sqs_http::response::error_to_response;
use rustack_sqs_http::router::resolve_operation;
use std::io;
use std::sync::Arc;
use tower::service_fn;

pub(super) fn open() -> InProcess {
    let handler = Arc::new(RustackSqsHandler::new(Arc::new(RustackSqs::new(SqsConfig::default()))));
    InProcess::new(service_fn(move |request: Request<Body>| {
        let handler = Arc::clone(&handler);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let answered = match resolve_operation(&parts.headers) {
                Ok(operation) => dispatch_operation(handler.as_ref(), operation, body).await,
                Err(error) => Err(error),
            };
            let response = answered.unwrap_or_else(|error| error_to_response(&error, "local"));
            Ok(response.map(|body| Body::new(body.map_err(io::Error::other))))
        }
    }))
}
