//! Errors of the SDK as errors of the domain.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use dataset_core::Error;
use std::error::Error as StdError;

/// Errors of our own making: a retry gets the same answer.
const OURS: [&str; 5] =
    ["ValidationException", "AccessDeniedException", "AccessDenied", "ResourceNotFoundException", "NoSuchBucket"];

/// What the local engines answer when they can't write.
pub const STORAGE_FULL: &str = "StorageFull";

/// An error that no branch of an adapter expected.
pub(crate) fn unexpected<E>(what: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Error
where
    E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
{
    move |error| {
        let kind = match error.code() {
            Some(STORAGE_FULL) => Error::full(
                "the disk of the service is full or can't be written to; what is stored can be read, and files are taken again when there is room",
            ),
            Some(code) if OURS.contains(&code) => Error::internal(format!("{what} refused the call")),
            _ => Error::unavailable(format!("{what} did not answer")),
        };
        kind.because(cause(&error))
    }
}

/// The service's message if it answered, else what kept it from answering.
fn cause<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: StdError + ProvideErrorMetadata + 'static,
{
    if let (Some(code), Some(message)) = (error.code(), error.message()) {
        return format!("{code}: {message}");
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
