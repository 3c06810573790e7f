//! What an SDK's error is in the domain's words.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use dataset_core::Error;
use std::error::Error as StdError;

/// Faults of ours, which come back however often the call is made.
const OURS: [&str; 5] =
    ["ValidationException", "AccessDeniedException", "AccessDenied", "ResourceNotFoundException", "NoSuchBucket"];

/// An error that no branch of an adapter expected.
pub(crate) fn unexpected<E>(what: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Error
where
    E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
{
    move |error| {
        let kind = match error.code() {
            Some(code) if OURS.contains(&code) => Error::internal(format!("{what} refused the call")),
            _ => Error::unavailable(format!("{what} did not answer")),
        };
        kind.because(DisplayErrorContext(error).to_string())
    }
}
