//! Measures an upload as far away as AWS is: the four real functions, each warm, behind a wire that answers no sooner
//! than AWS would and lets each connection to S3 have 85 MB/s.
//!
//!     cargo bench -p dataset-tests --bench distant [-- MB...]

#![expect(clippy::unwrap_used, reason = "in a benchmark a surprise is a failure")]
#![expect(clippy::disallowed_methods, reason = "what stands in for AWS has the time of this machine")]

#[path = "../tests/harness/mod.rs"]
mod harness;

use base64::prelude::{BASE64_STANDARD, Engine};
use dataset_core::clock::SystemClock;
use dataset_tests::service::binary;
use harness::account::{API, Account, PROCESSOR, WEBHOOKS};
use serde_json::json;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs of each, of which the fastest counts: whatever else this machine does only adds to it.
const RUNS: usize = 3;

/// What goes within a request.
const MAX_INLINE_MB: f64 = 4.0;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a benchmark reports to who runs it")]
async fn main() {
    let given: Vec<f64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if given.is_empty() { vec![0.01, 1.0, 10.0, 100.0] } else { given };
    let account = Account::open().await;
    account.wire.set_distance(Arc::new(SystemClock));
    let group = account.create_group("Distant").await;
    // Each function has its connections by then, and the key its window.
    for _ in 0..3 {
        upload(&account, group, 0.01).await;
    }
    println!(
        "| MB | to 201, ms | event to version, ms | version to receiver, ms | calls | MB to and from S3 | CPU ms: api | processor | webhooks | peak MiB: api | processor | $ for 1,000 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for mb in sizes {
        // What it costs takes more calls to find out.
        account.wire.count_units(Some(&account.items));
        upload(&account, group, mb).await;
        let units = account.wire.take_units();
        account.wire.count_units(None);
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            runs.push(upload(&account, group, mb).await);
        }
        let least = |of: fn(&Run) -> f64| runs.iter().map(of).fold(f64::MAX, f64::min);
        println!(
            "| {mb} | {:.0} | {:.0} | {:.0} | {} | {:.1} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.3} |",
            least(|run| ms(run.answered)),
            least(|run| ms(run.to_version)),
            least(|run| ms(run.to_receiver)),
            runs[0].calls,
            runs[0].s3_mb,
            least(|run| run.used[0]),
            least(|run| run.used[1]),
            least(|run| run.used[2]),
            peak_mib(&account, API),
            peak_mib(&account, PROCESSOR),
            least(|run| run.dollars) + (units.writes as f64 * 0.625 + units.reads * 0.125) / 1e3,
        );
        println!("| | | {:.0} by `datasets convert` on one core | | | | | | | | | |", ms(converted(&file(mb))));
    }
    let page = |path: &'static str| {
        let account = &account;
        async move {
            let mut fastest = Duration::MAX;
            for _ in 0..5 {
                let began = Instant::now();
                let (status, answer) = account.get(path).await.unwrap();
                assert_eq!(status, 200, "{answer}");
                fastest = fastest.min(began.elapsed());
            }
            println!("| {path} | {:.0} |", ms(fastest));
        }
    };
    println!("\n| page | ms |\n|---|---|");
    let (_, listed) = account.get("datasets").await.unwrap();
    let newest = listed["datasets"][0]["id"].as_u64().unwrap();
    for path in ["".to_owned(), "/rows".to_owned(), "/rows?q=text+500".to_owned(), "/columns".to_owned()] {
        page(format!("datasets/{newest}{path}").leak()).await;
    }
    page("datasets").await;
}

struct Run {
    answered: Duration,
    /// From the event to the version.
    to_version: Duration,
    /// From the version to the webhook's arrival, but for the queue's own time.
    to_receiver: Duration,
    calls: usize,
    s3_mb: f64,
    /// CPU of the functions, in ms.
    used: [f64; 3],
    /// For a thousand of it, without the table.
    dollars: f64,
}

/// A file of so many bytes: an id, and text as people write it.
fn file(mb: f64) -> Vec<u8> {
    let mut file = b"id,question,answer\n".to_vec();
    let mut row = 0_u64;
    while (file.len() as f64) < mb * 1e6 {
        row += 1;
        let word = row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let line = format!("{row},\"What is the text {row}, and why {word:x}?\",\"It is {word}, because of that.\"\n");
        file.extend_from_slice(line.as_bytes());
    }
    file
}

/// How long the command takes for the same file.
fn converted(file: &[u8]) -> Duration {
    let dir = tempfile::tempdir().unwrap();
    let (path, out) = (dir.path().join("a.csv"), dir.path().join("a.parquet"));
    std::fs::write(&path, file).unwrap();
    let run = || {
        let began = Instant::now();
        let convert = Command::new(binary()).arg("convert").args([&path, &out]).stdout(Stdio::null()).status();
        assert!(convert.unwrap().success());
        began.elapsed()
    };
    (0..RUNS).map(|_| run()).min().unwrap_or_default()
}

async fn upload(account: &Account, group: u64, mb: f64) -> Run {
    let file = file(mb);
    let functions = [API, PROCESSOR, WEBHOOKS];
    let before = functions.map(|name| account.functions[name].cpu_ms());
    account.wire.calls.lock().unwrap().clear();
    let s3_before = account.wire.s3_bytes();
    let began = Instant::now();
    if mb <= MAX_INLINE_MB {
        let content = BASE64_STANDARD.encode(&file);
        let body = json!({"dataset_group_id": group, "file_name": "a.csv", "file_content_base64": content});
        assert_eq!(account.post("dataset-versions/from-file", &body).await.unwrap().0, 201);
    }
    let mut answered = began.elapsed();
    if mb > MAX_INLINE_MB {
        let body = json!({"dataset_group_id": group, "file_name": "a.csv", "file_size": file.len()});
        let began = Instant::now();
        let (status, answer) = account.post("dataset-versions/from-upload", &body).await.unwrap();
        answered = began.elapsed();
        assert_eq!(status, 201, "{answer}");
        harness::uploads::put(account, &answer, file).await;
    }
    let events = account.take_events();
    let processing = Instant::now();
    account.process_once(&events[0]).await.unwrap();
    let processed = processing.elapsed();
    let messages = account.receive().await;
    assert_eq!(messages.len(), 1);
    let delivering = Instant::now();
    account.deliver(&messages).await;
    let delivered = delivering.elapsed();
    let arrived = account.receiver.received().last().unwrap().at;
    let calls = account.wire.calls.lock().unwrap().clone();
    // A call is over when the one after it begins.
    let end_of = |name: &str| {
        let of_processor: Vec<_> = calls.iter().filter(|call| call.function == PROCESSOR).collect();
        of_processor[of_processor.iter().position(|call| call.name == name).unwrap() + 1].at
    };
    let (published, told) = (end_of("dynamodb:TransactWriteItems"), end_of("sqs:SendMessageBatch"));
    let used = std::array::from_fn(|index| account.functions[functions[index]].cpu_ms() - before[index]);
    let count = |names: &[&str]| calls.iter().filter(|call| names.contains(&call.name.as_str())).count() as f64;
    // Public prices of us-east-1 on arm64: what is billed is how long a function runs, by its memory in the template.
    let gb_seconds = [(answered, 1.0), (processed, 1.769 / 1.024), (delivered, 0.5)];
    let compute: f64 = gb_seconds.iter().map(|(time, gb)| time.as_secs_f64() * gb * 0.000_013_333_4).sum();
    let requests = 3.0 * 0.2 + 3.5 + 3.0 * 0.4;
    let puts = count(&["s3:PutObject", "s3:UploadPart", "s3:CreateMultipartUpload", "s3:CompleteMultipartUpload"]);
    let storage = puts * 5.0 + count(&["s3:GetObject"]) * 0.4;
    let dollars = 1_000.0 * (compute + (requests + storage) / 1e6);
    let s3_mb = (account.wire.s3_bytes() - s3_before) as f64 / 1e6;
    let (to_version, to_receiver) = (published - processing, told - published + (arrived - delivering));
    Run { answered, to_version, to_receiver, calls: calls.len(), s3_mb, used, dollars }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn peak_mib(account: &Account, name: &str) -> f64 {
    account.functions[name].peak_mib()
}
