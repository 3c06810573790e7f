//! Each port's contract, on the fake and on the adapter over a real engine.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_aws::{Aws, Credentials, Endpoints, SecretVault, SqsQueue};
use dataset_core::blobs::{Blobs, Object, UploadTerms};
use dataset_core::catalog::Catalog;
use dataset_core::clock::{Clock, SystemClock};
use dataset_core::delivery::DeliveryKey;
use dataset_local::engines::{EngineOptions, Engines, Ports};
use dataset_tests::contract;
use dataset_tests::dataset_id;
use dataset_tests::memory::{CountingIds, MemoryBlobs, MemoryQueue, MemoryTable, MemoryVault};
use dataset_tests::other_engine::{self, OtherEngine};
use dataset_tests::wire::{self, Forward, StrictProxy};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Engines with fresh state, behind the strict wire.
struct Fresh {
    aws: Aws,
    wires: Vec<StrictProxy>,
    ports: Ports,
    _dir: TempDir,
}

async fn engines() -> Fresh {
    let dir = tempfile::tempdir().unwrap();
    let objects = dir.path().join("s3");
    std::fs::create_dir(&objects).unwrap();
    let options = EngineOptions {
        database: dir.path().join("db.sqlite"),
        objects,
        credentials: credentials("access", "secret"),
        notify: Arc::new(()),
    };
    let engines = Engines::open(options).unwrap();
    let ports = Ports::open(&engines, 0).await.unwrap();
    let (endpoints, wires) = behind_the_wire(&ports.endpoints, Forward::new).await;
    let aws = Aws::at(&endpoints, &engines.credentials).unwrap();
    Fresh { aws, wires, ports, _dir: dir }
}

fn credentials(access_key: &str, secret_key: &str) -> Credentials {
    Credentials { access_key: access_key.to_owned(), secret_key: secret_key.to_owned() }
}

/// Puts the engines behind the strict wire.
async fn behind_the_wire(
    engines: &Endpoints,
    forward: fn(&reqwest::Client, &str) -> Forward,
) -> (Endpoints, Vec<StrictProxy>) {
    let http = dataset_local::http_client().unwrap();
    let mut wires = vec![];
    let mut at = async |service, engine: &str| {
        let wire = StrictProxy::start(service, forward(&http, engine)).await;
        let url = wire.url.clone();
        wires.push(wire);
        url
    };
    let endpoints = Endpoints {
        s3: at(wire::Aws::S3, &engines.s3).await,
        dynamodb: at(wire::Aws::DynamoDb, &engines.dynamodb).await,
        sqs: at(wire::Aws::Sqs, &engines.sqs).await,
        kms: match &engines.kms {
            Some(kms) => Some(at(wire::Aws::Kms, kms).await),
            None => None,
        },
    };
    (endpoints, wires)
}

#[tokio::test]
async fn the_table_in_memory() {
    let table = MemoryTable::default();
    contract::catalog(&table).await;
    contract::totals(&table, &table).await;
    contract::api_keys(&table).await;
    contract::idempotency(&table).await;
    contract::schemas(&table).await;
    contract::labels(&table, &table).await;
    contract::webhooks(&table, &table).await;
    contract::deliveries(&table, &table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_on_dynamodb() {
    let fresh = engines().await;
    let table = fresh.aws.table("contract");
    table.create_if_missing().await.unwrap();
    table.create_if_missing().await.unwrap();
    contract::catalog(&table).await;
    contract::totals(&table, &table).await;
    contract::api_keys(&table).await;
    contract::idempotency(&table).await;
    contract::schemas(&table).await;
    contract::labels(&table, &table).await;
    contract::webhooks(&table, &table).await;
    contract::deliveries(&table, &table).await;
}

/// DynamoDB refuses to write an item that is in a transaction; each write is made again.
#[tokio::test(flavor = "multi_thread")]
async fn writes_that_meet_a_transaction() {
    let fresh = engines().await;
    let table = fresh.aws.table("contract");
    table.create_if_missing().await.unwrap();
    let group = dataset_tests::group(1, 1, "a");
    let draft = dataset_tests::draft(2, &group, "a.csv");
    table.create_group(&group).await.unwrap();
    table.create_draft(&draft).await.unwrap();

    let strict = &fresh.wires[1].strict;
    let others = [("G#1", "GROUP"), ("D#2", "DATASET")].map(|(pk, sk)| {
        let item = json!({"pk": {"S": pk}, "sk": {"S": sk}});
        json!({"Put": {"TableName": "contract", "Item": item}})
    });
    let other = http::Request::post("/").header("x-amz-target", "DynamoDB_20120810.TransactWriteItems");
    let other = other.body(json!({"TransactItems": others}).to_string().into()).unwrap();
    let held = strict.admit(&other).map_err(|_| "refused").unwrap();
    let end = async {
        while BTreeSet::from_iter(strict.refusals()).len() < 2 {
            SystemClock.sleep(Duration::from_millis(1)).await;
        }
        drop(held);
    };
    let writes = async { tokio::join!(table.delete_group(&group), table.withdraw(&draft, draft.created_at)) };
    let ((deleted, withdrawn), ()) = tokio::join!(writes, end);
    assert!((deleted.is_ok(), withdrawn.unwrap()) == (true, true));
    assert!(table.group(group.id).await.unwrap().unwrap().is_deleted);
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
    // The only refusals are those of the two races in the contract.
    let refusals = fresh.wires[0].strict.refusals();
    assert!(!refusals.is_empty());
    assert!(refusals.iter().all(|code| *code == "ConditionalRequestConflict"), "{refusals:?}");
}

/// A presigned URL works for anyone who has it, and for nothing but what was signed.
#[tokio::test(flavor = "multi_thread")]
async fn urls_that_were_signed() {
    let object = Object::Upload(dataset_id(1));
    let fresh = engines().await;
    let bucket = fresh.aws.bucket("signed");
    bucket.create_if_missing().await.unwrap();
    let http = dataset_local::http_client().unwrap();
    let (file, now, hour) = ("hello world", SystemClock.now(), Duration::from_secs(3600));
    let checksum_sha256 = Some("uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=".to_owned());
    let plain = UploadTerms { media_type: "text/csv", length: file.len() as u64, checksum_sha256: None };
    let checked = UploadTerms { checksum_sha256, ..plain.clone() };
    let put = async |terms: &UploadTerms, body: &str, signed_at| {
        let signed = bucket.upload_url(object, terms, signed_at, hour).await.unwrap();
        assert_eq!(
            signed,
            bucket.upload_url(object, terms, signed_at, hour).await.unwrap(),
            "the same terms, the same URL"
        );
        let mut request = http.put(&signed.url);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        request.body(body.to_owned()).send().await.unwrap().status().as_u16()
    };
    for terms in [&plain, &checked] {
        assert_eq!(put(terms, "hello worlds", now).await, 403, "longer");
        assert_eq!(put(terms, "hello", now).await, 403, "shorter");
    }
    assert_eq!(put(&plain, file, now - hour * 2).await, 403, "late");
    assert_eq!(put(&checked, "hello w0rld", now).await, 400, "another file");
    assert_eq!(bucket.size(object).await.unwrap(), None);
    assert_eq!(put(&checked, file, now).await, 200);
    assert_eq!(put(&plain, "hello again", now).await, 412, "there is one");

    let url = bucket.download_url(object, "größe \"1\".csv", "text/plain", hour).await.unwrap();
    let response = http.get(&url).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain");
    let expected = "attachment; filename=\"gr__e__1_.csv\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22%2Ecsv";
    assert_eq!(response.headers()["content-disposition"], expected);
    assert_eq!(response.text().await.unwrap(), file);
    assert_eq!(http.get(url.replace("uploads/1", "uploads/2")).send().await.unwrap().status().as_u16(), 403);
}

/// Without the credentials, all engines refuse.
#[tokio::test(flavor = "multi_thread")]
async fn engines_at_ports_take_only_what_is_signed() {
    let fresh = engines().await;
    fresh.aws.table("contract").create_if_missing().await.unwrap();
    for other in [credentials("access", "guessed"), credentials("guessed", "secret")] {
        let aws = Aws::at(&fresh.ports.endpoints, &other).unwrap();
        assert!(aws.table("contract").create_if_missing().await.is_err(), "DynamoDB");
        assert!(aws.bucket("contract").create_if_missing().await.is_err(), "S3");
        assert!(aws.create_queue("contract", 30).await.is_err(), "SQS");
    }
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

/// An independent engine, so that the adapters are not tested on ours alone. Prints a notice if it is not
/// there.
#[tokio::test(flavor = "multi_thread")]
async fn every_port_on_ministack() {
    if let Some(other) = OtherEngine::ministack(&dataset_local::http_client().unwrap()).await {
        every_port_on(&other, Forward::new).await;
    }
}

/// Of two conditional writes at once it lets both through.
#[tokio::test(flavor = "multi_thread")]
async fn every_port_on_moto() {
    if let Some(other) = OtherEngine::moto(&dataset_local::http_client().unwrap()).await {
        every_port_on(&other, Forward::one_at_a_time).await;
    }
}

async fn every_port_on(other: &OtherEngine, forward: fn(&reqwest::Client, &str) -> Forward) {
    let url = || other.url.clone();
    let engines = Endpoints { dynamodb: url(), s3: url(), sqs: url(), kms: Some(url()) };
    let (endpoints, _wires) = behind_the_wire(&engines, forward).await;
    let aws = Aws::at(&endpoints, &credentials(other_engine::KEY, other_engine::KEY)).unwrap();
    let table = aws.table("contract");
    table.create_if_missing().await.unwrap();
    contract::catalog(&table).await;
    contract::totals(&table, &table).await;
    contract::api_keys(&table).await;
    contract::idempotency(&table).await;
    contract::schemas(&table).await;
    contract::labels(&table, &table).await;
    contract::webhooks(&table, &table).await;
    contract::deliveries(&table, &table).await;
    let bucket = aws.bucket("contract");
    bucket.create_if_missing().await.unwrap();
    contract::blobs(&bucket).await;
    let queue = aws.create_queue("contract", 30).await.unwrap();
    contract::queue(&queue, async || receive(&queue).await).await;
    contract::vault(&aws.vault(&other.key_id)).await;
}
