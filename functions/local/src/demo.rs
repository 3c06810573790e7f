//! `datasets demo`: the whole story on fresh state, told as it happens.

mod client;

use crate::output::say;
use crate::receiver::{Receiver, Webhook};
use crate::service::{Options, Service};
use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::Client;
use dataset_core::destination::Policy;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::time::Duration;

const CSV: &str = "question,expected_answer\r\n\
    What is PromptLayer?,A prompt management platform\r\n\
    \"Say \"\"hi\"\", please\",hi\r\n\
    What is 2+2?,\"4,\nfour\"\r\n";

const JSON: &str = r#"[
    {"city": "Zürich", "population": 443037, "area": 87.88, "rivers": ["Limmat", "Sihl"]},
    {"city": "Basel", "population": 173863, "capital": false}
]"#;

const BROKEN: &str = "question,expected_answer\nWhat is 1+1?,2\nWhat is 3+3?\n";

/// How long a webhook may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run() -> anyhow::Result<()> {
    let dir = tempfile::tempdir().context("no directory for the demo's state")?;
    let service = Service::start(Options {
        host: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        public_url: None,
        allowed_hosts: vec![],
        allowed_origins: vec![],
        data_dir: dir.path().to_owned(),
        destinations: Policy::private(),
        sweep_every: Duration::from_secs(60),
        api_key: None,
    })
    .await?;
    say(&format!("The service runs at http://{}, with fresh state.", service.address))?;
    let result = story(&service).await;
    service.stop().await;
    result?;
    say(
        "\nEverything worked: two files became versions 1 and 2, one was refused, and each outcome was told and signed.",
    )?;
    Ok(())
}

async fn story(service: &Service) -> anyhow::Result<()> {
    let client = Client::new(service)?;
    let mut receiver = Receiver::start(0).await?;
    let hook = client.post("webhooks", &json!({"url": receiver.url})).await?;
    let secret = hook["secret"].as_str().context("the webhook has no secret")?.to_owned();
    say(&format!("A webhook receiver listens at {} and is registered.", receiver.url))?;
    let group = client.post("dataset-groups", &json!({"name": "Demo"})).await?["dataset_group"]["id"].clone();
    say(&format!("Dataset group 'Demo' has id {group}."))?;

    for (version, (name, file)) in [("questions.csv", CSV), ("cities.json", JSON)].into_iter().enumerate() {
        let id = upload(&client, &group, name, file).await?;
        let webhook = next(&mut receiver).await?;
        let payload = webhook.verify(&secret)?;
        expect(&payload["event_type"], &json!("dataset_version_created_by_file"))?;
        expect(&payload["details"], &json!({"dataset_id": id, "dataset_version_number": version + 1}))?;
        tell(&webhook, &payload)?;
        show_rows(&client, &id).await?;
    }

    let id = upload(&client, &group, "broken.csv", BROKEN).await?;
    let webhook = next(&mut receiver).await?;
    let payload = webhook.verify(&secret)?;
    expect(&payload["event_type"], &json!("dataset_version_created_by_file_failed"))?;
    expect(&payload["details"]["row"], &json!(2))?;
    expect(&payload["details"]["line"], &json!(3))?;
    tell(&webhook, &payload)?;
    let failure = client.get(&format!("datasets/{id}")).await?["dataset"]["failure"].clone();
    say(&format!("  its failure stays readable: {failure}"))?;
    Ok(())
}

async fn upload(client: &Client, group: &Value, name: &str, file: &str) -> anyhow::Result<Value> {
    let body = json!({"dataset_group_id": group, "file_name": name, "file_content_base64": STANDARD.encode(file)});
    let answer = client.post("dataset-versions/from-file", &body).await?;
    say(&format!("\nPOST from-file {name} ({} bytes) -> 201 {answer}", file.len()))?;
    Ok(answer["dataset_id"].clone())
}

fn tell(webhook: &Webhook, payload: &Value) -> anyhow::Result<()> {
    say(&format!("  webhook {}: {}", webhook.header("webhook-id"), payload["event_type"]))?;
    say(&format!("    {}", payload["details"]))?;
    say("    X-PromptLayer-Signature and webhook-signature are right")?;
    Ok(())
}

async fn show_rows(client: &Client, id: &Value) -> anyhow::Result<()> {
    let page = client.get(&format!("datasets/{id}/rows")).await?;
    say(&format!("  {} rows of {}:", page["total"], page["columns"]))?;
    let rows = page["rows"].as_array().context("the page has no rows")?;
    for row in rows {
        let values: Vec<&Value> = row.as_array().into_iter().flatten().map(|cell| &cell["value"]).collect();
        say(&format!("    {}", json!(values)))?;
    }
    ensure!(!rows.is_empty(), "the version has no rows");
    Ok(())
}

fn expect(got: &Value, expected: &Value) -> anyhow::Result<()> {
    ensure!(got == expected, "expected {expected}, got {got}");
    Ok(())
}

async fn next(receiver: &mut Receiver) -> anyhow::Result<Webhook> {
    let webhook = tokio::time::timeout(PATIENCE, receiver.next()).await;
    webhook.with_context(|| format!("no webhook came within {} s", PATIENCE.as_secs()))?.context("the receiver stopped")
}
