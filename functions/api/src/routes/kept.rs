//! Answers about versions that take a look at every row. Versions do not change, so an answer is kept and given
//! again on the same day.

use crate::Api;
use crate::error::ApiError;
use crate::limit::MAX_ANSWER_BYTES;
use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use dataset_core::blobs::Object;
use dataset_core::{Error, Kind};
use jiff::tz::TimeZone;
use serde::Serialize;
use sha2::{Digest, Sha256};

const JSON: &str = "application/json";

/// More than any answer has.
const MOST_BYTES: u64 = 2 * MAX_ANSWER_BYTES as u64;

/// The answer to a question, whose parts are all that it depends on; it is worked out if it is not there.
pub(super) async fn kept<T: Serialize>(
    api: &Api,
    question: &impl Serialize,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<Response, ApiError> {
    let made_on = TimeZone::UTC.to_datetime(api.ports.clock.now()).date();
    // Another release may answer otherwise.
    let question = to_json(&(env!("CARGO_PKG_VERSION"), question))?;
    let digest: [u8; 32] = Sha256::digest(&question).into();
    let object = Object::Answer { made_on, digest: u128::from_be_bytes(*digest.last_chunk().unwrap_or(&[0; 16])) };
    let answer = match api.ports.blobs.read_tail(object, MOST_BYTES).await {
        Ok((answer, _)) => answer,
        Err(error) if error.kind() == Kind::NotFound => {
            let answer = to_json(&work.await?)?;
            match api.ports.blobs.put_new(object, JSON, answer.clone()).await {
                Err(error) if error.kind() != Kind::AlreadyExists => {
                    tracing::warn!(error = error.chain(), "an answer is not kept");
                }
                _ => {}
            }
            answer
        }
        Err(error) => return Err(error.into()),
    };
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(JSON))], answer).into_response())
}

fn to_json(value: &impl Serialize) -> Result<Bytes, ApiError> {
    let json = serde_json::to_vec(value).map_err(|e| Error::internal("an answer has no JSON form").because(e))?;
    Ok(json.into())
}
