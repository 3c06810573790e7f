//! Query parameters of calls that take none.

use crate::body::shortened;
use crate::error::ApiError;
use crate::routes::{DATASET, VERSION};
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dataset_core::ErrorCode;

/// Those that take some, below the API's path, and those of the original, which ignore what they don't know.
pub(crate) const FREE: [(&str, &str); 11] = [
    ("POST", "/dataset-versions/from-file"),
    ("POST", "/dataset-groups"),
    ("GET", "/dataset-groups"),
    ("GET", "/dataset-groups/{dataset_group_id}/schema"),
    ("GET", "/dataset-groups/{dataset_group_id}/schema/proposed"),
    ("GET", "/datasets"),
    ("DELETE", "/datasets/{dataset_id}"),
    ("GET", "/datasets/{dataset_id}/rows"),
    ("GET", "/datasets/{dataset_id}/download"),
    ("GET", "/datasets/{dataset_id}/diff"),
    ("GET", "/webhooks/{webhook_id}/deliveries"),
];

pub(crate) const API: &str = "/api/public/v2";

/// Refuses what would be ignored.
pub(crate) async fn refuse(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let path = request.extensions().get::<MatchedPath>().and_then(|path| path.as_str().strip_prefix(API));
    // What GET takes, HEAD takes.
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let is_free = |path: &str| FREE.contains(&(method.as_str(), &*path.replace(VERSION, DATASET)));
    if query.is_empty() || path.is_none_or(is_free) {
        return next.run(request).await;
    }
    let name = query.split(['=', '&']).next().unwrap_or_default();
    let message = format!("this call takes no query parameters, such as {:?}; leave them out", shortened(name));
    ApiError::new(ErrorCode::InvalidParameter, message).into_response()
}
