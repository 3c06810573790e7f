//! Independent engines for DynamoDB, S3, SQS and KMS, from PyPI: `ministack`, and `moto_server` of moto.

use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The access key and the secret that they accept.
pub const KEY: &str = "test";

/// A running engine, killed when it is dropped.
pub struct OtherEngine {
    pub url: String,
    /// The id of a KMS key.
    pub key_id: String,
    process: Child,
}

/// How often a start is tried.
const STARTS: usize = 5;

impl Drop for OtherEngine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl OtherEngine {
    /// Prints a notice if the command is not there.
    pub async fn ministack(http: &reqwest::Client) -> Option<Self> {
        let setup = |command: &mut Command, port: u16| {
            command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
        };
        Self::start(http, "DATASETS_MINISTACK", setup).await
    }

    /// Prints a notice if the command is not there.
    pub async fn moto(http: &reqwest::Client) -> Option<Self> {
        let setup = |command: &mut Command, port: u16| {
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        };
        Self::start(http, "DATASETS_MOTO", setup).await
    }

    #[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
    async fn start(http: &reqwest::Client, variable: &str, setup: impl Fn(&mut Command, u16)) -> Option<Self> {
        let Ok(command) = std::env::var(variable) else {
            println!("skipped: {variable} names no command");
            return None;
        };
        // Another test may take a port that was free a moment ago: then the engine ends, or never began.
        for _ in 0..STARTS {
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut start = Command::new(&command);
            setup(&mut start, port);
            let process = start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let url = format!("http://127.0.0.1:{port}");
            let mut engine = Self { url, key_id: String::new(), process };
            if let Some(key_id) = engine.create_key(http).await {
                engine.key_id = key_id;
                return Some(engine);
            }
        }
        panic!("{variable} does not start");
    }

    /// Creates a key, once the engine answers; none if it ended.
    async fn create_key(&mut self, http: &reqwest::Client) -> Option<String> {
        let credential = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kms/aws4_request, SignedHeaders=host";
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.process.try_wait().unwrap().is_none() {
            let call = http.post(&self.url).header("x-amz-target", "TrentService.CreateKey");
            let call = call.header("authorization", format!("{credential}, Signature=0"));
            let call = call.header("content-type", "application/x-amz-json-1.1").body("{}");
            if let Ok(answer) = call.send().await
                && let Ok(key) = answer.json::<Value>().await
                && let Some(id) = key["KeyMetadata"]["KeyId"].as_str()
            {
                return Some(id.to_owned());
            }
            assert!(Instant::now() < deadline, "it does not answer");
            crate::service::pause().await;
        }
        None
    }
}
