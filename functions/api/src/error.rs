//! The body of every error.

use crate::body::shortened;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use dataset_core::group::Group;
use dataset_core::{Error, Kind};
use dataset_types::address::VersionName;
use dataset_types::{ErrorCode, ErrorResponse};
use std::any::Any;
use std::time::Duration;

pub(crate) const NO_SUCH_DELIVERY: &str = "the webhook has no delivery with this id";

/// `{"success": false, "error": ..., "code": ...}` with its status.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: ErrorCode,
    message: String,
    retry_after: Option<Duration>,
}

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// The same answer for a key that is missing, malformed, unknown or revoked, so
    /// that it reveals nothing about keys.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            ErrorCode::InvalidApiKey,
            "the API key is missing or not valid; send a valid key in the X-API-KEY header",
        )
    }

    /// The key has reached its limit of calls.
    pub(crate) fn too_many_requests(retry_after: Duration) -> Self {
        let message = "too many requests with this API key; wait as long as the Retry-After header says";
        Self::new(ErrorCode::TooManyRequests, message).again_after(retry_after)
    }

    /// Says when the same call may succeed.
    #[must_use]
    pub(crate) fn again_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    pub(crate) fn no_such_route() -> Self {
        Self::new(ErrorCode::RouteNotFound, "there is no such route; check the path")
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            ErrorCode::MethodNotAllowed,
            "the route does not take this method; the Allow header says which it takes",
        )
    }

    /// `parameter` is what makes the answer shorter.
    pub(crate) fn page_too_large(parameter: &str) -> Self {
        let message = format!("what was asked for is more than one answer can have; ask for less, by {parameter}");
        Self::new(ErrorCode::PageTooLarge, message)
    }

    pub(crate) fn takes_too_long() -> Self {
        let message = "going through all rows takes longer than an answer may; try again, or download the version";
        Self::new(ErrorCode::TakesTooLong, message)
    }

    fn not_found(code: ErrorCode, thing: &str, id: &str) -> Self {
        Self::new(code, format!("there is no {thing} {} in the workspace of this key", shortened(id)))
    }

    pub(crate) fn group_not_found(id: &(impl ToString + ?Sized)) -> Self {
        Self::not_found(ErrorCode::DatasetGroupNotFound, "dataset group", &id.to_string())
    }

    pub(crate) fn dataset_not_found(id: &(impl ToString + ?Sized)) -> Self {
        Self::not_found(ErrorCode::DatasetNotFound, "dataset", &id.to_string())
    }

    pub(crate) fn version_not_found(group: &Group, version: &str) -> Self {
        if version.parse() == Ok(VersionName::Latest) {
            let message = format!("dataset group {} has no version yet, or none that is not deleted", group.id);
            return Self::new(ErrorCode::DatasetNotFound, message);
        }
        let message = format!(
            "dataset group {} has no version {}; a version goes by its number, a label, or `latest`",
            group.id,
            shortened(version)
        );
        Self::new(ErrorCode::DatasetNotFound, message)
    }

    pub(crate) fn webhook_not_found(id: &(impl ToString + ?Sized)) -> Self {
        Self::not_found(ErrorCode::WebhookNotFound, "webhook", &id.to_string())
    }

    pub(crate) fn schema_not_found() -> Self {
        Self::new(ErrorCode::SchemaNotFound, "the dataset group has no schema in force, or none of this version")
    }

    pub(crate) fn delivery_not_found() -> Self {
        Self::new(ErrorCode::DeliveryNotFound, NO_SUCH_DELIVERY)
    }
}

impl ApiError {
    /// Replaces a status that the route does not have.
    #[must_use]
    pub(crate) fn instead_of(self, status: StatusCode, other: StatusCode) -> Self {
        if self.status == status { Self { status: other, ..self } } else { self }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let code = error.code();
        if !matches!(error.kind(), Kind::Refused(_)) {
            tracing::error!(kind = ?error.kind(), error = error.chain(), "request failed");
        }
        match code {
            ErrorCode::InternalError => {
                Self::new(code, "the request could not be completed because of a fault on the server; try again")
            }
            code => Self::new(code, error.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let envelope = ErrorResponse::new(self.code, self.message);
        let mut response = (self.status, axum::Json(envelope)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("ApiKey header=\"X-API-KEY\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = self.retry_after {
            // In whole seconds, rounded up.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// The answer when a handler panics.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response<Body> {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    ApiError::from(Error::internal("a handler panicked").because(message)).into_response()
}
