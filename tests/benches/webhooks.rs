//! Measures how fast webhooks are sent.
//!
//! First the function alone, on deliveries that are generated on demand, to a receiver on this machine:
//! deliveries per second, CPU, and memory after each tenth. Then the whole local service at two hundred
//! deliveries per second: the time from publication to arrival with ten webhooks, with a hundred, and with
//! one more that never answers.
//!
//!     cargo bench --workspace --bench webhooks -- [DELIVERIES]

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

#[path = "webhooks/made_up.rs"]
mod made_up;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use dataset_tests::service::Service;
use dataset_webhooks::handle;
use futures::StreamExt;
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use made_up::MadeUp;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

const RECEIVERS: u64 = 100;

/// Batches that are in progress at the same time.
const BATCHES_AT_ONCE: usize = 8;

/// Files are uploaded at this rate. Each becomes an event for every webhook.
const DELIVERIES_PER_SECOND: u64 = 200;
const SECONDS: u64 = 30;

#[tokio::main]
async fn main() {
    let count = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(50_000);
    function_alone(count).await;
    service_latencies(10, false).await;
    let alone = service_latencies(RECEIVERS, false).await;
    let beside = service_latencies(RECEIVERS, true).await;
    say(&format!("beside one that never answers, the 99th percentile is {:.2} of what it was", beside / alone));
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to who runs it")]
fn say(text: &str) {
    println!("{text}");
}

async fn function_alone(count: u64) {
    let taken = Arc::new(AtomicU64::new(0));
    let take = {
        let taken = Arc::clone(&taken);
        move || {
            taken.fetch_add(1, Ordering::Relaxed);
            std::future::ready("")
        }
    };
    let url = serve(Router::new().fallback(post(take))).await;
    let webhooks = MadeUp::webhooks(&url);
    let (started, mut memory) = (Instant::now(), Vec::new());
    let cpu = cpu_seconds("self");
    let batch = |first: u64| {
        let record = |n| json!({"messageId": format!("{n}"), "body": json!(made_up::key(n, RECEIVERS)).to_string()});
        let records: Vec<Value> = (first..first + 10).map(record).collect();
        LambdaEvent::new(json!({ "Records": records }), Context::default())
    };
    let batches = futures::stream::iter((1..=count).step_by(10)).map(|first| handle(batch(first), &webhooks));
    let mut done = batches.buffer_unordered(BATCHES_AT_ONCE).enumerate();
    while let Some((number, result)) = done.next().await {
        assert!(result.unwrap().batch_item_failures.is_empty());
        if (number as u64).is_multiple_of((count / 1000).max(1)) {
            memory.push(resident_mib());
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(taken.load(Ordering::Relaxed), count);
    let each = (cpu_seconds("self") - cpu) / count as f64;
    say(&format!(
        "the function alone: {count} deliveries, {:.0} a second, {:.0} us of CPU each with the receiver's part",
        count as f64 / seconds,
        each * 1e6
    ));
    let tenths: Vec<String> = memory.iter().step_by(10).map(u64::to_string).collect();
    say(&format!("memory in MiB, after each tenth: {}", tenths.join(" ")));
}

/// The 99th percentile from publication to POST, in seconds.
async fn service_latencies(webhooks: u64, with_a_dead_one: bool) -> f64 {
    let events = DELIVERIES_PER_SECOND * SECONDS / webhooks;
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), dataset_local::http_client().unwrap()).unwrap();
    let seen: Seen = Arc::default();
    let router = Router::new().route("/{webhook}", post(take)).with_state(Arc::clone(&seen));
    let url = serve(router).await;
    for webhook in 0..webhooks {
        service.post("webhooks", &json!({"url": format!("{url}/{webhook}")})).await.unwrap();
    }
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    if with_a_dead_one {
        let url = format!("http://{}/", dead.local_addr().unwrap());
        service.post("webhooks", &json!({ "url": url })).await.unwrap();
    }
    let group = service.create_group("Webhooks").await;
    let mut ticks = tokio::time::interval(Duration::from_secs(SECONDS) / events as u32);
    for event in 0..events {
        ticks.tick().await;
        service.upload(group, "a.csv", format!("n\n{event}\n").as_bytes()).await.unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(120);
    let expected = (events * webhooks) as usize;
    while seen.lock().unwrap().len() < expected {
        assert!(Instant::now() < deadline, "{} of {expected} came", seen.lock().unwrap().len());
        dataset_tests::service::pause().await;
    }
    let mut latencies: Vec<f64> = seen.lock().unwrap().values().copied().collect();
    latencies.sort_by(f64::total_cmp);
    let at = |part: f64| latencies[(latencies.len() as f64 * part) as usize];
    let (half, most) = (at(0.5), at(0.99));
    say(&format!(
        "the local service, {webhooks} receivers{}: published to POST {:.0} ms, 99th percentile {:.0} ms",
        if with_a_dead_one { " and one that never answers" } else { "" },
        half * 1e3,
        most * 1e3
    ));
    most
}

/// The time of arrival of each event at each receiver, in seconds after its publication.
type Seen = Arc<Mutex<HashMap<(String, String), f64>>>;

async fn take(State(seen): State<Seen>, Path(webhook): Path<String>, Json(event): Json<Value>) {
    let published: Timestamp = format!("{}Z", event["timestamp"].as_str().unwrap()).parse().unwrap();
    let latency = now().duration_since(published).as_secs_f64();
    seen.lock().unwrap().entry((webhook, event["details"].to_string())).or_insert(latency);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn cpu_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    ticks as f64 / 100.0
}

fn resident_mib() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096 / (1 << 20)
}
