//! Request bodies.

use crate::error::ApiError;
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use dataset_core::ErrorCode;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;

/// Enough for any request but an upload.
const MAX_BYTES: usize = 1 << 20;

/// A small JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        parse(&read_small(request).await?).map(Json)
    }
}

async fn read_small(request: Request) -> Result<Bytes, ApiError> {
    let body = read(request, MAX_BYTES).await?;
    body.ok_or_else(|| ApiError::new(ErrorCode::BodyTooLarge, "the body is over 1 MiB; send less"))
}

/// A small JSON body, as it was written.
pub(crate) struct Text(pub(crate) String);

impl<S: Sync> FromRequest<S> for Text {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let body = String::from_utf8(read_small(request).await?.into());
        body.map(Self).map_err(|_| ApiError::new(ErrorCode::InvalidJson, "the body is not UTF-8, as JSON must be"))
    }
}

/// A small JSON body that may be left out.
pub(crate) struct JsonIfAny<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Sync> FromRequest<S> for JsonIfAny<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if request.body().size_hint().exact() == Some(0) {
            return Ok(Self(T::default()));
        }
        Json::<Option<T>>::from_request(request, state).await.map(|Json(body)| Self(body.unwrap_or_default()))
    }
}

/// The body of a call that takes none.
pub(crate) type NoBody = JsonIfAny<Nothing>;

/// Some clients send an object all the same.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an empty JSON object, or no body")]
pub(crate) struct Nothing {}

/// The whole body, if it is JSON; `None` if it is longer than `max_bytes`. It is
/// held in memory once: a body in one frame, as Lambda gives it, is not copied, and
/// one in many frames is collected into a buffer of its length.
pub(crate) async fn read(request: Request, max_bytes: usize) -> Result<Option<Bytes>, ApiError> {
    require_json(request.headers())?;
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length: Option<usize> = length.and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    if length.is_some_and(|length| length > max_bytes) {
        return Ok(None);
    }
    let mut body = request.into_body();
    let Some(first) = frame(&mut body).await? else {
        return Ok(Some(Bytes::new()));
    };
    let Some(second) = frame(&mut body).await? else {
        return Ok((first.len() <= max_bytes).then_some(first));
    };
    let mut whole = Vec::with_capacity(length.unwrap_or(first.len() + second.len()));
    whole.extend_from_slice(&first);
    drop(first);
    let mut next = Some(second);
    while let Some(frame_bytes) = next {
        if whole.len() + frame_bytes.len() > max_bytes {
            return Ok(None);
        }
        whole.extend_from_slice(&frame_bytes);
        next = frame(&mut body).await?;
    }
    Ok(Some(whole.into()))
}

/// The next frame that holds data.
async fn frame(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            ApiError::new(ErrorCode::IncompleteBody, "the body broke off before its end; send it again")
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(compressed());
    }
    let Some(given) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let media_type =
        given.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json")) {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::UnsupportedMediaType,
        "the body must be JSON; send it with the header Content-Type: application/json. A file as it is, is sent to the URL that POST /api/public/v2/dataset-versions/from-upload answers with",
    ))
}

fn compressed() -> ApiError {
    ApiError::new(
        ErrorCode::UnsupportedContentEncoding,
        "the body must not be compressed; send it as it is, without the header Content-Encoding",
    )
}

/// Parses a JSON object. Serde alone would accept an array of the fields.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    if body.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
        return Err(ApiError::new(ErrorCode::InvalidRequest, "the body must be a JSON object, not an array"));
    }
    if body.trim_ascii().is_empty() {
        return Err(ApiError::new(ErrorCode::InvalidJson, "the body is empty; send a JSON object"));
    }
    if body.starts_with(&[0x1f, 0x8b]) {
        return Err(compressed());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|e| invalid(&e))?;
    deserializer
        .end()
        .map_err(|e| ApiError::new(ErrorCode::InvalidJson, format!("the body is not valid JSON: {e}")))?;
    Ok(parsed)
}

/// Where in the body the inside of a string of base64 stands, which is the value of this field.
pub(crate) fn base64_in(body: &[u8], field: &str, value: &RawValue) -> Result<Range<usize>, ApiError> {
    let [b'"', string @ .., b'"'] = value.get().as_bytes() else {
        let message = format!("{field} must be a string: the file in base64");
        return Err(ApiError::new(ErrorCode::InvalidRequest, message));
    };
    if string.is_empty() {
        let message = format!("{field} is empty; send the file in base64");
        return Err(ApiError::new(ErrorCode::EmptyFile, message));
    }
    let start = string.as_ptr().addr() - body.as_ptr().addr();
    Ok(start..start + string.len())
}

/// Serde's words, which quote what was sent: of a long quotation the start, and what was expected instead.
pub(crate) fn shortened(words: &str) -> Cow<'_, str> {
    const MAX_CHARS: usize = 100;
    let expected = words.rfind(", expected ").unwrap_or(words.len());
    match words[..expected].char_indices().nth(MAX_CHARS) {
        Some((start, _)) => format!("{}…{}", &words[..start], &words[expected..]).into(),
        None => words.into(),
    }
}

/// Serde's error, with the path of the field.
fn invalid(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let (field, cause) = (error.path().to_string(), error.inner());
    let cause = cause.to_string();
    // Where in the body a field stands tells less than its name.
    let rule = shortened(cause.rsplit_once(" at line ").map_or(&*cause, |(rule, _)| rule));
    match (error.inner().is_data(), field.as_str()) {
        (true, ".") => ApiError::new(ErrorCode::InvalidRequest, format!("the body breaks a rule: {rule}")),
        (true, field) => {
            ApiError::new(ErrorCode::InvalidRequest, format!("{} breaks a rule: {rule}", shortened(field)))
        }
        (false, _) => ApiError::new(ErrorCode::InvalidJson, format!("the body is not valid JSON: {cause}")),
    }
}
