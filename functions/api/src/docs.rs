//! The description of the API at `/openapi.json`, and its viewer at `/docs`.
//! All of it is served from here: the page needs no other host.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::IntoResponse;
use axum::routing::get;

/// The viewer draws with styles of its own making and icons of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// As the tests wrote it from the types.
pub(crate) const DESCRIPTION: &str = include_str!("../openapi.json");
const PAGE: &str = include_str!("docs/index.html");
const START: &str = include_str!("docs/start.js");
const VIEWER: &str = include_str!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js"));
const STYLES: &str = include_str!(concat!(env!("OUT_DIR"), "/swagger-ui.css"));

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/openapi.json", get(async || text("application/json", DESCRIPTION, "no-cache")))
        .route("/docs", get(async || text(HTML, PAGE, "no-cache")))
        .route("/docs/start.js", get(async || text(SCRIPT, START, "no-cache")))
        .route("/docs/swagger-ui-bundle.js", get(async || text(SCRIPT, VIEWER, "max-age=86400")))
        .route("/docs/swagger-ui.css", get(async || text(CSS, STYLES, "max-age=86400")))
}

fn text(media_type: &'static str, text: &'static str, caching: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, caching),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text)
}
