//! The processor runs out of memory and time, with files made to cause it.

use crate::harness::account::{Account, PROCESSOR};
use crate::harness::proxy::Fate;
use crate::harness::uploads::Upload;
use crate::harness::uploads::{send, upload};
use crate::invariants::check;
use std::time::Duration;

/// A limit under which every file must be processed. The smallest Lambda has 128 MB; this limit is on
/// address space, of which much is never touched.
const ENOUGH_KIB: u64 = 512 << 10;

/// Enough for a process to start, and too little for the largest row.
const TOO_LITTLE_KIB: u64 = 48 << 10;

/// A row only a few bytes shorter than the limit.
fn largest_row() -> Vec<u8> {
    let mut file = b"text\n".to_vec();
    file.resize(file.len() + (3 << 20), b'x');
    file.push(b'\n');
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_memory_fails_the_draft_and_is_told() {
    let mut account = Account::open().await;
    account.functions.get_mut(PROCESSOR).unwrap().memory_kib = Some(TOO_LITTLE_KIB);
    let group = account.create_group("Memory").await;
    let mut sent = [Upload { file: largest_row(), may_be_given_up: true, ..upload(group, 1) }];
    send(&account, &mut sent[0], None).await.unwrap();
    account.settle().await;
    check(&account, &sent).await;
    let told = account.receiver.received();
    assert_eq!(told[0].json()["event_type"], "dataset_version_created_by_file_failed");
    assert!(account.logs().contains("memory allocation of"), "{}", account.logs());
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_time_fails_the_draft_and_is_told() {
    let mut account = Account::open().await;
    account.functions.get_mut(PROCESSOR).unwrap().timeout = Duration::from_millis(500);
    let group = account.create_group("Time").await;
    account.wire.follow(|call| match (call.function, call.name.as_str()) {
        (PROCESSOR, "s3:GetObject") => Fate::Hangs,
        _ => Fate::Passes,
    });
    let mut sent = [Upload { may_be_given_up: true, ..upload(group, 1) }];
    send(&account, &mut sent[0], None).await.unwrap();
    for event in account.take_events() {
        account.process(&event).await;
    }
    assert!(account.take_events().is_empty());
    account.settle().await;
    check(&account, &sent).await;
    assert_eq!(account.receiver.received()[0].json()["event_type"], "dataset_version_created_by_file_failed");
}

/// If a service is down for an hour, files are an hour late and none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_storage_or_the_table_costs_no_file() {
    for service in ["s3:", "dynamodb:"] {
        let account = Account::open().await;
        let group = account.create_group("Away").await;
        let mut sent = [upload(group, 1), upload(group, 2)];
        for upload in &mut sent {
            send(&account, upload, None).await.unwrap();
        }
        account.wire.follow(move |call| match call.name.starts_with(service) {
            true => Fate::Refused(503),
            false => Fate::Passes,
        });
        for _ in 0..10 {
            for event in account.take_events() {
                account.process(&event).await;
            }
            account.wait_a_while().await;
            account.sweep().await;
        }
        account.wire.follow(|_| Fate::Passes);
        account.settle().await;
        check(&account, &sent).await;
    }
}

/// Files that need as much memory as possible: each ends in an outcome, and none kills the process.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_stay_within_the_memory() {
    let mut account = Account::open().await;
    account.functions.get_mut(PROCESSOR).unwrap().memory_kib = Some(ENOUGH_KIB);
    let group = account.create_group("Hostile").await;
    let names: String = (0..4096).map(|n| format!("c{n},")).collect();
    let wide = format!("{}\n{}\n", names.trim_end_matches(','), "x".repeat(100) + &",".repeat(4095));
    let open_quote = [b"a\n\"".to_vec(), vec![b'x'; 4 << 20]].concat();
    let deep = [vec![b'['; 4 << 20]].concat();
    let many_keys: String = (0..200_000).map(|n| format!("{{\"k{n}\":1}},")).collect();
    for (name, file, expected) in [
        ("row.csv", largest_row(), "ready"),
        ("wide.csv", wide.into_bytes(), "ready"),
        ("open.csv", open_quote, "failed"),
        ("deep.json", deep, "failed"),
        ("keys.json", format!("[{}]", many_keys.trim_end_matches(',')).into_bytes(), "failed"),
        ("empty.csv", vec![b'\n'; 4 << 20], "failed"),
    ] {
        let content = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &file);
        let body = serde_json::json!({"dataset_group_id": group, "file_name": name, "file_content_base64": content});
        let (status, answer) = account.post("dataset-versions/from-file", &body).await.unwrap();
        assert_eq!(status, 201, "{name}: {answer}");
        for event in account.take_events() {
            account.process(&event).await;
        }
        let (_, answer) = account.get(&format!("datasets/{}", answer["dataset_id"])).await.unwrap();
        assert_eq!(answer["dataset"]["status"], expected, "{name}: {answer}");
        assert_ne!(answer["dataset"]["failure"]["code"], "processing_failed", "{name}");
    }
    assert!(!account.logs().contains("memory allocation of"));
}
