//! The real binary over HTTP: uploads, versions, webhooks and rows, and nothing lost when it is killed.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_tests::receiver::Receiver;
use dataset_tests::service::Service;
use futures::future::join_all;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn http() -> reqwest::Client {
    dataset_local::http_client().unwrap()
}

fn start(dir: &Path) -> Service {
    Service::start(dir, http()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_become_versions_and_are_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let service = start(dir.path());
    let receiver = Receiver::start(&[500]).await;
    let (status, hook) = service.post("webhooks", &json!({"url": receiver.url})).await.unwrap();
    assert_eq!(status, 201);
    let group = service.create_group("Files").await;

    let csv = "name,note\r\n\"Ann\",\"0012, é\"\r\n\r\n\"B\"\"o\",\r\n";
    let id = service.upload(group, "people.csv", csv.as_bytes()).await.unwrap();
    let version = service.finished(id, PATIENCE).await;
    assert_eq!((&version["status"], &version["version_number"]), (&json!("ready"), &json!(1)));
    assert_eq!(version["column_names"], json!(["name", "note"]));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let expected: Vec<Vec<Value>> =
        reader.records().map(|record| record.unwrap().iter().map(|cell| json!(cell)).collect()).collect();
    assert_eq!(service.rows(id).await, (json!(["name", "note"]), expected));

    let bad = service.upload(group, "bad.json", b"[{\"a\":1},\n{\"a\":1,\"a\":2}]").await.unwrap();
    let failed = service.finished(bad, PATIENCE).await;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["failure"]["code"], "duplicate_key");
    assert_eq!((&failed["failure"]["row"], &failed["failure"]["line"]), (&json!(2), &json!(2)));

    // Two events, and one of them again because the first answer was 500.
    let received = receiver.wait_for(3, PATIENCE).await;
    let verifier = standardwebhooks::Webhook::new(hook["secret"].as_str().unwrap()).unwrap();
    let mut by_id: BTreeMap<String, usize> = BTreeMap::new();
    for webhook in &received {
        verifier.verify(&webhook.body, &webhook.headers).unwrap();
        *by_id.entry(webhook.header("webhook-id").to_owned()).or_default() += 1;
    }
    assert_eq!(by_id.len(), 2);
    let types: Vec<Value> = received.iter().map(|webhook| webhook.json()["event_type"].clone()).collect();
    assert!(types.contains(&json!("dataset_version_created_by_file")));
    assert!(types.contains(&json!("dataset_version_created_by_file_failed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_uploads_at_once_get_the_numbers_one_to_a_hundred() {
    let dir = tempfile::tempdir().unwrap();
    let service = start(dir.path());
    let group = service.create_group("Many").await;
    let ids = join_all((0..100).map(|n| {
        let (service, file) = (&service, format!("n\n{n}\n"));
        async move { service.upload(group, "n.csv", file.as_bytes()).await.unwrap() }
    }))
    .await;
    let mut numbers = Vec::new();
    for id in ids {
        numbers.push(service.finished(id, PATIENCE).await["version_number"].as_u64().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=100).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_uploads_into_fifty_groups_are_numbered_in_each() {
    let dir = tempfile::tempdir().unwrap();
    let service = start(dir.path());
    let mut groups = Vec::new();
    for n in 0..50 {
        groups.push(service.create_group(&format!("Group {n}")).await);
    }
    let uploads = (0..1_000).map(|n| {
        let (service, group, file) = (&service, groups[n % groups.len()], format!("n\n{n}\n"));
        async move { (group, service.upload(group, "n.csv", file.as_bytes()).await.unwrap()) }
    });
    let sent: Vec<(u64, u64)> = stream::iter(uploads.collect::<Vec<_>>()).buffer_unordered(50).collect().await;
    let mut numbers: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (group, id) in sent {
        let version = service.finished(id, PATIENCE * 3).await;
        numbers.entry(group).or_default().push(version["version_number"].as_u64().unwrap());
    }
    for mut of_group in numbers.into_values() {
        of_group.sort_unstable();
        assert_eq!(of_group, (1..=20).collect::<Vec<u64>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_ends_each_upload_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut service = start(dir.path());
    let group = service.create_group("Killed").await;
    let mut file = String::from("n,text\n");
    for n in 0..20_000 {
        file += &format!("{n},\"some text, number {n}\"\n");
    }
    let mut known = Vec::new();
    for round in 0..10u64 {
        let uploading = service.upload(group, "n.csv", file.as_bytes());
        // A little later each round: before the body has arrived, while it is stored, while it is parsed,
        // when all is done.
        let moment = Duration::from_millis(round * round * 4);
        if let Ok(result) = tokio::time::timeout(moment, uploading).await {
            known.push(result.unwrap());
        }
        service.kill();
        service = start(dir.path());
    }
    for id in &known {
        let dataset = service.finished(*id, PATIENCE).await;
        assert_eq!(dataset["status"], "ready", "{dataset}");
    }
    // Every upload ends in exactly one outcome, whether or not it was answered.
    let deadline = std::time::Instant::now() + PATIENCE * 3;
    loop {
        let (_, drafts) = service.get("datasets?status=draft").await.unwrap();
        if drafts["total"] == 0 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{drafts}");
        dataset_tests::service::pause().await;
    }
    let (_, ready) = service.get("datasets?status=ready&per_page=100").await.unwrap();
    let mut numbers: Vec<u64> =
        ready["datasets"].as_array().unwrap().iter().map(|d| d["version_number"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<u64>>());
    assert!(numbers.len() >= known.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_everything_and_ctrl_c_is_a_clean_end() {
    let dir = tempfile::tempdir().unwrap();
    let service = start(dir.path());
    let group = service.create_group("Kept").await;
    let id = service.upload(group, "a.json", br#"[{"a":[1,{"b":null}]},{"a":18446744073709551615}]"#).await.unwrap();
    let before = (service.finished(id, PATIENCE).await, service.rows(id).await);
    assert_eq!(service.interrupt().unwrap(), Some(0));

    let service = start(dir.path());
    assert_eq!((service.finished(id, PATIENCE).await, service.rows(id).await), before);
    let next = service.upload(group, "a.csv", b"a\n1\n").await.unwrap();
    assert_eq!(service.finished(next, PATIENCE).await["version_number"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_a_lambda_s_limit_is_taken_in_and_bounds_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let service = start(dir.path());
    let group = service.create_group("Large").await;
    let mut file = b"n,text\n".to_vec();
    while file.len() < 12 << 20 {
        let n = file.len();
        file.extend_from_slice(format!("{n},\"text {n}, {}\"\n", n * 31 % 9_973).as_bytes());
    }
    let id = service.upload(group, "large.csv", &file).await.unwrap();
    let version = service.finished(id, PATIENCE).await;
    assert_eq!(version["status"], "ready", "{version}");
    assert_eq!(version["file_size"], file.len());
    let rows = version["row_count"].as_u64().unwrap();
    let (_, last) = service.get(&format!("datasets/{id}/rows?per_page=1&page={rows}")).await.unwrap();
    assert_eq!(last["rows"].as_array().unwrap().len(), 1);
    let (_, beyond) = service.get(&format!("datasets/{id}/rows?per_page=100&page={rows}")).await.unwrap();
    assert_eq!((&beyond["rows"], &beyond["total"]), (&json!([]), &json!(rows)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_straight_to_storage_and_comes_back_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let service = start(dir.path());
    let group = service.create_group("Straight").await;
    let file = "n,text\n1,\"a, b\"\n2,\n";
    let order = json!({"dataset_group_id": group, "file_name": "straight.csv", "file_size": file.len()});
    let (status, answer) = service.post("dataset-versions/from-upload", &order).await.unwrap();
    assert_eq!(status, 201, "{answer}");
    let (id, upload) = (answer["dataset_id"].as_u64().unwrap(), &answer["upload"]);
    assert_eq!(service.get(&format!("datasets/{id}")).await.unwrap().1["dataset"]["status"], "draft");
    let put = async || {
        let mut request = service.http.put(upload["url"].as_str().unwrap());
        for (name, value) in upload["headers"].as_object().unwrap() {
            if name != "content-length" {
                request = request.header(name, value.as_str().unwrap());
            }
        }
        request.body(file).send().await.unwrap().status().as_u16()
    };
    assert_eq!(put().await, 200);
    let version = service.finished(id, PATIENCE).await;
    assert_eq!((&version["version_number"], &version["row_count"]), (&json!(1), &json!(2)), "{version}");
    assert_eq!(put().await, 412, "a version stays what it is");

    for (format, expected) in [
        ("source", file),
        ("csv", "n,text\r\n1,\"a, b\"\r\n2,\r\n"),
        ("csv", "n,text\r\n1,\"a, b\"\r\n2,\r\n"),
        ("jsonl", "{\"n\":\"1\",\"text\":\"a, b\"}\n{\"n\":\"2\",\"text\":\"\"}\n"),
    ] {
        assert_eq!(service.download(id, format).await, expected.as_bytes(), "{format}");
    }
    assert!(service.download(id, "parquet").await.starts_with(b"PAR1"));
}
