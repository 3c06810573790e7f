//! Calls to a service, with retries.

use backon::{ExponentialBuilder, Retryable};
use dataset_core::api_key::ApiKey;
use dataset_core::ids::{Ids, SystemIds};
use dataset_types::{ErrorCode, ErrorResponse};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, redirect};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, iter};

/// Where the API is, below a service's URL.
const API: &str = "/api/public/v2";

/// Attempts of a call after the first.
const RETRIES: usize = 4;

/// For one attempt: API Gateway answers within 29 s, whatever it is.
const ATTEMPT_TIME: Duration = Duration::from_secs(30);

/// The same for one that sends a file.
const SENDING_TIME: Duration = Duration::from_secs(300);

/// For all attempts of a call, after which none is begun.
const CALL_TIME: Duration = Duration::from_secs(45);

/// Between two reads of what is downloaded.
const READ_TIME: Duration = Duration::from_secs(30);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("{message} ({code})")]
    Refused { code: String, message: String },
    /// With what would work for the file, or where it is wrong, a line each.
    #[error("{file}: {message} ({code}){details}")]
    Failed { file: String, code: String, message: String, details: String },
    #[error("the service at {url} could not be reached: {why}")]
    Unreachable { url: String, why: String },
    #[error("the service answered {status}; try again later")]
    Faulty { status: StatusCode },
    #[error("{url} answered {status}, and not as this service does; is that its URL?")]
    NotOurs { url: String, status: StatusCode },
    #[error("what came is not what was stored: its sha256 is {sha256}, and {expected} was expected; try again")]
    Damaged { expected: String, sha256: String },
    #[error("{0} (storage_full)")]
    Full(String),
    #[error("{0} (invalid_api_key)")]
    Unauthorized(String),
    #[error("no service is known: log in with `datasets login`, or set DATASETS_URL")]
    NoService,
    #[error("there is no key for {url}: log in with `datasets login`, or set DATASETS_API_KEY")]
    NoKey { url: String },
    #[error("the answer of the service can't be read; is it of another version?")]
    Unreadable(#[from] serde_json::Error),
    #[error("{0}")]
    Usage(String),
    #[error("stopped")]
    Stopped,
    /// It was stopped, or its time is up, and this is what becomes of it.
    #[error("{what}")]
    CutShort { what: String, is_stopped: bool },
}

impl Trouble {
    /// A stable word for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } | Self::Failed { code, .. } => code,
            Self::Unreachable { .. } => "unreachable",
            Self::Faulty { .. } => "service_fault",
            Self::NotOurs { .. } | Self::Unreadable(_) => "not_this_service",
            Self::Damaged { .. } => "damaged",
            Self::Full(_) => ErrorCode::StorageFull.name(),
            Self::Unauthorized(_) => ErrorCode::InvalidApiKey.name(),
            Self::NoService => "no_service",
            Self::NoKey { .. } => "no_key",
            Self::Usage(_) => "usage",
            Self::Stopped | Self::CutShort { is_stopped: true, .. } => "stopped",
            Self::CutShort { .. } => "timed_out",
        }
    }

    /// The exit code of the command.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } | Self::Failed { .. } => 1,
            Self::Usage(_) => 2,
            Self::Unreachable { .. }
            | Self::Faulty { .. }
            | Self::NotOurs { .. }
            | Self::Damaged { .. }
            | Self::Full(_)
            | Self::Unreadable(_) => 3,
            Self::Unauthorized(_) | Self::NoService | Self::NoKey { .. } => 4,
            // What shells give for Ctrl-C.
            Self::Stopped | Self::CutShort { is_stopped: true, .. } => 130,
            Self::CutShort { .. } => 3,
        }
    }
}

/// A service and the key for it.
pub(super) struct Remote {
    http: Client,
    url: String,
    key: String,
    /// Where the key is from, in the user's terms.
    key_from: String,
}

/// What every answer that is no error has.
#[derive(Deserialize)]
struct Success {
    success: bool,
}

/// The text of an answer, with every digit of its numbers.
pub(super) struct Answer(String);

impl Answer {
    pub(super) fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Trouble> {
        Ok(serde_json::from_str(&self.0)?)
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// The answer to a call that may have been repeated on the way, with the secret that a repeat is not told.
    pub(super) fn with_secret(self, secret: &str) -> Result<Self, Trouble> {
        let mut answer: Map<String, Value> = self.parse()?;
        answer.entry("secret").or_insert_with(|| secret.into());
        Ok(Self(serde_json::to_string(&answer)?))
    }
}

impl Remote {
    pub(super) fn new(url: &str, key: &ApiKey, key_from: String) -> anyhow::Result<Self> {
        Ok(Self { http: http_client()?, url: address(url)?, key: key.reveal().to_owned(), key_from })
    }

    pub(super) fn key_from(&self) -> &str {
        &self.key_from
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn get(&self, path: &str, query: &impl Serialize) -> Result<Answer, Trouble> {
        self.read(self.call(Method::GET, path).query(query)).await
    }

    /// Under a key of its own, so that however often it is sent, it is carried out once.
    pub(super) async fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer, Trouble> {
        self.read(self.once(path, body)).await
    }

    /// One whose body is a file.
    pub(super) async fn post_file(&self, path: &str, body: &impl Serialize) -> Result<Answer, Trouble> {
        self.read(self.once(path, body).timeout(SENDING_TIME)).await
    }

    fn once(&self, path: &str, body: &impl Serialize) -> RequestBuilder {
        let mut key = [0; 16];
        SystemIds.fill(&mut key);
        self.call(Method::POST, path).header("idempotency-key", hex::encode(key)).json(body)
    }

    pub(super) async fn put(&self, path: &str, body: &impl Serialize) -> Result<Answer, Trouble> {
        self.read(self.call(Method::PUT, path).json(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Answer, Trouble> {
        self.read(self.call(Method::DELETE, path)).await
    }

    /// The location that a call redirects to.
    pub(super) async fn redirect(&self, path: &str, query: &impl Serialize) -> Result<String, Trouble> {
        let response = self.send(self.call(Method::GET, path).query(query)).await?;
        let location = response.headers().get("location").and_then(|url| url.to_str().ok());
        location.map(str::to_owned).ok_or_else(|| self.not_ours(response.status()))
    }

    /// The HTTP client, for presigned URLs.
    pub(super) fn http(&self) -> &Client {
        &self.http
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let call = self.http.request(method, format!("{}{API}/{path}", self.url));
        call.header("x-api-key", &self.key).timeout(ATTEMPT_TIME)
    }

    pub(super) async fn patch(&self, path: &str, body: &impl Serialize) -> Result<Answer, Trouble> {
        self.read(self.call(Method::PATCH, path).json(body)).await
    }

    async fn read(&self, request: RequestBuilder) -> Result<Answer, Trouble> {
        let response = self.send(request).await?;
        let status = response.status();
        let answer = Answer(response.text().await.map_err(|source| self.unreachable(&source))?);
        // Whatever else answers at a URL may answer 200, too.
        match answer.parse::<Success>() {
            Ok(Success { success: true }) => Ok(answer),
            _ => Err(self.not_ours(status)),
        }
    }

    /// Sends a call that may be repeated, with retries.
    async fn send(&self, request: RequestBuilder) -> Result<Response, Trouble> {
        let began = Instant::now();
        let attempt = || async {
            let again = request
                .try_clone()
                .ok_or_else(|| Attempted::in_vain(Trouble::Usage("a stream is sent once".into())))?;
            let response = again.send().await.map_err(|error| Attempted::passing(self.unreachable(&error), None))?;
            let (status, asked) = (response.status(), retry_after(&response));
            self.check(response).await.map_err(|trouble| match is_passing(status, &trouble) {
                true => Attempted::passing(trouble, asked),
                false => Attempted::in_vain(trouble),
            })
        };
        let sent = attempt.retry(backoff().with_max_times(RETRIES)).when(|attempted| attempted.is_passing).adjust(
            |attempted, wait| {
                wait.map(|wait| attempted.asked.unwrap_or(wait)).filter(|wait| began.elapsed() + *wait <= CALL_TIME)
            },
        );
        sent.await.map_err(|attempted| attempted.trouble)
    }

    async fn check(&self, response: Response) -> Result<Response, Trouble> {
        let status = response.status();
        if status.is_success() || status.is_redirection() {
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        let Ok(answer) = serde_json::from_str::<ErrorResponse>(&text) else {
            let is_fault = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
            return Err(match is_fault {
                true => Trouble::Faulty { status },
                false => self.not_ours(status),
            });
        };
        Err(match answer.code() {
            Some(ErrorCode::InvalidApiKey) => Trouble::Unauthorized(format!(
                "{} does not take the key of {}: it is unknown there, or revoked; `datasets login` keeps another",
                self.url, self.key_from
            )),
            // No path of ours is not there.
            Some(ErrorCode::RouteNotFound) => self.not_ours(status),
            Some(ErrorCode::StorageFull) => Trouble::Full(answer.error),
            _ if status.is_server_error() => Trouble::Faulty { status },
            _ => Trouble::Refused { code: answer.code, message: answer.error },
        })
    }

    fn not_ours(&self, status: StatusCode) -> Trouble {
        Trouble::NotOurs { url: self.url.clone(), status }
    }

    pub(super) fn unreachable(&self, source: &reqwest::Error) -> Trouble {
        Trouble::Unreachable { url: self.url.clone(), why: why(source) }
    }
}

/// The URL of a service in its normal form.
pub(crate) fn address(url: &str) -> Result<String, Trouble> {
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.query().is_none() => {
            // Some give it with the path of the API.
            let url = parsed.as_str().trim_end_matches('/');
            Ok(url.strip_suffix(API).unwrap_or(url).to_owned())
        }
        _ => Err(Trouble::Usage(format!("{url:?} is no URL of a service; give one like http://127.0.0.1:8080"))),
    }
}

pub(crate) fn http_client() -> reqwest::Result<Client> {
    Client::builder()
        .tls_backend_preconfigured(tls())
        .user_agent(concat!("datasets/", env!("CARGO_PKG_VERSION")))
        // Redirects lead to storage, which must not get the key.
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(READ_TIME)
        .build()
}

/// What kept a call from its answer, in words for who made it. The URL is said beside it, and may hold a signature.
fn why(error: &reqwest::Error) -> String {
    let causes = || iter::successors(error.source(), |cause| Error::source(*cause));
    let kind = causes().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    let innermost = causes().last().map(ToString::to_string).unwrap_or_default();
    match kind {
        _ if error.is_timeout() => "it did not answer in time; try again, or look whether it is well".to_owned(),
        Some(io::ErrorKind::ConnectionRefused) => {
            "nothing listens there; is it running, and is the URL right?".to_owned()
        }
        _ if innermost.contains("certificate") => {
            format!("its certificate can't be trusted ({innermost}); check the URL")
        }
        _ if innermost.contains("corrupt message") => "it speaks no TLS; is it http:// and not https://?".to_owned(),
        _ if error.is_connect() => format!("no connection could be made ({innermost}); check the URL and the network"),
        _ => format!("the connection broke off ({innermost}); try again"),
    }
}

/// TLS by ring, with Mozilla's roots.
fn tls() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Whether the same call may well succeed in a moment.
fn is_passing(status: StatusCode, trouble: &Trouble) -> bool {
    let is_running =
        matches!(trouble, Trouble::Refused { code, .. } if code.parse() == Ok(ErrorCode::IdempotencyInProgress));
    is_running || status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: u64 = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Twice as long each time, from a quarter of a second to eight seconds.
pub(crate) fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::new().with_min_delay(Duration::from_millis(250)).with_max_delay(Duration::from_secs(8))
}

/// An attempt of a call that failed.
struct Attempted {
    trouble: Trouble,
    /// Whether the next one may well succeed.
    is_passing: bool,
    /// The wait that the service asks for.
    asked: Option<Duration>,
}

impl Attempted {
    fn passing(trouble: Trouble, asked: Option<Duration>) -> Self {
        Self { trouble, is_passing: true, asked }
    }

    fn in_vain(trouble: Trouble) -> Self {
        Self { trouble, is_passing: false, asked: None }
    }
}
