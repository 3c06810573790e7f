//! The real binary, run as a user would.

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub const KEY: &str = "key-of-the-end-to-end-tests";

/// A process of `datasets serve`, killed when it is dropped.
pub struct Service {
    process: Child,
    pub base: String,
    pub http: reqwest::Client,
}

/// The binary `datasets`, built as the tests are.
pub fn binary() -> &'static Path {
    &binaries()["datasets"]
}

/// Every binary of the workspace by its name, built as the tests are.
pub fn binaries() -> &'static BTreeMap<String, PathBuf> {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let options: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
    BUILT.get_or_init(|| build(&BINARIES, options).expect("the binaries can be built"))
}

const BINARIES: [&str; 5] = ["datasets", "dataset-api", "dataset-processor", "dataset-webhooks", "dataset-sweeper"];

/// These binaries of the workspace, as cargo builds them with these options.
pub fn build(names: &[&str], options: &[&str]) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The whole workspace is built, so that crates have the same features as in the tests.
    cargo.args(["build", "--workspace", "--message-format", "json"]);
    cargo.args(names.iter().flat_map(|name| ["--bin", name]));
    // Cargo's variables for this test's own package would make build scripts run again.
    for (variable, _) in std::env::vars_os() {
        let variable = variable.to_string_lossy();
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if ours.iter().any(|start| variable.starts_with(start)) {
            cargo.env_remove(variable.as_ref());
        }
    }
    let output = cargo.args(options).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "cargo build failed");
    let messages = String::from_utf8(output.stdout)?;
    let executable = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let name = message["target"]["name"].as_str().filter(|name| names.contains(name))?;
        Some((name.to_owned(), PathBuf::from(message["executable"].as_str()?)))
    };
    let built: BTreeMap<_, _> = messages.lines().filter_map(executable).collect();
    ensure!(built.len() == names.len(), "cargo named the executables {:?} only", built.keys());
    Ok(built)
}

impl Service {
    /// Starts it on a free port, and waits until it answers.
    pub fn start(data_dir: &Path, http: reqwest::Client) -> anyhow::Result<Self> {
        Self::start_with(data_dir, &[], http)
    }

    /// The same, with more arguments.
    pub fn start_with(data_dir: &Path, arguments: &[&str], http: reqwest::Client) -> anyhow::Result<Self> {
        let mut process = Command::new(binary())
            .args(["serve", "--port", "0", "--sweep-every", "1s", "--data-dir"])
            .arg(data_dir)
            .args(arguments)
            .env("DATASETS_API_KEY", KEY)
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "error".to_owned()))
            .stdout(Stdio::piped())
            .spawn()?;
        let mut out = BufReader::new(process.stdout.take().context("no output")?);
        let mut line = String::new();
        out.read_line(&mut line)?;
        // The rest is read and dropped, so that the process never blocks on a full pipe.
        std::thread::spawn(move || out.read_to_string(&mut String::new()));
        let base = line.trim().strip_prefix("Datasets are served at ").with_context(|| format!("it said {line:?}"))?;
        Ok(Self { process, base: base.to_owned(), http })
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The ports that it listens on.
    pub fn ports(&self) -> Vec<u16> {
        let process = self.id();
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
        let links = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let sockets: HashSet<String> = links.map(|link| link.display().to_string()).collect();
        let tables =
            ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/{process}/net/{name}")).unwrap_or_default());
        let lines = tables.iter().flat_map(|table| table.lines().skip(1));
        let port = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let is_listening = fields[3] == "0A" && sockets.contains(&format!("socket:[{}]", fields[9]));
            is_listening.then(|| u16::from_str_radix(fields[1].rsplit(':').next().unwrap(), 16).unwrap())
        };
        lines.filter_map(port).collect()
    }

    /// Kills it like `kill -9`.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Stops it like Ctrl-C, and returns the exit code.
    pub fn interrupt(self) -> anyhow::Result<Option<i32>> {
        self.signal("INT")
    }

    /// Sends the signal of this name, and returns the exit code.
    pub fn signal(mut self, name: &str) -> anyhow::Result<Option<i32>> {
        Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status()?;
        Ok(self.process.wait()?.code())
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        self.send(self.http.post(self.url(path)).json(body)).await
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<(u16, Value)> {
        self.send(self.http.get(self.url(path))).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<(u16, Value)> {
        let response = request.header("x-api-key", KEY).send().await?;
        Ok((response.status().as_u16(), response.json().await?))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/public/v2/{path}", self.base)
    }

    pub async fn create_group(&self, name: &str) -> u64 {
        let (status, answer) = self.post("dataset-groups", &json!({"name": name})).await.unwrap();
        assert_eq!(status, 201, "{answer}");
        answer["dataset_group"]["id"].as_u64().unwrap()
    }

    pub async fn upload(&self, group: u64, name: &str, file: &[u8]) -> anyhow::Result<u64> {
        let body = json!({"dataset_group_id": group, "file_name": name, "file_content_base64": STANDARD.encode(file)});
        let (status, answer) = self.post("dataset-versions/from-file", &body).await?;
        ensure!(status == 201, "{status}: {answer}");
        answer["dataset_id"].as_u64().context("no dataset_id")
    }

    /// Waits until the dataset is ready or failed, and returns it.
    pub async fn finished(&self, id: u64, patience: Duration) -> Value {
        let deadline = Instant::now() + patience;
        loop {
            let (status, answer) = self.get(&format!("datasets/{id}")).await.unwrap();
            assert_eq!(status, 200, "{answer}");
            if answer["dataset"]["status"] != "draft" {
                return answer["dataset"].clone();
            }
            assert!(Instant::now() < deadline, "dataset {id} is still a draft after {patience:?}");
            pause().await;
        }
    }

    /// Downloads the version in a format, following the redirect.
    pub async fn download(&self, id: u64, format: &str) -> Vec<u8> {
        let request = self.http.get(self.url(&format!("datasets/{id}/download?format={format}")));
        let response = request.header("x-api-key", KEY).send().await.unwrap();
        assert_eq!(response.status(), 302, "{format}");
        let url = response.headers()["location"].to_str().unwrap();
        let response = self.http.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200, "{format}");
        response.bytes().await.unwrap().to_vec()
    }

    /// All columns and rows.
    pub async fn rows(&self, id: u64) -> (Value, Vec<Vec<Value>>) {
        let mut rows = Vec::new();
        for page in 1.. {
            let (status, answer) = self.get(&format!("datasets/{id}/rows?per_page=100&page={page}")).await.unwrap();
            assert_eq!(status, 200, "{answer}");
            for row in answer["rows"].as_array().unwrap() {
                rows.push(row.as_array().unwrap().iter().map(|cell| cell["value"].clone()).collect());
            }
            if page >= answer["pages"].as_u64().unwrap() {
                return (answer["columns"].clone(), rows);
            }
        }
        unreachable!()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The pause between two checks of a condition.
#[expect(clippy::disallowed_methods, reason = "whoever waits looks again until a deadline")]
pub async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}
