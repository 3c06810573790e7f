//! Verifies webhooks of the real binary with the libraries that receivers use.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_tests::receiver::{Received, Receiver};
use dataset_tests::service::Service;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// A directory with the packages of `tests/verifiers/package.json`.
const NODE: &str = "DATASETS_VERIFIERS";
/// A Python with the packages of `tests/clients/requirements.txt`.
const PYTHON: &str = "DATASETS_CLIENTS";

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn every_webhook_is_verified_by_every_library() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("state"), dataset_local::http_client().unwrap()).unwrap();
    let receiver = Receiver::start(&[]).await;
    let (_, hook) = service.post("webhooks", &json!({"url": receiver.url})).await.unwrap();
    let (path, first) = (format!("webhooks/{}", hook["id"]), hook["secret"].as_str().unwrap().to_owned());
    let group = service.create_group("Verified").await;

    // A version, failures that name a place, a test event, and one signed with two secrets.
    let files: [(&str, &[u8]); 4] = [
        ("good.csv", b"question,answer\nWhat?,That\n"),
        ("short.csv", b"question,answer\nWhat?\n"),
        ("odd,[{.csv", b"gr\xc3\xb6\xc3\x9fe,\"a\"\"b\",[{\n1,2\n"),
        ("broken.json", b"[{\"a\": 1}, {\"a\": ,}]"),
    ];
    for (name, file) in files {
        service.upload(group, name, file).await.unwrap();
    }
    assert_eq!(service.post(&format!("{path}/test"), &json!({})).await.unwrap().0, 201);
    let before = receiver.wait_for(5, PATIENCE).await;
    let (_, rotated) = service.post(&format!("{path}/rotate-secret"), &json!({})).await.unwrap();
    let second = rotated["secret"].as_str().unwrap().to_owned();
    service.post(&format!("{path}/test"), &json!({})).await.unwrap();
    let after = receiver.wait_for(6, PATIENCE).await.split_off(5);

    let mut webhooks: Vec<Value> = before.iter().map(|webhook| view(webhook, &first, true)).collect();
    webhooks.push(view(&after[0], &first, false));
    webhooks.push(view(&after[0], &second, true));
    for (webhook, received) in webhooks.iter().zip(before.iter().chain([&after[0], &after[0]])) {
        let library = standardwebhooks::Webhook::new(webhook["secret"].as_str().unwrap()).unwrap();
        library.verify(&received.body, &received.headers).unwrap();
    }
    let file = dir.path().join("webhooks.json");
    std::fs::write(&file, json!(webhooks).to_string()).unwrap();
    if let Some(python) = given(PYTHON) {
        assert!(Command::new(python).arg("verifiers/verify.py").arg(&file).status().unwrap().success());
    }
    if let Some(modules) = given(NODE) {
        let verify = Command::new("node").arg("verifiers/verify.mjs").arg(&file).arg(modules).status();
        assert!(verify.unwrap().success());
    }
}

fn view(webhook: &Received, secret: &str, is_newest: bool) -> Value {
    let header = |name: &str| (name.to_owned(), Value::from(webhook.header(name)));
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature", "x-promptlayer-signature"].map(header);
    let body = std::str::from_utf8(&webhook.body).unwrap();
    json!({"secret": secret, "is_newest": is_newest, "headers": serde_json::Map::from_iter(headers), "body": body})
}

#[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
fn given(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        println!("skipped: {variable} is not set");
    }
    value
}
