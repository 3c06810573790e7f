//! Which pages of other origins may call.

use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method};
use std::time::Duration;
use tower::layer::util::Identity;
use tower::util::{Either, option_layer};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser remembers what it was told.
const MAX_AGE: Duration = Duration::from_secs(3_600);

/// For pages of these origins, each such as `https://app.example.com`. A key goes with each call, so no cookie is
/// ever needed, and none allowed.
pub fn cors(origins: Vec<HeaderValue>) -> Either<CorsLayer, Identity> {
    let own = ["x-api-key", "idempotency-key"].map(HeaderName::from_static);
    let layer = (!origins.is_empty()).then(CorsLayer::new);
    option_layer(layer.map(|layer| {
        layer
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers(own.into_iter().chain([CONTENT_TYPE, IF_NONE_MATCH]).collect::<Vec<_>>())
            .expose_headers([ETAG, RETRY_AFTER])
            .max_age(MAX_AGE)
    }))
}
