//! `datasets relay` before the four real functions, with what AWS's gateway and Lambda refuse.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]
#![expect(clippy::disallowed_methods, reason = "processes of the system live by its clock")]

#[path = "harness/mod.rs"]
mod harness;

use axum::body::Bytes;
use base64::prelude::{BASE64_STANDARD, Engine};
use dataset_tests::relay::Relay;
use harness::account::Account;
use harness::front::Front;
use harness::proxy::Fate;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const FROM_FILE: &str = "/api/public/v2/dataset-versions/from-file";

/// The longest body that goes through as it is.
const MAX_THROUGH: usize = 5_500_000;

const MAX_FILE: usize = 104_857_600;

/// Who calls by the relay.
struct Client {
    relay: Relay,
    http: reqwest::Client,
}

impl Client {
    async fn post(&self, key: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> (u16, Value) {
        let mut request = self.http.post(format!("{}{FROM_FILE}", self.relay.url)).header("X-API-KEY", key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if headers.iter().all(|(name, _)| *name != "Content-Type") {
            request = request.header("Content-Type", "application/json");
        }
        let answer = request.body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }
}

fn file(bytes: usize) -> Vec<u8> {
    let mut file = b"text\n".to_vec();
    file.resize(bytes - 1, b'x');
    // Rows are not that long.
    for at in (1_000..bytes - 1).step_by(1_000) {
        file[at] = b'\n';
    }
    file.push(b'\n');
    file
}

fn body(group: u64, file: &[u8]) -> String {
    let content = BASE64_STANDARD.encode(file);
    format!(
        r#"{{"dataset_group_id":{group},"file_name":"a.csv","tags":["relayed"],"file_content_base64":"{content}"}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_originals_call_takes_the_whole_100_mb() {
    let account = Arc::new(Account::open().await);
    let (group, key) = (account.create_group("Relayed").await, account.key.reveal().to_owned());
    let front = Front::of(&account).await.url;
    let client = Client { relay: Relay::to(&front), http: dataset_local::http_client().unwrap() };
    let Client { relay, http } = &client;
    let idle = relay.peak_mib();
    // Too large for the gateway, and for Lambda.
    let large = body(group, &file(MAX_FILE));
    let direct = http.post(format!("{front}{FROM_FILE}")).header("X-API-KEY", &key).body(large.clone());
    assert_eq!(direct.send().await.unwrap().status(), 413);
    let (status, answer) = client.post(&key, &[], large).await;
    assert_eq!((status, &answer["message"]), (201, &json!("Dataset version creation job queued")), "{answer}");
    account.settle().await;
    let (_, read) = account.get(&format!("datasets/{}", answer["dataset_id"])).await.unwrap();
    let dataset = &read["dataset"];
    assert_eq!((&dataset["version_number"], &dataset["file_size"]), (&json!(1), &json!(MAX_FILE)));
    assert_eq!((&dataset["tags"], &dataset["file_name"]), (&json!(["relayed"]), &json!("a.csv")));
    let (status, answer) = client.post(&key, &[], body(group, &file(MAX_FILE + 1))).await;
    assert_eq!((status, &answer["code"]), (400, &json!("file_too_large")));
    // The binary of a test is itself larger.
    let more = relay.peak_mib() - idle;
    assert!(more < 24.0, "{more} MiB");

    // Up to the byte.
    let through = |bytes: usize| {
        let rest = body(group, &file(3_000_000));
        format!("{rest}{}", " ".repeat(bytes - rest.len()))
    };
    for (bytes, is_relayed) in [(MAX_THROUGH, false), (MAX_THROUGH + 1, true)] {
        assert_eq!(client.post(&key, &[], through(bytes)).await.0, 201);
        let (_, listed) = account.get("datasets?status=draft&per_page=1").await.unwrap();
        // A draft that waits for an upload waits longer.
        let dataset = &listed["datasets"][0];
        let [made, due] = ["created_at", "file_due_at"]
            .map(|name| dataset[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap());
        assert_eq!(due.duration_since(made).as_secs() > 600, is_relayed, "{bytes}");
    }
    account.settle().await;

    // In pieces of no length that is told.
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        through(MAX_THROUGH + 1).into_bytes().chunks(100_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let stream = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    assert_eq!(client.post(&key, &[], stream).await.0, 201);

    // What the original's call would say.
    let large = through(MAX_THROUGH + 1);
    for (body, key, status, code) in [
        (large.clone(), "pl_other", 401, "invalid_api_key"),
        (large.replace(&group.to_string(), "1"), &key, 404, "dataset_group_not_found"),
        (large.replace("a.csv", "a.exe"), &key, 400, "unsupported_file_type"),
        (large.replace("eHh4", "eH!4"), &key, 400, "invalid_base64"),
        (large.replace("eHh4", "eH!4"), "pl_other", 401, "invalid_api_key"),
        (large.replace("\"file_name\"", "\"other\""), &key, 400, "invalid_request"),
        (large.replace("\"tags\":[", "\"tags\":[{},"), &key, 400, "invalid_request"),
        (large.replace('}', " "), &key, 400, "invalid_json"),
        (large.replacen("{", "{\"tags\":[],", 1), &key, 400, "invalid_request"),
        (large.replace("_base64\":\"", "_base64\":[\"").replace("\"}", "\"]}"), &key, 400, "invalid_request"),
        (large.replacen("{", &format!("{{\"other\":\"{}\",", "x".repeat(3 << 20)), 1), &key, 400, "invalid_request"),
    ] {
        let (got, answer) = client.post(key, &[], body).await;
        assert_eq!((got, &answer["code"], &answer["success"]), (status, &json!(code), &json!(false)), "{answer}");
    }
    let (_, answer) = client.post(&key, &[], large.replacen("eHh4", "eH!4", 1)).await;
    assert!(answer["error"].as_str().unwrap().contains("the character at offset 10 is not in the base64"), "{answer}");

    let (status, answer) = client.post(&key, &[("Content-Type", "text/plain")], large.clone()).await;
    assert_eq!((status, &answer["code"]), (415, &json!("unsupported_media_type")));
    // What the service does not know is no fault, however it is written.
    let odd = large.replacen("{", &format!("{{\"other\":[{{\"a\":\"}}\"}}],{}", " ".repeat(3 << 20)), 1);
    assert_eq!(client.post(&key, &[], odd).await.0, 201);

    // Nothing leads elsewhere, or up.
    for target in ["@127.0.0.1:9", "/../../x", "/a/%2e%2E/x", "*"] {
        let mut stream = tokio::net::TcpStream::connect(relay.url.trim_start_matches("http://")).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
    }
    // Whoever has no key is told so before anything is taken.
    let mut stream = tokio::net::TcpStream::connect(relay.url.trim_start_matches("http://")).await.unwrap();
    let request = format!("POST {FROM_FILE} HTTP/1.1\r\nHost: a\r\nContent-Length: 90000000\r\n\r\n{{");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    // And may go on sending, as most do.
    stream.write_all(&vec![b'x'; 30_000_000]).await.unwrap();

    // The same call once, and another one with its key.
    let keyed = [("Idempotency-Key", "k")];
    let first = client.post(&key, &keyed, large.clone()).await;
    assert_eq!((first.0, client.post(&key, &keyed, large.clone()).await), (201, first));
    let other = large.replace("a.csv", "b.csv");
    assert_eq!(client.post(&key, &keyed, other).await.0, 422);
    account.settle().await;
    assert_eq!(client.post(&key, &keyed, large.clone()).await.0, 201);

    // Storage that breaks off, and comes back.
    let puts = AtomicUsize::new(0);
    account.wire.follow(move |call| match call.name.as_str() {
        "s3:PutObject" if puts.fetch_add(1, Ordering::Relaxed) < 2 => Fate::CutBefore,
        _ => Fate::Passes,
    });
    assert_eq!(client.post(&key, &[], large.clone()).await.0, 201);
    account.wire.follow(|_| Fate::Passes);

    // A client that hangs up.
    let before = account.get("datasets?status=all").await.unwrap().1["total"].clone();
    let start: Vec<Result<Bytes, std::io::Error>> =
        vec![Ok(Bytes::from(large[..MAX_THROUGH / 2].to_owned())), Err(std::io::Error::other("the client dies"))];
    let hanging_up = http.post(format!("{}{FROM_FILE}", relay.url)).header("X-API-KEY", &key);
    let body = reqwest::Body::wrap_stream(futures::stream::iter(start));
    assert!(hanging_up.header("Content-Length", large.len()).body(body).send().await.is_err());
    assert_eq!(account.get("datasets?status=all").await.unwrap().1["total"], before);

    // All else goes through.
    let listed = http.get(format!("{}/api/public/v2/datasets?per_page=1", relay.url)).header("X-API-KEY", &key);
    let listed: Value = listed.send().await.unwrap().json().await.unwrap();
    assert_eq!(listed["datasets"].as_array().unwrap().len(), 1);
    account.settle().await;
}
