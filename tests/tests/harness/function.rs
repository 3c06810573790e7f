//! A function as AWS Lambda runs it: processes of the real binary behind a Runtime API, each with one
//! invocation at a time, killed at the time-out.

use crate::harness::proxy::{Proxy, Wire};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, Request, StatusCode, Uri};
use axum::routing::{get, post};
use bytes::Bytes;
use dataset_aws::Endpoints;
use dataset_tests::wire::{Aws, Strict};
use serde_json::Value;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// How an invocation failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The function reported an error.
    #[expect(dead_code, reason = "it is shown where a test fails")]
    Failed(String),
    /// Its process died.
    Died,
    /// It was killed at its time-out.
    TimedOut,
}

pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) binary: PathBuf,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) engines: Endpoints,
    pub(crate) wire: Arc<Wire>,
    /// The file for its output.
    pub(crate) log: PathBuf,
    /// An invocation is killed after this time.
    pub(crate) timeout: Duration,
    /// The memory limit of a process, in KiB.
    pub(crate) memory_kib: Option<u64>,
    pub(crate) idle: Mutex<Vec<Process>>,
}

/// A process and its Runtime API, killed when it is dropped.
pub(crate) struct Process {
    body: Arc<Body>,
    jobs: mpsc::UnboundedSender<Job>,
    proxy: Proxy,
    _runtime: JoinSet<()>,
}

/// A handle to kill a process from elsewhere.
#[derive(Default)]
pub(crate) struct Body(Mutex<Option<Child>>);

struct Job {
    event: String,
    request_id: String,
    deadline: Duration,
    reply: oneshot::Sender<Result<Value, String>>,
}

struct Runtime {
    jobs: tokio::sync::Mutex<mpsc::UnboundedReceiver<Job>>,
    reply: Mutex<Option<oneshot::Sender<Result<Value, String>>>>,
    lambda: Strict,
}

impl Body {
    /// Kills it like `kill -9`: nothing unwinds, nothing is flushed.
    pub(crate) fn kill(&self) {
        if let Some(child) = self.0.lock().unwrap().as_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn is_dead(&self) -> bool {
        self.0.lock().unwrap().as_mut().is_none_or(|child| child.try_wait().is_ok_and(|status| status.is_some()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.body.kill();
    }
}

impl Function {
    /// Invokes it in an idle process, or in a new one.
    pub(crate) async fn invoke(&self, event: &Value, request_id: &str) -> Result<Value, Fault> {
        let free = self.idle.lock().unwrap().pop();
        let process = match free {
            Some(process) if !process.body.is_dead() => process,
            _ => self.start().await,
        };
        process.proxy.begin(self.wire.next_invocation());
        let (reply, replied) = oneshot::channel();
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + self.timeout;
        let (event, request_id) = (event.to_string(), request_id.to_owned());
        process.jobs.send(Job { event, request_id, deadline, reply }).ok().unwrap();
        let result = tokio::select! {
            result = replied => result.unwrap_or(Err("the runtime went away".into())),
            () = death(&process.body) => return Err(Fault::Died),
            _ = tokio::time::sleep(self.timeout) => {
                self.wire.timeouts.fetch_add(1, Ordering::Relaxed);
                return Err(Fault::TimedOut);
            }
        };
        self.idle.lock().unwrap().push(process);
        result.map_err(Fault::Failed)
    }

    async fn start(&self) -> Process {
        let body = Arc::new(Body::default());
        let proxy = Proxy::start(self.name, &self.engines, &self.wire, &body).await;
        let (jobs, receiver) = mpsc::unbounded_channel();
        let runtime = Arc::new(Runtime {
            jobs: tokio::sync::Mutex::new(receiver),
            reply: Mutex::default(),
            lambda: self.wire.strict(Aws::Lambda).clone(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, routes(runtime)).await.unwrap() });

        let log = OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let mut command = match self.memory_kib {
            None => Command::new(&self.binary),
            Some(limit) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -v {limit}; exec \"$0\"")]).arg(&self.binary);
                shell
            }
        };
        let endpoints = &proxy.endpoints;
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", self.name)
            .env("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb)
            .env("AWS_ENDPOINT_URL_S3", &endpoints.s3)
            .env("AWS_ENDPOINT_URL_SQS", &endpoints.sqs)
            .envs(endpoints.kms.iter().map(|kms| ("AWS_ENDPOINT_URL_KMS", kms)))
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        *body.0.lock().unwrap() = Some(command.spawn().unwrap());
        Process { body, jobs, proxy, _runtime: server }
    }
}

impl Function {
    /// CPU that its idle processes have used.
    pub(crate) fn cpu_ms(&self) -> f64 {
        // The 14th and the 15th field, in hundredths of a second; the second is in brackets.
        let ticks = |stat: &str| {
            let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect::<Vec<_>>());
            fields.map_or(0.0, |fields| fields[11..13].iter().filter_map(|field| field.parse::<f64>().ok()).sum())
        };
        self.of_processes("stat", ticks).iter().sum::<f64>() * 10.0
    }

    /// The most memory that one of its idle processes has had.
    pub(crate) fn peak_mib(&self) -> f64 {
        let peak = |status: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
        };
        self.of_processes("status", peak).into_iter().fold(0.0, f64::max)
    }

    fn of_processes(&self, file: &str, read: impl Fn(&str) -> f64) -> Vec<f64> {
        let ids = self.idle.lock().unwrap();
        let ids = ids.iter().filter_map(|process| Some(process.body.0.lock().unwrap().as_ref()?.id()));
        ids.map(|id| read(&std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default())).collect()
    }
}

/// Waits until the process has ended.
#[expect(clippy::disallowed_methods, reason = "the system tells of the end of a child only to who asks")]
async fn death(body: &Body) {
    while !body.is_dead() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn routes(runtime: Arc<Runtime>) -> axum::Router {
    axum::Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .layer(DefaultBodyLimit::disable())
        .with_state(runtime)
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Result<(HeaderMap, String), StatusCode> {
    let job = runtime.jobs.lock().await.recv().await.ok_or(StatusCode::GONE)?;
    *runtime.reply.lock().unwrap() = Some(job.reply);
    let headers = [
        ("lambda-runtime-aws-request-id", job.request_id),
        ("lambda-runtime-deadline-ms", job.deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned()),
    ];
    let headers = headers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
    Ok((HeaderMap::from_iter(headers), job.event))
}

async fn response(State(runtime): State<Arc<Runtime>>, uri: Uri, body: Bytes) -> StatusCode {
    let request = Request::post(uri).body(body.clone()).unwrap();
    match runtime.lambda.admit(&request) {
        Ok(_) => answer(&runtime, Ok(serde_json::from_slice(&body).unwrap_or(Value::Null))),
        Err(refusal) => {
            answer(&runtime, Err("the answer is too long for Lambda".to_owned()));
            refusal.status()
        }
    }
}

async fn error(State(runtime): State<Arc<Runtime>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    answer(&runtime, Err(String::from_utf8_lossy(&body).into_owned()))
}

fn answer(runtime: &Runtime, result: Result<Value, String>) -> StatusCode {
    if let Some(reply) = runtime.reply.lock().unwrap().take() {
        let _ = reply.send(result);
    }
    StatusCode::ACCEPTED
}
