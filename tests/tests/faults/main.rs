//! The four real functions on real engines, with faults: a process dies at each of its calls, engines refuse
//! and disconnect, events come ten times or never, memory and time run out. The invariants hold in the end.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]
#![expect(clippy::disallowed_methods, reason = "processes of the system live by its clock")]

#[path = "../harness/mod.rs"]
mod harness;
mod invariants;
mod limits;
mod points;
mod relayed;
mod schedules;

use dataset_tests::receiver::Receiver;
use dataset_tests::wire::capacity::Units;
use futures::future::join_all;
use harness::account::{API, Account, PROCESSOR};
use harness::proxy::{Call, Fate};
use harness::uploads::{Upload, bad_upload, send, upload};
use invariants::check;
use jiff::Timestamp;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn each_event_ten_times_at_once_changes_nothing() {
    let account = Account::open().await;
    let group = account.create_group("Ten times").await;
    let mut uploads = vec![upload(group, 1), upload(group, 2), bad_upload(group)];
    for sent in &mut uploads {
        send(&account, sent, None).await.unwrap();
    }
    let events = account.take_events();
    let ten_times = events.iter().flat_map(|event| std::iter::repeat_n(event, 10));
    join_all(ten_times.map(|event| account.process(event))).await;
    let messages = account.receive().await;
    let ten_times = (0..10).map(|_| account.deliver(&messages));
    join_all(ten_times).await;
    account.settle().await;
    check(&account, &uploads).await;
    assert_eq!(account.receiver.received().len(), uploads.len(), "one webhook each");
}

/// Rows and an export that need more than one part of a multipart upload.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_large_is_stored_in_parts() {
    const ROWS: u64 = 330_000;
    let account = Account::open().await;
    let group = account.create_group("Large").await;
    let (mut file, mut state) = (b"n,text\n".to_vec(), 1u64);
    for n in 0..ROWS {
        // Random, so that it can't be compressed into one part.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        file.extend_from_slice(
            format!("{n},{state:016x}{:016x}{:08x}\n", state.rotate_left(17) ^ n, state >> 11).as_bytes(),
        );
    }
    let mut sent = Upload { group, file, is_good: true, may_be_given_up: false, answered: None };
    assert_eq!(send(&account, &mut sent, None).await.unwrap(), 201);
    account.settle().await;
    let id = sent.answered.unwrap();
    let (_, version) = account.get(&format!("datasets/{id}")).await.unwrap();
    assert_eq!((&version["dataset"]["status"], &version["dataset"]["row_count"]), (&"ready".into(), &ROWS.into()));
    let (status, _) = account.get(&format!("datasets/{id}/download?format=csv&redirect=false")).await.unwrap();
    assert_eq!(status, 200);
    let calls = account.wire.calls.lock().unwrap().clone();
    for function in [PROCESSOR, API] {
        let is_complete = |call: &Call| call.function == function && call.name == "s3:CompleteMultipartUpload";
        assert!(calls.iter().any(is_complete), "{function} stored nothing in parts");
    }
}

/// The fewest units of three uploads: where the machine is busy, a call may take so long that it is made again.
async fn least_units_of_an_upload(account: &Account, group: u64) -> Units {
    let mut least = units_of_an_upload(account, group).await;
    for _ in 0..2 {
        let next = units_of_an_upload(account, group).await;
        least = Units { reads: least.reads.min(next.reads), writes: least.writes.min(next.writes) };
    }
    least
}

/// The units of an upload of a small file, from its call to one look at its status. They are those of one
/// minute: a key's first call in another asks for its count in vain, and begins a new one.
async fn units_of_an_upload(account: &Account, group: u64) -> Units {
    let minute = || Timestamp::now().as_second() / 60;
    loop {
        let began = minute();
        account.wire.take_units();
        let mut sent = upload(group, 1);
        send(account, &mut sent, None).await.unwrap();
        account.settle().await;
        let (status, _) = account.get(&format!("datasets/{}", sent.answered.unwrap())).await.unwrap();
        assert_eq!(status, 200);
        let units = account.wire.take_units();
        if minute() == began {
            return units;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_costs_what_the_docs_say() {
    let account = Account::open().await;
    let group = account.create_group("Costs").await;
    account.wire.count_units(Some(&account.items));
    units_of_an_upload(&account, group).await;
    let one = least_units_of_an_upload(&account, group).await;
    let other = Receiver::start(&[]).await;
    account.post("webhooks", &json!({"url": other.url})).await.unwrap();
    let two = least_units_of_an_upload(&account, group).await;
    let docs = include_str!("../../../docs/operations.md");
    for said in [
        format!("about {} write units and {} read units", one.writes, one.reads.ceil()),
        format!("Each further webhook adds {} write units", two.writes - one.writes),
    ] {
        assert!(docs.contains(&said), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_no_secret_and_no_content_is_in_a_log() {
    const CANARY: &str = "canary-in-a-cell";
    let account = Account::open().await;
    let group = account.create_group("Canaries").await;
    let (_, hook) = account.get("webhooks").await.unwrap();
    let id = hook["webhooks"][0]["id"].as_u64().unwrap();
    let (status, rotated) = account.call("POST", &format!("webhooks/{id}/rotate-secret"), &[], "").await.unwrap();
    assert_eq!(status, 200, "{rotated}");
    let secret = rotated["secret"].as_str().unwrap().to_owned();
    let mut uploads = vec![upload(group, 1), bad_upload(group)];
    for sent in &mut uploads {
        sent.file.extend_from_slice(format!("{CANARY},2\n").as_bytes());
        send(&account, sent, None).await.unwrap();
    }
    let (_, listed) = account.get(&format!("datasets?name={CANARY}")).await.unwrap();
    assert_eq!(listed["success"], true, "{listed}");
    // Errors are logged only after faults.
    account.wire.follow(|call| match (call.function, call.nth % 4) {
        (PROCESSOR, 0) => Fate::Refused(500),
        (PROCESSOR, _) => Fate::Passes,
        (_, 0 | 1) => Fate::CutAfter,
        _ => Fate::Refused(500),
    });
    join_all(account.take_events().iter().map(|event| account.process(event))).await;
    account.deliver_all().await;
    account.sweep().await;
    account.wire.follow(|_| Fate::Passes);
    account.settle().await;
    let signatures = account.receiver.received();
    let signatures =
        signatures.iter().flat_map(|w| [w.header("webhook-signature"), w.header("x-promptlayer-signature")]);
    let logs = account.logs();
    assert!(logs.contains("\"request\"") && logs.contains("version published"), "the logs are there: {logs}");
    let mut canaries = vec![CANARY, account.key.reveal(), &secret, "local-secret-key"];
    canaries.extend(signatures.flat_map(|signature| signature.strip_prefix("v1,").or(Some(signature))));
    for canary in canaries {
        assert!(!canary.is_empty() && !logs.contains(canary), "{canary} is in a log");
    }
}
