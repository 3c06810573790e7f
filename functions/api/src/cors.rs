//! Which pages of other origins may call.

use axum::http::header::{ETAG, RETRY_AFTER};
use axum::http::{HeaderValue, Method};
use std::time::Duration;
use tower::layer::util::Identity;
use tower::util::{Either, option_layer};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// How long a browser remembers what it was told.
const MAX_AGE: Duration = Duration::from_secs(3_600);

/// For pages of these origins, each such as `https://app.example.com`. A key goes with each call, so no cookie is
/// ever needed, and none allowed.
pub fn cors(origins: Vec<HeaderValue>) -> Either<CorsLayer, Identity> {
    let layer = (!origins.is_empty()).then(CorsLayer::new);
    option_layer(layer.map(|layer| {
        layer
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            // Those of signed uploads too.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([ETAG, RETRY_AFTER])
            .max_age(MAX_AGE)
    }))
}
