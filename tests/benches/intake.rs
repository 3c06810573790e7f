//! Measures what it costs the service to take in 100 MiB of CSV, by HTTP and by `datasets push`, and to
//! answer questions about it: time, CPU and peak memory of the whole process, engines included.
//!
//!     cargo bench --workspace --bench intake

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_tests::service::{KEY, Service};
use dataset_types::limits::MAX_FILE_BYTES;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

#[expect(clippy::print_stdout, reason = "a benchmark reports to who runs it")]
#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let http = dataset_local::http_client().unwrap();
    let service = Service::start(dir.path(), http).unwrap();
    let group = service.create_group("Intake").await;
    let file = table();
    let started = Instant::now();
    let id = service.upload(group, "table.csv", &file).await.unwrap();
    let answered = started.elapsed();
    let version = service.finished(id, Duration::from_secs(120)).await;
    let ready = started.elapsed();
    assert_eq!(version["status"], "ready", "{version}");
    println!("bytes {}, rows {}", file.len(), version["row_count"]);
    println!("answered after {:.2} s, ready after {:.2} s", answered.as_secs_f64(), ready.as_secs_f64());
    println!("CPU {:.2} s, peak memory {} MiB", cpu_seconds(service.id()), peak_mib(service.id()));

    let middle = version["row_count"].as_u64().unwrap() / 200;
    for (name, path) in [
        ("its status", format!("datasets/{id}")),
        ("100 rows from its middle", format!("datasets/{id}/rows?per_page=100&page={middle}")),
        ("a list", "datasets".to_owned()),
    ] {
        let (before, calls) = (cpu_seconds(service.id()), 200);
        for _ in 0..calls {
            assert_eq!(service.get(&path).await.unwrap().0, 200);
        }
        let each = (cpu_seconds(service.id()) - before) / f64::from(calls);
        println!("{name}: CPU {:.1} ms", each * 1000.0);
    }

    let path = dir.path().join("pushed.csv");
    let started = Instant::now();
    std::fs::write(&path, &file).unwrap();
    File::open(&path).unwrap().sync_all().unwrap();
    let written = started.elapsed();
    let started = Instant::now();
    let checksum = Sha256::digest(std::fs::read(&path).unwrap());
    let (checked, group) = (started.elapsed(), group.to_string());
    let started = Instant::now();
    let mut push = Command::new(dataset_tests::service::binary());
    push.arg("push").arg(&path).args(["--group", &group, "--url", &service.base]).env("DATASETS_API_KEY", KEY);
    assert!(push.status().unwrap().success());
    println!("pushed in {:.2} s", started.elapsed().as_secs_f64());
    println!("writing such a file takes {:.2} s, its SHA-256 {:.2} s", written.as_secs_f64(), checked.as_secs_f64());
    assert_eq!(checksum.len(), 32);
}

/// Quoted text, numbers and repeated values, up to the size limit of a file.
fn table() -> Vec<u8> {
    let most = usize::try_from(MAX_FILE_BYTES).unwrap();
    let mut file = b"id,question,expected_answer,topic\n".to_vec();
    for id in 0u64.. {
        let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let row = format!("{id},\"What is {mixed}, and\nwhy?\",The answer is {:x},topic {}\n", mixed >> 7, mixed % 50);
        if file.len() + row.len() > most {
            return file;
        }
        file.extend_from_slice(row.as_bytes());
    }
    unreachable!()
}

fn peak_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // User and system time, which the kernel counts in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
