//! The items of the table, read and written without an adapter.

use bytes::Bytes;
use dataset_aws::{Body, InProcess};
use dataset_tests::wire::Forward;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::io;
use std::time::Duration;
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt, service_fn};

/// Attributes that hold a due time or a deadline, in milliseconds.
const TIMES: [&str; 4] = ["due_at", "claim_until", "next_attempt_at", "until"];

/// An item, with its attributes as plain JSON.
pub(crate) type Item = Map<String, Value>;

#[derive(Clone)]
pub(crate) struct Items {
    engine: Engine,
    pub(crate) table: String,
}

/// A service for requests to DynamoDB.
type Engine = BoxCloneSyncService<Request<Bytes>, Bytes, io::Error>;

/// The independent engine checks at most the form of a signature.
const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";

impl Items {
    /// On the embedded engine, within the process.
    pub(crate) fn embedded(engine: InProcess, table: &str) -> Self {
        let engine = service_fn(move |request: Request<Bytes>| {
            let request = request.map(|body| Body::new(Full::from(body).map_err(|never| match never {})));
            let answered = engine.clone().oneshot(request);
            async move { Ok(answered.await?.into_body().collect().await?.to_bytes()) }
        });
        Self { engine: Engine::new(engine), table: table.to_owned() }
    }

    /// On an independent engine.
    pub(crate) fn at(http: &reqwest::Client, url: &str, table: &str) -> Self {
        let forward = Forward::new(http, url);
        let engine = service_fn(move |request: Request<Bytes>| {
            let answered = forward.clone().oneshot(request);
            async move {
                let body = answered.await.map_err(io::Error::other)?.into_body();
                Ok(body.collect().await.unwrap_or_else(|never| match never {}).to_bytes())
            }
        });
        Self { engine: Engine::new(engine), table: table.to_owned() }
    }

    async fn call(&self, operation: &str, mut body: Value) -> Value {
        body["TableName"] = json!(self.table);
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", SIGNED)
            .body(body.to_string().into());
        let answer = self.engine.clone().oneshot(request.unwrap()).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(answer.get("__type").is_none(), "{operation} {body}: {answer}");
        answer
    }

    /// The item of a key, as DynamoDB says it; null if there is none.
    pub(crate) async fn get(&self, key: &Value) -> Value {
        self.call("GetItem", json!({"Key": key, "ConsistentRead": true})).await["Item"].clone()
    }

    pub(crate) async fn all(&self) -> Vec<Item> {
        let (mut items, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut scan = json!({"ConsistentRead": true});
            if !start.is_null() {
                scan["ExclusiveStartKey"] = start;
            }
            let page = self.call("Scan", scan).await;
            items.extend(page["Items"].as_array().unwrap().iter().map(plain));
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                return items;
            }
        }
    }

    /// The items with work left: they have a due time, or are drafts or outbox items.
    pub(crate) async fn open(&self) -> Vec<Item> {
        let is_open = |item: &Item| {
            item.contains_key("due_shard") || item["sk"] == "OUTBOX" || item.get("status") == Some(&json!("draft"))
        };
        self.all().await.into_iter().filter(is_open).collect()
    }

    /// Moves all deadlines and due times into the past.
    pub(crate) async fn pass_time(&self, by: Duration) {
        for item in self.all().await {
            let (mut names, mut values, mut changes) = (Map::new(), Map::new(), Vec::new());
            for (n, name) in TIMES.iter().enumerate().filter(|(_, name)| item.contains_key(**name)) {
                let time = item[*name].as_i64().unwrap() - by.as_millis() as i64;
                names.insert(format!("#t{n}"), json!(name));
                values.insert(format!(":t{n}"), json!({"N": time.to_string()}));
                changes.push(format!("#t{n} = :t{n}"));
            }
            if let Some(health) = item.get("health").and_then(Value::as_str) {
                names.insert("#health".into(), json!("health"));
                values.insert(":health".into(), json!({"S": earlier(health, by)}));
                changes.push("#health = :health".into());
            }
            if !changes.is_empty() {
                let update = json!({
                    "Key": {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}},
                    "UpdateExpression": format!("SET {}", changes.join(", ")),
                    "ExpressionAttributeNames": names,
                    "ExpressionAttributeValues": values,
                });
                self.call("UpdateItem", update).await;
            }
        }
    }
}

/// The health of a webhook, with its times moved.
fn earlier(health: &str, by: Duration) -> String {
    let mut health: Item = serde_json::from_str(health).unwrap();
    for time in ["failing_since", "resting_until", "resume_since"] {
        if let Some(at) = health.get(time).and_then(Value::as_str) {
            let at = at.parse::<Timestamp>().unwrap() - by;
            health.insert(time.into(), json!(at));
        }
    }
    json!(health).to_string()
}

fn plain(item: &Value) -> Item {
    let attribute = |value: &Value| {
        let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
        match kind.as_str() {
            "N" => value.as_str().unwrap().parse().unwrap(),
            _ => value.clone(),
        }
    };
    item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}
