//! What a client may keep of an answer: nothing that can hold a secret, and of what it reads a copy that it
//! asks about each time.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Collected};
use sha2::{Digest, Sha256};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const ASK: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Says it in the answer, unless its route has, and leaves out a body that the client has already.
pub(crate) async fn caching(request: Request, next: Next) -> Response {
    let is_read = request.method() == Method::GET;
    let known = request.headers().get(IF_NONE_MATCH).cloned();
    let mut response = next.run(request).await;
    if response.headers().contains_key(CACHE_CONTROL) {
        return response;
    }
    if !is_read || response.status() != StatusCode::OK {
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        return response;
    }
    let (parts, body) = response.into_parts();
    // It is in memory, since its length was looked at.
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let tag = tag(&body);
    let mut response = if known.is_some_and(|known| has(&known, &tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::from_parts(parts, Body::from(body))
    };
    response.headers_mut().extend([(CACHE_CONTROL, ASK), (ETAG, tag)]);
    response
}

/// Weak: a gateway may compress the body.
fn tag(body: &[u8]) -> HeaderValue {
    let hash: String = Sha256::digest(body)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::try_from(format!("W/\"{hash}\"")).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// Whether a list of tags has this one, weak or not.
fn has(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let (known, tag) = (known.to_str().unwrap_or_default(), tag.to_str().unwrap_or_default());
    known.split(',').any(|one| one.trim() == "*" || bare(one) == bare(tag))
}
