//! Measures how long each Lambda function takes from its start until it asks for its first event, beside a
//! program that does nothing but ask, and the size of its binary, built as `sam build` has it built but for
//! this machine's processor. A listener stands in for the Runtime API.
//!
//!     cargo bench -p dataset-tests --bench start

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_tests::service::build;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FUNCTIONS: [&str; 4] = ["dataset-api", "dataset-processor", "dataset-webhooks", "dataset-sweeper"];
const STARTS: usize = 101;

const BARE: &str = r#"
use std::io::Write;

fn main() {
    let runtime = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut stream = std::net::TcpStream::connect(runtime).unwrap();
    stream.write_all(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: runtime\r\n\r\n").unwrap();
    std::thread::park();
}
"#;

#[expect(clippy::print_stdout, reason = "a benchmark reports to who runs it")]
fn main() {
    let dir = tempfile::tempdir().unwrap();
    let options = as_deployed();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut binaries = build(&FUNCTIONS, &options).unwrap();
    binaries.insert("bare".to_owned(), bare(dir.path()));
    // As a package is unpacked: what a linker has written here and there is mapped in smaller pieces.
    for (name, binary) in &mut binaries {
        let unpacked = dir.path().join(format!("unpacked-{name}"));
        fs::copy(&*binary, &unpacked).unwrap();
        *binary = unpacked;
    }
    // One start of each in turn, so that whatever else the machine does meets them all.
    let mut starts: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for _ in 0..STARTS {
        for (name, binary) in &binaries {
            starts.entry(name).or_default().push(start(binary));
        }
    }
    let median = |name: &str| {
        let mut starts = starts[name].clone();
        starts.sort();
        starts[STARTS / 2].as_secs_f64() * 1e3
    };
    println!("{:<20} {:>8} {:>12} {:>10}", "function", "MB", "median ms", "to bare");
    for (name, binary) in &binaries {
        let megabytes = fs::metadata(binary).unwrap().len() as f64 / 1e6;
        println!("{name:<20} {megabytes:>8.1} {:>12.2} {:>10.2}", median(name), median(name) / median("bare"));
    }
}

/// What the manifest has `cargo lambda` add.
fn as_deployed() -> Vec<String> {
    let metadata = Command::new("cargo").args(["metadata", "--no-deps", "--format-version", "1"]).output().unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let settings = metadata["metadata"]["lambda"]["build"]["config"].as_array().unwrap();
    let settings = settings.iter().flat_map(|setting| ["--config", setting.as_str().unwrap()]);
    ["--release"].into_iter().chain(settings).map(str::to_owned).collect()
}

/// Builds [`BARE`].
fn bare(dir: &Path) -> PathBuf {
    let (source, binary) = (dir.join("bare.rs"), dir.join("bare"));
    fs::write(&source, BARE).unwrap();
    let built = Command::new("rustc").args(["-O", "-C", "strip=symbols", "-o"]).arg(&binary).arg(&source).status();
    assert!(built.unwrap().success());
    binary
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
