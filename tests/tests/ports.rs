//! Each port's contract, on the fake and on the adapter over a real engine.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_aws::{Aws, Endpoints, SecretVault, SqsQueue};
use dataset_core::blobs::{Blobs, UploadTerms};
use dataset_core::clock::{Clock, SystemClock};
use dataset_core::delivery::DeliveryKey;
use dataset_local::engines::{ACCESS_KEY, EngineOptions, Engines, Notify, SECRET_KEY, Stored, Ticket};
use dataset_tests::contract;
use dataset_tests::memory::{CountingIds, MemoryBlobs, MemoryQueue, MemoryTable, MemoryVault};
use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The engines on fresh state.
struct Fresh {
    aws: Aws,
    _engines: Engines,
    _dir: TempDir,
}

struct NoOne;

impl Notify for NoOne {
    fn announce(&self, _: &Stored) -> io::Result<Ticket> {
        Ok(Ticket(None))
    }

    fn stored(&self, _: Ticket) {}

    fn withdraw(&self, _: Ticket) {}
}

async fn engines() -> Fresh {
    let dir = tempfile::tempdir().unwrap();
    let objects = dir.path().join("s3");
    std::fs::create_dir(&objects).unwrap();
    let options = EngineOptions {
        database: dir.path().join("db.sqlite"),
        objects,
        after_port: 0,
        before: None,
        notify: Arc::new(NoOne),
    };
    let engines = Engines::start(options).await.unwrap();
    let aws = Aws::at(&engines.endpoints, ACCESS_KEY, SECRET_KEY).unwrap();
    Fresh { aws, _engines: engines, _dir: dir }
}

#[tokio::test]
async fn the_table_in_memory() {
    let table = MemoryTable::default();
    contract::catalog(&table).await;
    contract::api_keys(&table).await;
    contract::idempotency(&table).await;
    contract::receivers(&table).await;
    contract::deliveries(&table, &table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_on_dynamodb() {
    let fresh = engines().await;
    let table = fresh.aws.table("contract");
    table.create_if_missing().await.unwrap();
    table.create_if_missing().await.unwrap();
    contract::catalog(&table).await;
    contract::api_keys(&table).await;
    contract::idempotency(&table).await;
    contract::receivers(&table).await;
    contract::deliveries(&table, &table).await;
}

#[tokio::test]
async fn objects_in_memory() {
    contract::blobs(&MemoryBlobs::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_on_s3() {
    let fresh = engines().await;
    let bucket = fresh.aws.bucket("contract");
    bucket.create_if_missing().await.unwrap();
    bucket.create_if_missing().await.unwrap();
    contract::blobs(&bucket).await;
}

/// What is signed holds for whoever has the URL, and for nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn urls_that_were_signed() {
    let fresh = engines().await;
    let bucket = fresh.aws.bucket("signed");
    bucket.create_if_missing().await.unwrap();
    let http = dataset_local::http_client().unwrap();
    let (file, now, hour) = ("hello world", SystemClock.now(), Duration::from_secs(3600));
    let checksum_sha256 = Some("uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=".to_owned());
    let plain = UploadTerms { media_type: "text/csv", length: file.len() as u64, checksum_sha256: None };
    let checked = UploadTerms { checksum_sha256, ..plain.clone() };
    let put = async |key: &str, terms: &UploadTerms, body: &str, signed_at| {
        let signed = bucket.upload_url(key, terms, signed_at, hour).await.unwrap();
        assert_eq!(
            signed,
            bucket.upload_url(key, terms, signed_at, hour).await.unwrap(),
            "the same terms, the same URL"
        );
        let mut request = http.put(&signed.url);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        request.body(body.to_owned()).send().await.unwrap().status().as_u16()
    };
    for terms in [&plain, &checked] {
        assert_eq!(put("u/a", terms, "hello worlds", now).await, 403, "longer");
        assert_eq!(put("u/a", terms, "hello", now).await, 403, "shorter");
    }
    assert_eq!(put("u/a", &plain, file, now - hour * 2).await, 403, "late");
    assert_eq!(put("u/a", &checked, "hello w0rld", now).await, 400, "another file");
    assert_eq!(bucket.size("u/a").await.unwrap(), None);
    assert_eq!(put("u/a", &checked, file, now).await, 200);
    assert_eq!(put("u/a", &plain, "hello again", now).await, 412, "there is one");

    let url = bucket.download_url("u/a", "größe \"1\".csv", "text/plain", hour).await.unwrap();
    let response = http.get(&url).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain");
    let expected = "attachment; filename=\"gr__e__1_.csv\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22%2Ecsv";
    assert_eq!(response.headers()["content-disposition"], expected);
    assert_eq!(response.text().await.unwrap(), file);
    assert_eq!(http.get(url.replace("u/a", "u/b")).send().await.unwrap().status().as_u16(), 403);
}

#[tokio::test]
async fn the_queue_in_memory() {
    let queue = Arc::new(MemoryQueue::default());
    let receive = async || queue.take().into_iter().map(|(key, _)| key).collect();
    contract::queue(queue.as_ref(), receive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_on_sqs() {
    let fresh = engines().await;
    let queue = fresh.aws.create_queue("contract", 30).await.unwrap();
    contract::queue(&queue, async || receive(&queue).await).await;
}

async fn receive(queue: &SqsQueue) -> Vec<DeliveryKey> {
    let messages = queue.receive(Duration::from_secs(2)).await.unwrap();
    let receipts: Vec<&str> = messages.iter().map(|message| message.receipt.as_str()).collect();
    queue.delete(&receipts).await.unwrap();
    messages.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
}

#[tokio::test]
async fn the_vault_in_memory() {
    contract::vault(&MemoryVault).await;
}

#[tokio::test]
async fn the_vault_on_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let open = || SecretVault::on_file(&path, Arc::new(CountingIds::default()));
    assert!(open().is_err());
    std::fs::write(&path, "c2hvcnQ=").unwrap();
    assert!(open().is_err());
    std::fs::write(&path, SecretVault::key_for_file(&CountingIds::default()).as_bytes()).unwrap();
    contract::vault(&open().unwrap()).await;
}

/// Another's engine, which knows nothing of the ones above: so that the
/// adapters do not agree with theirs alone. Without it, says so.
#[tokio::test(flavor = "multi_thread")]
async fn every_port_on_another_engine() {
    let Some(other) = Other::start().await else { return };
    let table = other.aws.table("contract");
    table.create_if_missing().await.unwrap();
    contract::catalog(&table).await;
    contract::api_keys(&table).await;
    contract::idempotency(&table).await;
    contract::receivers(&table).await;
    contract::deliveries(&table, &table).await;
    let bucket = other.aws.bucket("contract");
    bucket.create_if_missing().await.unwrap();
    contract::blobs(&bucket).await;
    let queue = other.aws.create_queue("contract", 30).await.unwrap();
    contract::queue(&queue, async || receive(&queue).await).await;
    contract::vault(&other.aws.vault(&other.key_id)).await;
}

struct Other {
    aws: Aws,
    key_id: String,
    process: Child,
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Other {
    /// The command `ministack`, which PyPI has.
    const COMMAND: &str = "DATASETS_MINISTACK";

    #[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
    async fn start() -> Option<Self> {
        let Ok(command) = std::env::var(Self::COMMAND) else {
            println!("skipped: {} names no command ministack", Self::COMMAND);
            return None;
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = Command::new(command);
        process.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
        let process = process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let at = || Some(url.clone());
        let endpoints = Endpoints { dynamodb: url.clone(), s3: url.clone(), sqs: url.clone(), kms: at() };
        let aws = Aws::at(&endpoints, "test", "test").unwrap();
        let key_id = Self::key(&url).await;
        Some(Self { aws, key_id, process })
    }

    /// Makes a key, as soon as it answers.
    async fn key(url: &str) -> String {
        let http = dataset_local::http_client().unwrap();
        let credential = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kms/aws4_request, SignedHeaders=host";
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let call = http.post(url).header("x-amz-target", "TrentService.CreateKey");
            let call = call.header("authorization", format!("{credential}, Signature=0"));
            let call = call.header("content-type", "application/x-amz-json-1.1").body("{}");
            if let Ok(answer) = call.send().await {
                let key: serde_json::Value = answer.json().await.unwrap();
                return key["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
            }
            assert!(Instant::now() < deadline, "it does not answer");
            dataset_tests::service::pause().await;
        }
    }
}
