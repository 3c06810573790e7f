//! Middleware before the API at the one port: storage for presigned URLs, and the check of the disk.

use crate::data_dir::DataDir;
use crate::service::BUCKET;
use anyhow::Context;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dataset_api::error::ApiError;
use dataset_aws::{Body, InProcess};
use dataset_types::ErrorCode;
use http_body_util::BodyExt;
use reqwest::Url;
use std::io;
use std::sync::Arc;
use tower::ServiceExt;
use url::form_urlencoded;

/// Storage at the same port as the API, for presigned URLs.
pub(crate) struct Storage {
    pub(crate) engine: InProcess,
    /// The host that URLs are signed for. A proxy may have changed it.
    pub(crate) public_host: HeaderValue,
}

impl Storage {
    pub(crate) async fn answer(State(storage): State<Arc<Self>>, mut request: Request, next: Next) -> Response {
        let key = request.uri().path().strip_prefix('/').and_then(|path| path.strip_prefix(BUCKET));
        if !key.is_some_and(|key| key.starts_with('/')) {
            return next.run(request).await;
        }
        if let Some(refusal) = refuse_unsigned(&request) {
            return refusal.into_response();
        }
        request.headers_mut().insert(header::HOST, storage.public_host.clone());
        let request = request.map(|body| Body::new(body.map_err(io::Error::other)));
        match storage.engine.clone().oneshot(request).await {
            Ok(response) => response.map(axum::body::Body::new),
            Err(error) => {
                tracing::error!(%error, "storage failed");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// The health check fails if the disk can't be written.
pub(crate) async fn check_disk(State(data_dir): State<Arc<DataDir>>, request: Request, next: Next) -> Response {
    if request.uri().path() != "/healthz" {
        return next.run(request).await;
    }
    match data_dir.try_to_write() {
        Ok(()) => next.run(request).await,
        Err(error) => {
            tracing::error!("{error:#}");
            let message = format!("{error:#}; make room on its disk, or let the service write there");
            ApiError::new(ErrorCode::StorageFull, message).into_response()
        }
    }
}

/// Refuses all but presigned GET and PUT requests, and headers that are not signed, as AWS does. The engine
/// would accept more, and read a form's body before it checks the signature.
fn refuse_unsigned(request: &Request) -> Option<ApiError> {
    if ![Method::GET, Method::HEAD, Method::PUT].contains(request.method()) {
        let message = "storage takes no such method; get or put an object by its signed URL";
        return Some(ApiError::new(ErrorCode::MethodNotAllowed, message));
    }
    let query = request.uri().query().unwrap_or_default();
    let parameter = |name: &str| {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name).collect();
        // A repeated parameter counts as missing.
        pairs.first().filter(|_| pairs.len() == 1).map(|(_, value)| value.to_ascii_lowercase())
    };
    let signed = parameter("X-Amz-Signature").and_then(|_| parameter("X-Amz-SignedHeaders"));
    let signed: Vec<&str> = signed.as_deref().map(|names| names.split(';').collect()).unwrap_or_default();
    let is_covered = |name: &str| !name.starts_with("x-amz-") || signed.contains(&name);
    let is_signed = !signed.is_empty() && request.headers().keys().all(|name| is_covered(name.as_str()));
    (!is_signed).then(|| {
        let message = "the URL is not signed, or does not sign each of the x-amz headers; ask the service for one and send what it says";
        ApiError::new(ErrorCode::NotSigned, message)
    })
}

pub(crate) fn host_of(url: &Url) -> anyhow::Result<HeaderValue> {
    let host = url.host_str().context("the public URL has no host")?;
    Ok(HeaderValue::try_from(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))?)
}
