//! Measures how long each Lambda function takes from its start until it asks for its first event, and the
//! size of its stripped binary. A listener stands in for the Runtime API.
//!
//!     cargo bench -p dataset-tests --bench start

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_tests::service::build;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FUNCTIONS: [&str; 4] = ["dataset-api", "dataset-processor", "dataset-webhooks", "dataset-sweeper"];
const STARTS: usize = 21;

#[expect(clippy::print_stdout, reason = "a benchmark reports to who runs it")]
fn main() {
    let dir = tempfile::tempdir().unwrap();
    println!("{:<20} {:>10} {:>12} {:>12}", "function", "MB", "median ms", "slowest ms");
    let binaries = build(true).unwrap();
    for name in FUNCTIONS {
        let binary = &binaries[name];
        let stripped = dir.path().join(name);
        assert!(Command::new("strip").arg("-o").arg(&stripped).arg(binary).status().unwrap().success());
        let megabytes = std::fs::metadata(&stripped).unwrap().len() as f64 / 1e6;
        let mut starts: Vec<Duration> = (0..STARTS).map(|_| start(binary)).collect();
        starts.sort();
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        println!("{name:<20} {megabytes:>10.1} {:>12.1} {:>12.1}", ms(starts[STARTS / 2]), ms(starts[STARTS - 1]));
    }
}

/// The time from spawning the process to its first request.
fn start(binary: &Path) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let started = Instant::now();
    let mut process = Command::new(binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string())
        .envs([
            ("AWS_LAMBDA_FUNCTION_NAME", "function"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("TABLE_NAME", "table"),
            ("BUCKET_NAME", "bucket"),
            ("SECRETS_KEY_ID", "key"),
            ("QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/1/queue"),
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = [0; 64];
    let length = stream.read(&mut request).unwrap();
    let took = started.elapsed();
    assert!(request[..length].starts_with(b"GET /2018-06-01/runtime/invocation/next"));
    process.kill().unwrap();
    process.wait().unwrap();
    took
}
