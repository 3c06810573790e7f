//! Requests as API Gateway sends them.

use axum::body::Body;
use axum::extract::Request;
use axum::http::Uri;
use lambda_http::RequestExt;

/// The request on the path that the client sees below the stage: `lambda_http`
/// puts the stage's name before it.
pub fn request(event: lambda_http::Request) -> Request {
    let path = event.raw_http_path().to_owned();
    let (mut parts, body) = event.into_parts();
    let path_and_query = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut uri = parts.uri.into_parts();
    uri.path_and_query = path_and_query.parse().ok().or(uri.path_and_query);
    parts.uri = Uri::from_parts(uri).unwrap_or_default();
    Request::from_parts(parts, Body::new(body))
}
