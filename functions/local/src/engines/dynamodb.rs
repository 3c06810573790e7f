//! DynamoDB by `dynoxide`, on an SQLite file.

use anyhow::anyhow;
use bytes::Bytes;
use dataset_aws::{Body, InProcess, STORAGE_FULL};
use dynoxide::{Database, DynoxideError};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use tower::service_fn;

const TARGET_PREFIX: &str = "DynamoDB_20120810.";

pub(super) fn open(path: &Path) -> anyhow::Result<InProcess> {
    let path = path.to_str().ok_or_else(|| anyhow!("the data directory's path is not Unicode"))?.to_owned();
    let database = Database::new(&path).map_err(|e| anyhow!("{path} could not be opened: {e}"))?;
    Ok(InProcess::new(service_fn(move |request: Request<Body>| {
        let (database, path) = (database.clone(), path.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let result = run(&database, operation(&parts.headers), &body);
            if let Some(error) = result.as_ref().err().filter(|error| is_unwritable(error)) {
                tracing::error!(path, %error, "the table can't be written; is its disk full?");
                return Ok(storage_full());
            }
            Ok(answer(result))
        }
    })))
}

fn operation(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    target.and_then(|target| target.strip_prefix(TARGET_PREFIX)).unwrap_or_default()
}

/// The operations that the adapters and their set-up use.
fn run(database: &Database, operation: &str, body: &Bytes) -> Result<Vec<u8>, DynoxideError> {
    match operation {
        "CreateTable" => call(body, |request| database.create_table(request)),
        "DescribeTable" => call(body, |request| database.describe_table(request)),
        "UpdateTable" => call(body, |request| database.update_table(request)),
        "UpdateTimeToLive" => call(body, |request| database.update_time_to_live(request)),
        "DescribeTimeToLive" => call(body, |request| database.describe_time_to_live(request)),
        "GetItem" => call(body, |request| database.get_item(request)),
        "PutItem" => call(body, |request| database.put_item(request)),
        "UpdateItem" => call(body, |request| database.update_item(request)),
        "DeleteItem" => call(body, |request| database.delete_item(request)),
        "Query" => call(body, |request| database.query(request)),
        "Scan" => call(body, |request| database.scan(request)),
        "BatchGetItem" => call(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => call(body, |request| database.batch_write_item(request)),
        "TransactGetItems" => call(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => call(body, |request| database.transact_write_items(request)),
        _ => Err(DynoxideError::UnsupportedCapability(format!("there is no operation {operation:?} here"))),
    }
}

fn call<Input: DeserializeOwned, Output: Serialize>(
    body: &Bytes,
    run: impl FnOnce(Input) -> Result<Output, DynoxideError>,
) -> Result<Vec<u8>, DynoxideError> {
    let serialization = |e: serde_json::Error| DynoxideError::SerializationException(e.to_string());
    serde_json::to_vec(&run(serde_json::from_slice(body).map_err(serialization)?)?).map_err(serialization)
}

/// Whether SQLite could not write to its files, which it says in these words.
fn is_unwritable(error: &DynoxideError) -> bool {
    const WORDS: [&str; 4] = ["disk is full", "disk I/O error", "readonly database", "unable to open database file"];
    let text = error.to_string();
    error.status_code() == 500 && WORDS.iter().any(|words| text.contains(words))
}

fn storage_full() -> Response<Body> {
    let error = serde_json::json!({"__type": STORAGE_FULL, "message": "the table can't be written"});
    response(StatusCode::INSUFFICIENT_STORAGE, error.to_string().into_bytes())
}

fn answer(result: Result<Vec<u8>, DynoxideError>) -> Response<Body> {
    match result {
        Ok(body) => response(StatusCode::OK, body),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            response(status, error.to_json().into_bytes())
        }
    }
}

fn response(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::from(body).map_err(|never| match never {})));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}
