//! Requests as API Gateway sends them.

use crate::Base;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Uri;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;

/// The request with the path below the stage. `lambda_http` puts the stage's name before it.
pub fn request(event: lambda_http::Request) -> Request {
    let path = event.raw_http_path().to_owned();
    let base = base(&event, &path);
    let (mut parts, body) = event.into_parts();
    let path_and_query = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    parts.extensions.insert(base);
    let mut uri = parts.uri.into_parts();
    uri.path_and_query = path_and_query.parse().ok().or(uri.path_and_query);
    parts.uri = Uri::from_parts(uri).unwrap_or_default();
    Request::from_parts(parts, Body::new(body))
}

/// What precedes our path in the client's: the stage, or the base path of a custom domain.
fn base(event: &lambda_http::Request, path: &str) -> Base {
    let RequestContext::ApiGatewayV1(context) = event.request_context() else {
        return Base::default();
    };
    let seen = context.path.unwrap_or_default();
    // A client may leave out the trailing slash.
    let base = seen.strip_suffix(path).unwrap_or(if path == "/" { &seen } else { "" });
    Base(base.to_owned())
}
