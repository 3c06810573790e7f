//! The limit on the length of answers. It is Lambda's, and holds outside of Lambda too, so that what works in
//! one place works in the other.

use crate::error::ApiError;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dataset_core::Error;
use http_body_util::BodyExt;

/// A Lambda's answer has at most 6 MB, with headers and escapes.
pub(crate) const MAX_ANSWER_BYTES: usize = 6_000_000;

/// The length of a body in Lambda's answer, where it is a JSON string.
pub(crate) fn length(body: &[u8]) -> usize {
    body.len() + memchr::memchr2_iter(b'"', b'\\', body).count()
}

/// Replaces an answer that is too long by an error that says what to ask for instead.
pub(crate) async fn limit(request: Request, next: Next) -> Response {
    let is_comparison = request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str().ends_with("/diff"));
    let (parts, body) = next.run(request).await.into_parts();
    let Ok(body) = body.collect().await else {
        return ApiError::from(Error::internal("an answer broke off")).into_response();
    };
    let body = body.to_bytes();
    if length(&body) > MAX_ANSWER_BYTES {
        return ApiError::page_too_large(if is_comparison { "examples" } else { "per_page" }).into_response();
    }
    Response::from_parts(parts, Body::from(body))
}
