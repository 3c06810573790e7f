//! Each port's contract, on the fake and on the adapter over a real engine.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_aws::{Aws, Endpoints};
use dataset_core::delivery::DeliveryKey;
use dataset_local::engines::{ACCESS_KEY, EngineOptions, Engines, Notify, SECRET_KEY, Stored, Ticket};
use dataset_tests::contract;
use dataset_tests::memory::{MemoryBlobs, MemoryQueue, MemoryTable};
use futures::FutureExt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
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
    let options =
        EngineOptions { database: dir.path().join("db.sqlite"), objects, after_port: 0, notify: Arc::new(NoOne) };
    let engines = Engines::start(options).await.unwrap();
    let Endpoints { dynamodb, s3, sqs } = engines.endpoints.clone();
    let aws = Aws::at(&Endpoints { dynamodb, s3, sqs }, ACCESS_KEY, SECRET_KEY).unwrap();
    Fresh { aws, _engines: engines, _dir: dir }
}

#[tokio::test]
async fn the_table_in_memory() {
    let table = MemoryTable::default();
    contract::catalog(&table).await;
    contract::api_keys(&table).await;
    contract::idempotency(&table).await;
    contract::receivers(&table, &table).await;
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
    contract::receivers(&table, &table).await;
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

#[tokio::test]
async fn the_queue_in_memory() {
    let queue = Arc::new(MemoryQueue::default());
    let receive = {
        let queue = Arc::clone(&queue);
        move || {
            let queue = Arc::clone(&queue);
            async move { queue.take().into_iter().map(|(key, _)| key).collect::<Vec<DeliveryKey>>() }.boxed()
        }
    };
    contract::queue(queue.as_ref(), receive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_on_sqs() {
    let fresh = engines().await;
    let queue = fresh.aws.create_queue("contract", 30).await.unwrap();
    let receive = {
        let queue = queue.clone();
        move || {
            let queue = queue.clone();
            async move {
                let mut keys = Vec::new();
                for message in queue.receive(Duration::from_secs(2)).await.unwrap() {
                    queue.delete(&message.receipt).await.unwrap();
                    keys.push(serde_json::from_str(&message.body).unwrap());
                }
                keys
            }
            .boxed()
        }
    };
    contract::queue(&queue, receive).await;
}
