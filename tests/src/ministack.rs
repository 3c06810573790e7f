//! An independent engine for DynamoDB, S3, SQS and KMS: the command `ministack` from PyPI.

use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The access key and the secret that it accepts.
pub const KEY: &str = "test";

const COMMAND: &str = "DATASETS_MINISTACK";

/// A running `ministack`, killed when it is dropped.
pub struct Ministack {
    pub url: String,
    /// The id of a KMS key.
    pub key_id: String,
    process: Child,
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Ministack {
    /// Prints a notice if the command is not there.
    #[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
    pub async fn start(http: &reqwest::Client) -> Option<Self> {
        let Ok(command) = std::env::var(COMMAND) else {
            println!("skipped: {COMMAND} names no command ministack");
            return None;
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = Command::new(command);
        process.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
        let process = process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let key_id = key(http, &url).await;
        Some(Self { url, key_id, process })
    }
}

/// Creates a key, once the engine answers.
async fn key(http: &reqwest::Client, url: &str) -> String {
    let credential = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kms/aws4_request, SignedHeaders=host";
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let call = http.post(url).header("x-amz-target", "TrentService.CreateKey");
        let call = call.header("authorization", format!("{credential}, Signature=0"));
        let call = call.header("content-type", "application/x-amz-json-1.1").body("{}");
        if let Ok(answer) = call.send().await {
            let key: Value = answer.json().await.unwrap();
            return key["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
        }
        assert!(Instant::now() < deadline, "it does not answer");
        crate::service::pause().await;
    }
}
