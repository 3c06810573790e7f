//! Large files by `datasets relay`, which is killed at random moments, as the functions behind it are.

use crate::harness::account::Account;
use crate::harness::front::Front;
use crate::harness::proxy::Fate;
use crate::harness::uploads::Upload;
use crate::invariants::check;
use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use dataset_core::ids::{SystemIds, random_u64};
use dataset_tests::relay::Relay;
use futures::future::join_all;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FILES: usize = 6;

/// Rows of ten bytes, so that a file is more than goes through unchanged.
const ROWS: u64 = 430_000;

/// Each client repeats its call until it is told to wait, and does so again in the next round.
const ROUNDS: usize = 20;
const TRIES: usize = 20;

/// A relay that is now and then another.
type Changing = Arc<Mutex<Relay>>;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_it_loses_nothing_and_takes_nothing_twice() {
    let account = Arc::new(Account::open().await);
    let group = account.create_group("Relayed").await;
    let front = Front::of(&account).await;
    account.wire.follow(|_| match random_u64(&SystemIds) % 100 {
        0..3 => Fate::DiesBefore,
        3..6 => Fate::DiesAfter,
        6..10 => Fate::CutAfter,
        10..14 => Fate::Refused(503),
        _ => Fate::Passes,
    });
    let relay = Arc::new(Mutex::new(Relay::to(&front.url)));
    let killing = tokio::spawn(kill_now_and_then(Arc::clone(&relay), front.url.clone()));
    let mut uploads: Vec<Upload> = (0..FILES).map(|n| large(group, n)).collect();
    for _ in 0..ROUNDS {
        let open = uploads.iter_mut().enumerate().filter(|(_, upload)| upload.answered.is_none());
        join_all(open.map(|(n, upload)| send(&account, &relay, n, upload))).await;
        join_all(account.take_events().iter().map(|event| account.process(event))).await;
        // No invocation outlives its time-out, so time passes only while none is running.
        let _at_rest = front.rest().await;
        account.wait_a_while().await;
    }
    killing.abort();
    account.wire.follow(|_| Fate::Passes);
    account.settle().await;
    check(&account, &uploads).await;
    assert!(uploads.iter().all(|upload| upload.answered.is_some()), "each was answered in the end");
    let (_, listed) = account.get("datasets?status=all").await.unwrap();
    assert_eq!(listed["total"], FILES, "one dataset for each file: {listed}");
}

fn large(group: u64, n: usize) -> Upload {
    let rows = (0..ROWS).flat_map(|row| format!("{n:02},{row:06}\n").into_bytes());
    let file = b"n,row\n".iter().copied().chain(rows).collect();
    Upload { group, file, is_good: true, may_be_given_up: true, answered: None }
}

async fn kill_now_and_then(relay: Changing, to: String) {
    loop {
        tokio::time::sleep(Duration::from_millis(50 + random_u64(&SystemIds) % 1_000)).await;
        let next = tokio::task::block_in_place(|| Relay::to(&to));
        // The one before is killed as it is dropped.
        *relay.lock().unwrap() = next;
    }
}

async fn send(account: &Account, relay: &Changing, n: usize, upload: &mut Upload) {
    let content = BASE64_STANDARD.encode(&upload.file);
    let body = json!({"dataset_group_id": upload.group, "file_name": "file.csv", "file_content_base64": content});
    let body = Bytes::from(body.to_string());
    for _ in 0..TRIES {
        let url = format!("{}/api/public/v2/dataset-versions/from-file", relay.lock().unwrap().url);
        let call = account.http.post(url).header("X-API-KEY", account.key.reveal());
        let call = call.header("Content-Type", "application/json").header("Idempotency-Key", format!("file-{n}"));
        let Ok(answer) = call.body(body.clone()).send().await else { continue };
        match (answer.status().as_u16(), answer.json::<Value>().await) {
            (201, Ok(answer)) => {
                upload.answered = answer["dataset_id"].as_u64();
                return;
            }
            // The first call's function died: it is waited for until it can't be running.
            (409, _) => return,
            (201 | 429 | 500.., _) => {}
            (status, answer) => panic!("it was answered {status}: {answer:?}"),
        }
    }
}
