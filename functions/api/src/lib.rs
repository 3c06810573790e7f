//! The Lambda behind API Gateway: takes files in and tells what became of them.
//!
//! [`router`] is an ordinary axum router, run by `lambda_http` in AWS, with [`gateway`] before it, and by
//! hyper elsewhere. Every answer that is no success, whoever makes it, is one envelope: see [`error`].

mod auth;
mod body;
mod caching;
mod console;
mod cors;
mod decode;
mod docs;
pub mod error;
pub mod gateway;
mod limit;
#[cfg(test)]
mod openapi;
mod query;
mod routes;

pub use cors::cors;
pub use routes::from_file::{Upload, unpack};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::middleware::{self, Next};
use axum::response::Response;
use dataset_core::Ports;
use dataset_core::api_keys::ApiKeys;
use dataset_core::destination::Policy;
use dataset_core::resolver::Resolver;
use dataset_core::secret::Vault;
use error::ApiError;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;

/// API Gateway waits for 29 s, and what has been found is to be sent by then.
pub const SCAN_TIME: Duration = Duration::from_secs(20);

/// The state of the routes.
pub struct Api {
    pub api_keys: Arc<dyn ApiKeys>,
    pub vault: Arc<dyn Vault>,
    pub resolver: Arc<dyn Resolver>,
    pub ports: Ports,
    /// Where webhooks may be sent.
    pub destinations: Policy,
    /// How long a caller is let wait for work on whole versions; see [`SCAN_TIME`].
    pub scan_time: Duration,
    /// How many calls a key may make in each [`WINDOW`](dataset_core::api_keys::WINDOW).
    pub call_limit: Option<NonZero<u32>>,
}

/// What precedes our path in the client's, behind a gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Base(pub(crate) String);

pub fn router(api: Arc<Api>) -> Router {
    // Those of one call to `layer` are one layer, the first outermost: each call costs every route a box at the start.
    let layers = (
        middleware::map_response(no_sniffing),
        middleware::from_fn_with_state(Arc::clone(&api), log),
        // On one machine. In AWS a panic ends the process, and the gateway says the same.
        CatchPanicLayer::custom(error::panicked),
        middleware::from_fn(caching::caching),
    );
    routes::routes()
        .layer((middleware::from_fn(limit::limit), middleware::from_fn(query::refuse)))
        .merge(docs::routes())
        .merge(console::routes())
        .fallback(|| async { ApiError::no_such_route() })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(layers)
        .with_state(api)
}

/// No answer is what a browser may take it for.
async fn no_sniffing(mut response: Response) -> Response {
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Logs one line for each request.
async fn log(axum::extract::State(api): axum::extract::State<Arc<Api>>, request: Request, next: Next) -> Response {
    let started = api.ports.clock.now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    let duration_ms = api.ports.clock.ms_since(started);
    tracing::info!(%method, route, status = response.status().as_u16(), duration_ms, "request");
    response
}

#[cfg(test)]
mod tests;
