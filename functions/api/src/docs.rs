//! The description of the API at `/openapi.json`, and its viewer at `/docs`.
//! All of it is served from here: the page needs no other host.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use flate2::read::GzDecoder;
use std::io::Read;
use std::sync::LazyLock;

/// The viewer uses inline styles and icons.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const PAGE: &str = include_str!("docs/index.html");
const START: &str = include_str!("docs/start.js");

/// Packed by `build.rs`, since each first start reads the whole binary, and few calls ask for these.
macro_rules! packed {
    ($name:literal) => {
        LazyLock::new(|| unpack(include_bytes!(concat!(env!("OUT_DIR"), "/", $name))))
    };
}

static DESCRIPTION: LazyLock<Bytes> = packed!("openapi.json");
static VIEWER: LazyLock<Bytes> = packed!("swagger-ui-bundle.js");
static STYLES: LazyLock<Bytes> = packed!("swagger-ui.css");

fn unpack(packed: &[u8]) -> Bytes {
    let mut text = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut text).expect("it was packed when this was built");
    text.into()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/openapi.json", get(async || text("application/json", DESCRIPTION.clone(), "no-cache")))
        .route("/docs", get(async || text(HTML, PAGE, "no-cache")))
        .route("/docs/start.js", get(async || text(SCRIPT, START, "no-cache")))
        .route("/docs/swagger-ui-bundle.js", get(async || text(SCRIPT, VIEWER.clone(), "max-age=86400")))
        .route("/docs/swagger-ui.css", get(async || text(CSS, STYLES.clone(), "max-age=86400")))
}

fn text(media_type: &'static str, text: impl IntoResponse, caching: &'static str) -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, media_type), (CACHE_CONTROL, caching), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, text)
}
