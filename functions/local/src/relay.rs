//! `datasets relay`: stands beside clients that know only the original's call, which on AWS takes no file over 4.5 MB.
//!
//! Every call goes through unchanged. Only a from-file call that is too large becomes a from-upload call, with the file
//! on its way over this machine's disk, and is answered as the original's call would be. The key is the caller's.

mod request;

use crate::cli::args::Relay as Args;
use crate::client::{address, backoff, http_client};
use crate::input::chunks;
use crate::output::note;
use crate::signals::StopSignals;
use crate::unread::read_on;
use anyhow::Context;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::map_request;
use axum::response::{IntoResponse, Response};
use backon::Retryable;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dataset_core::{Error, ErrorCode};
use dataset_types::dataset::{OneDataset, Status};
use dataset_types::limits::{MAX_FILE_BYTES, MAX_FROM_FILE_BODY_BYTES};
use dataset_types::upload::{FromFile, FromUpload, UploadAwaited, UploadRequest, VersionQueued};
use dataset_types::{ErrorResponse, FailureCode};
use futures::StreamExt;
use indicatif::DecimalBytes;
use request::{Sent, Whole};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

const FROM_FILE: &str = "/dataset-versions/from-file";

/// The longest body of such a call that goes through as it is. Lambda takes 6 MB, in which the body is a string: its
/// quotes and line breaks take more there.
const MAX_THROUGH_BYTES: u64 = 5_500_000;

/// Attempts to store a file after the first.
const RETRIES: usize = 4;

/// Between two pieces of a large body.
const IDLE_TIME: Duration = Duration::from_secs(20);

/// What is begun when it is told to stop may take so long.
const LAST_CALLS: Duration = Duration::from_secs(20);

struct Relay {
    http: reqwest::Client,
    to: String,
    /// Large files that may be on the disk at once.
    large: Arc<Semaphore>,
    spool: PathBuf,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut stop = StopSignals::new()?;
    let to = address(&args.to)?;
    let spool = args.spool.unwrap_or_else(std::env::temp_dir);
    tempfile::tempfile_in(&spool).with_context(|| format!("{} can't be written to", spool.display()))?;
    let listener = TcpListener::bind((args.host, args.port)).await;
    let listener =
        listener.with_context(|| format!("port {} of {} is taken; give another --port", args.port, args.host))?;
    note(&format!(
        "Relaying http://{} to {to} until Ctrl-C. Up to {} large files at once, {} in {}.",
        listener.local_addr()?,
        args.at_once,
        DecimalBytes(args.at_once.get() as u64 * MAX_FILE_BYTES),
        spool.display(),
    ))?;
    let relay =
        Arc::new(Relay { http: http_client()?, to, large: Arc::new(Semaphore::new(args.at_once.get())), spool });
    let routes =
        axum::Router::new().fallback(pass).layer(map_request(async |request| read_on(request))).with_state(relay);
    let (told, stopping) = tokio::sync::oneshot::channel();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(async {
        let _ = stopping.await;
    });
    let mut serving = tokio::spawn(serving.into_future());
    tokio::select! {
        served = &mut serving => return Ok(served??),
        () = stop.next() => {}
    }
    let _ = told.send(());
    // What is not done by then is begun again by its client.
    let _ = tokio::time::timeout(LAST_CALLS, serving).await;
    Ok(())
}

async fn pass(State(relay): State<Arc<Relay>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if !is_plain(parts.uri.path()) {
        let message = "the relay takes paths alone, without . and .. in them".to_owned();
        return envelope(StatusCode::BAD_REQUEST, ErrorCode::InvalidRequest.name(), message);
    }
    let is_from_file = parts.method == Method::POST && parts.uri.path().ends_with(FROM_FILE);
    if !is_from_file {
        return relay.forward(&parts, through(body)).await;
    }
    match body.size_hint().exact() {
        Some(length) if length <= MAX_THROUGH_BYTES => relay.forward(&parts, through(body)).await,
        Some(_) => relay.large(parts, body).await,
        None => {
            // How long it is, is known when it has come.
            let mut chunks = body.into_data_stream();
            let mut start = Vec::new();
            while (start.len() as u64) <= MAX_THROUGH_BYTES {
                match chunks.next().await {
                    Some(Ok(chunk)) => start.extend_from_slice(&chunk),
                    Some(Err(_)) => return incomplete(),
                    None => return relay.forward(&parts, Some(start.into())).await,
                }
            }
            let start = futures::stream::iter([Ok(Bytes::from(start))]);
            relay.large(parts, Body::from_stream(start.chain(chunks))).await
        }
    }
}

/// Whether a path stays below the service's URL, as it is: a target such as `@host` would lead elsewhere, and dots up.
fn is_plain(path: &str) -> bool {
    let is_dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    path.starts_with('/') && !path.contains('\\') && !path.split('/').any(is_dots)
}

/// The path of a call, and its query.
fn target(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("/", |target| target.as_str())
}

fn through(body: Body) -> Option<reqwest::Body> {
    (!body.is_end_stream()).then(|| reqwest::Body::wrap_stream(body.into_data_stream()))
}

impl Relay {
    /// Passes a call on, and its answer back.
    async fn forward(&self, parts: &Parts, body: Option<reqwest::Body>) -> Response {
        match self.send(parts, &parts.method, target(parts), body).await {
            Ok(answer) => back(answer),
            Err(response) => response,
        }
    }

    /// A call with the headers of another.
    async fn send(
        &self,
        parts: &Parts,
        method: &Method,
        path: &str,
        body: Option<reqwest::Body>,
    ) -> Result<reqwest::Response, Response> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.to));
        request = request.headers(end_to_end(&parts.headers));
        if let Some(body) = body {
            request = request.body(body);
        }
        request.send().await.map_err(|error| {
            let message = format!("the relay could not reach the service at {}: {}", self.to, error.without_url());
            envelope(StatusCode::BAD_GATEWAY, "unreachable", message)
        })
    }

    /// A call of the relay's own, for the caller. Its answer is read here, so it is not to be compressed.
    async fn ask(
        &self,
        parts: &Parts,
        method: &Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<reqwest::Response, Response> {
        let mut parts = parts.clone();
        parts.headers.remove(ACCEPT_ENCODING);
        parts.headers.remove(EXPECT);
        parts.headers.insert(CONTENT_LENGTH, body.len().into());
        self.send(&parts, method, path, (!body.is_empty()).then(|| body.into())).await
    }

    /// The same with a body of JSON.
    async fn send_json(
        &self,
        parts: &Parts,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<reqwest::Response, Response> {
        let mut parts = parts.clone();
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.ask(&parts, &method, path, body).await
    }

    /// A call that is too large to go through.
    async fn large(self: Arc<Self>, parts: Parts, body: Body) -> Response {
        // Whoever has no key takes no room, and neither does what is no JSON.
        if let Some(refusal) = self.refusal(&parts).await {
            return refusal;
        }
        if body.size_hint().lower() > MAX_FROM_FILE_BODY_BYTES {
            return refused(&dataset_core::upload::too_large());
        }
        let Ok(permit) = Arc::clone(&self.large).acquire_owned().await else {
            return storage("the relay is stopping");
        };
        let spooled = match self.spool(body).await {
            Ok(spooled) => spooled,
            Err(response) => return response,
        };
        let relay = Arc::clone(&self);
        // Whoever hangs up now leaves no draft that waits.
        let storing = tokio::spawn(async move {
            let _permit = permit;
            relay.store(parts, spooled).await
        });
        match storing.await {
            Ok(Ok(response) | Err(response)) => response,
            Err(_) => storage("the relay has a fault"),
        }
    }

    /// What the service says of the call whatever is in it.
    async fn refusal(&self, parts: &Parts) -> Option<Response> {
        let answer = match self.ask(parts, &parts.method, target(parts), b"{}".to_vec()).await {
            Ok(answer) => answer,
            Err(response) => return Some(response),
        };
        let (status, headers) = (answer.status(), end_to_end(answer.headers()));
        let text = answer.bytes().await.unwrap_or_default();
        let code = serde_json::from_slice::<ErrorResponse>(&text).ok().and_then(|error| error.code());
        // There is nothing in it.
        let is_as_expected = status == StatusCode::BAD_REQUEST && code == Some(ErrorCode::InvalidRequest);
        (!is_as_expected).then(|| (status, headers, text).into_response())
    }

    /// Takes a body to disk, decoded. The file has no name, so that nothing is left of it.
    async fn spool(&self, body: Body) -> Result<(Whole, File), Response> {
        let unwritten = |error: io::Error| storage(&format!("the relay has no room for the file: {error}"));
        let spool = self.spool.clone();
        let made = tokio::task::spawn_blocking(move || tempfile::tempfile_in(spool));
        let file = made.await.map_err(|_| storage("the relay has a fault"))?.map_err(unwritten)?;
        let mut out = tokio::fs::File::from_std(file.try_clone().map_err(unwritten)?);
        let (mut request, mut length) = (request::Request::default(), 0);
        let mut chunks = body.into_data_stream();
        loop {
            let chunk = match tokio::time::timeout(IDLE_TIME, chunks.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(None) => break,
                Ok(Some(Err(_))) | Err(_) => return Err(incomplete()),
            };
            length += chunk.len() as u64;
            if length > MAX_FROM_FILE_BODY_BYTES {
                return Err(refused(&dataset_core::upload::too_large()));
            }
            request.push(&chunk);
            out.write_all(request.take()).await.map_err(unwritten)?;
        }
        out.flush().await.map_err(unwritten)?;
        Ok((request.finish(), file))
    }

    /// Makes a draft, and stores its file.
    async fn store(&self, parts: Parts, (whole, file): (Whole, File)) -> Result<Response, Response> {
        let parts = &parts;
        let Whole { rest, is_cut, file: sent } = whole;
        if is_cut {
            let message = "the body has more than 2 MiB beside its file; send less".to_owned();
            return Err(envelope(StatusCode::BAD_REQUEST, ErrorCode::InvalidRequest.name(), message));
        }
        let Some(Ok(sent)) = sent else {
            // The service says what is wrong with the rest. If nothing is, it is the file.
            let answer = self.send_json(parts, Method::POST, target(parts), rest).await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let text = answer.bytes().await.map_err(|_| storage("the answer of the service broke off"))?;
            let code = serde_json::from_slice::<ErrorResponse>(&text).ok().and_then(|error| error.code());
            return Ok(match sent {
                Some(Err(error)) if code == Some(ErrorCode::EmptyFile) => refused(&error),
                _ => (status, end_to_end(&headers), text).into_response(),
            });
        };
        let base = parts.uri.path().trim_end_matches(FROM_FILE).to_owned();
        let Some(order) = order(&rest, &sent) else {
            return Ok(back(self.send_json(parts, Method::POST, target(parts), rest).await?));
        };
        let path = format!("{base}/dataset-versions/from-upload");
        let answer = self.send_json(parts, Method::POST, &path, order).await?;
        if answer.status() != StatusCode::CREATED {
            let mut response = back(answer);
            // The statuses of the original's call have no such.
            if response.status() == StatusCode::INSUFFICIENT_STORAGE {
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            }
            return Ok(response);
        }
        let headers = end_to_end(answer.headers());
        let text = answer.bytes().await.map_err(|_| storage("the answer of the service broke off"))?;
        let awaited: UploadAwaited =
            serde_json::from_slice(&text).map_err(|_| storage("the service is another one"))?;
        let dataset = format!("{base}/datasets/{}", awaited.dataset_id);
        if let Err(why) = self.put(&file, &awaited.upload, sent.length).await
            && !self.is_there(parts, &dataset).await
        {
            // A repeat with the key goes on with the draft; without one no one would.
            if !parts.headers.contains_key("idempotency-key") {
                let path = format!("{dataset}?status=draft");
                let _ = self.send_json(parts, Method::DELETE, &path, b"{}".to_vec()).await;
            }
            return Err(storage(&format!("the file could not be stored: {why}; send it again")));
        }
        let queued = VersionQueued {
            success: true,
            message: "Dataset version creation job queued".into(),
            dataset_id: awaited.dataset_id,
        };
        let mut response = (StatusCode::CREATED, headers, axum::Json(queued)).into_response();
        response.headers_mut().remove(CONTENT_LENGTH);
        Ok(response)
    }

    /// Sends the file until it is stored. Its URL stores it once, so a repeat is safe.
    async fn put(&self, file: &File, upload: &UploadRequest, length: u64) -> Result<(), String> {
        let attempt = || async {
            let broken = |error: io::Error| (false, error.to_string());
            let mut file = tokio::fs::File::from_std(file.try_clone().map_err(broken)?);
            file.rewind().await.map_err(broken)?;
            let body = reqwest::Body::wrap_stream(chunks(file));
            let mut request = self.http.put(&upload.url).header(CONTENT_LENGTH, length).body(body);
            for (name, value) in &upload.headers {
                request = request.header(name, value);
            }
            let sent = request.send().await.map_err(|error| (true, error.without_url().to_string()))?;
            match sent.status() {
                // An attempt or a call before has stored it.
                status if status.is_success() || status == StatusCode::PRECONDITION_FAILED => Ok(()),
                // 409: one before is still being stored.
                status => Err((
                    status.is_server_error() || status == StatusCode::CONFLICT,
                    format!("storage answered {}", status.as_u16()),
                )),
            }
        };
        let sent = attempt.retry(backoff().with_max_times(RETRIES)).when(|(may_pass, _)| *may_pass).await;
        sent.map_err(|(_, why)| why)
    }

    /// Whether the dataset has its file: a repeat of an earlier call, whose URL has ended.
    async fn is_there(&self, parts: &Parts, path: &str) -> bool {
        let Ok(answer) = self.ask(parts, &Method::GET, path, vec![]).await else { return false };
        let found = answer.bytes().await.ok().and_then(|text| serde_json::from_slice::<OneDataset>(&text).ok());
        let without_file = [FailureCode::UploadExpired, FailureCode::Withdrawn].map(FailureCode::name);
        found.is_some_and(|OneDataset { dataset, .. }| match dataset.failure {
            Some(failure) => !without_file.contains(&failure.code.as_str()),
            None => dataset.status == Status::Ready,
        })
    }
}

/// The body of the from-upload call: what the from-file call says, and what the file is.
fn order(rest: &[u8], sent: &Sent) -> Option<Vec<u8>> {
    let FromFile { dataset_group_id, file_name, dialect, description, tags, metadata, .. } =
        serde_json::from_slice(rest).ok()?;
    let order = FromUpload {
        dataset_group_id,
        file_name: file_name.into_owned(),
        file_size: dataset_types::id::Whole(sent.length),
        checksum_sha256: Some(STANDARD.encode(sent.sha256)),
        dialect,
        description,
        tags,
        metadata,
    };
    serde_json::to_vec(&order).ok()
}

/// Headers without those of one connection.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let of_connection =
        [CONNECTION, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
    let named: Vec<&str> = headers.get_all(CONNECTION).iter().filter_map(|names| names.to_str().ok()).collect();
    let is_named = |name: &HeaderName| {
        named.iter().flat_map(|names| names.split(',')).any(|named| named.trim().eq_ignore_ascii_case(name.as_str()))
    };
    let kept = headers
        .iter()
        .filter(|(name, _)| !of_connection.contains(name) && name.as_str() != "keep-alive" && !is_named(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn back(answer: reqwest::Response) -> Response {
    let (status, headers) = (answer.status(), end_to_end(answer.headers()));
    (status, headers, Body::from_stream(answer.bytes_stream())).into_response()
}

fn envelope(status: StatusCode, code: &str, error: String) -> Response {
    let error = axum::Json(ErrorResponse { success: false, error, code: code.to_owned() });
    (status, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))], error).into_response()
}

fn refused(error: &Error) -> Response {
    let status = StatusCode::from_u16(error.code().status()).unwrap_or(StatusCode::BAD_REQUEST);
    envelope(status, error.code().name(), error.to_string())
}

/// As the original answers when it could not store a file.
fn storage(why: &str) -> Response {
    envelope(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::InternalError.name(), why.to_owned())
}

fn incomplete() -> Response {
    let message = "the body broke off before its end; send it again";
    envelope(StatusCode::BAD_REQUEST, ErrorCode::IncompleteBody.name(), message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_elsewhere() {
        for path in ["/", "/api/public/v2/datasets", "/a..b/...", "/%2Fx", "/console/a.js"] {
            assert!(is_plain(path), "{path}");
        }
        for path in
            ["", "*", "@127.0.0.1:80", ":80", "x", "/../x", "/a/./b", "/a/%2e%2E/b", "/a/.%2e", "/\\evil", "/.."]
        {
            assert!(!is_plain(path), "{path}");
        }
    }
}
