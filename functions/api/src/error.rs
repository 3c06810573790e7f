//! The envelope of every answer that is no success.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use dataset_core::{Error, Kind};
use serde::Serialize;
use std::any::Any;
use std::time::Duration;
use utoipa::ToSchema;

/// `{"success": false, "error": ..., "code": ...}` with its status.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<Duration>,
}

/// Error response format.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorResponse {
    /// Indicates that the request failed.
    #[schema(default = false)]
    success: bool,
    /// Error message explaining why the request failed.
    error: String,
    /// A stable word for programs.
    #[schema(required = false)]
    code: &'static str,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// One answer for a key that is missing, malformed, unknown or revoked,
    /// so that it tells nothing about keys.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_api_key",
            "the API key is missing or not valid; send a valid key in the X-API-KEY header",
        )
    }

    /// The key has made as many calls as it may for now.
    pub(crate) fn too_many_requests(retry_after: Duration) -> Self {
        let message = "too many requests with this API key; wait as long as the Retry-After header says";
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message);
        Self { retry_after: Some(retry_after), ..error }
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    pub(crate) fn no_such_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "route_not_found", "there is no such route; check the path")
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "the route does not take this method; the Allow header says which it takes",
        )
    }

    pub(crate) fn group_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "dataset_group_not_found", "there is no dataset group with this id")
    }

    pub(crate) fn dataset_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "dataset_not_found", "there is no dataset with this id")
    }

    pub(crate) fn webhook_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "webhook_not_found", "there is no webhook with this id")
    }

    pub(crate) fn delivery_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "delivery_not_found", "the webhook has no delivery with this id")
    }
}

impl ApiError {
    /// With another status, where that of its kind is none of the route's.
    #[must_use]
    pub(crate) fn instead_of(self, status: StatusCode, other: StatusCode) -> Self {
        if self.status == status { Self { status: other, ..self } } else { self }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            // The original answers a name that is taken with 400, and so do we.
            Kind::Conflict | Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::Full => {
                tracing::error!(code = error.code(), error = error.chain(), "request failed");
                StatusCode::INSUFFICIENT_STORAGE
            }
            Kind::Unavailable | Kind::Internal => {
                tracing::error!(code = error.code(), error = error.chain(), "request failed");
                return Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal_error",
                    "the request could not be completed because of a fault on the server; try again",
                );
            }
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let envelope = ErrorResponse { success: false, error: self.message, code: self.code };
        let mut response = (self.status, axum::Json(envelope)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("ApiKey header=\"X-API-KEY\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = self.retry_after {
            // In whole seconds, none of them too early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// The answer in place of a handler that panicked.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response<Body> {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    ApiError::from(Error::internal("a handler panicked").because(message)).into_response()
}
