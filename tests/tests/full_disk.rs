//! The disk fills up while the service runs: stored data can be read, writes are refused with a clear error,
//! and everything works again once there is space.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_tests::service::{Service, pause};
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A file system of 24 MiB in memory, unmounted when it is dropped.
struct SmallDisk(PathBuf);

/// Printed if no disk can be mounted.
const SKIPPED: &str = "skipped: only root can mount a disk to fill";

impl SmallDisk {
    /// Returns `None` if this user may not mount one.
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "none"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }

    /// Writes until nothing fits any more.
    fn fill(&self) {
        let mut filler = OpenOptions::new().create(true).append(true).open(self.0.join("filler")).unwrap();
        for size in [1 << 20, 4 << 10, 1] {
            while filler.write_all(&vec![7; size]).is_ok() {}
        }
    }

    /// Frees this much space.
    fn free_some(&self, bytes: u64) {
        let filler = OpenOptions::new().write(true).open(self.0.join("filler")).unwrap();
        filler.set_len(filler.metadata().unwrap().len() - bytes).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
async fn a_full_disk_refuses_writes_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk")) else {
        println!("{SKIPPED}");
        return;
    };
    let data_dir = disk.0.join("data");
    let service = Service::start(&data_dir, dataset_local::http_client().unwrap()).unwrap();
    let group = service.create_group("Full").await;
    let before = service.upload(group, "before.csv", b"a,b\n1,2\n").await.unwrap();
    assert_eq!(service.finished(before, Duration::from_secs(30)).await["status"], "ready");
    let healthy = async || {
        let response = service.http.get(format!("{}/healthz", service.base)).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    assert_eq!(healthy().await.0, 200);

    disk.fill();
    let order = json!({"dataset_group_id": group, "file_name": "a.csv", "file_content_base64": "YQox"});
    let (status, answer) = service.post("dataset-versions/from-file", &order).await.unwrap();
    assert_eq!((status, &answer["code"]), (500, &json!("storage_full")), "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("disk"), "{answer}");
    let (status, answer) = service.post("webhooks", &json!({"url": "http://127.0.0.1:9/hook"})).await.unwrap();
    assert_eq!((status, &answer["code"]), (507, &json!("storage_full")), "{answer}");
    let (status, answer) = healthy().await;
    assert_eq!((status, &answer["code"]), (507, &json!("storage_full")), "{answer}");
    for _ in 0..3 {
        assert_eq!(service.rows(before).await.1, [[json!("1"), json!("2")]]);
        let (status, listed) = service.get("datasets?status=ready").await.unwrap();
        assert_eq!((status, &listed["total"]), (200, &json!(1)), "{listed}");
        assert_eq!(service.download(before, "source").await, b"a,b\n1,2\n");
    }

    // There is space for the table, but not for a file of three MiB.
    disk.free_some(2 << 20);
    let file = format!("a,b\n{}", "text of a row,more\n".repeat(160_000));
    let refused = service.upload(group, "large.csv", file.as_bytes()).await.unwrap_err().to_string();
    assert!(refused.contains("500") && refused.contains("storage_full"), "{refused}");
    let (_, drafts) = service.get("datasets?status=draft").await.unwrap();
    assert_eq!(drafts["total"], 0, "{drafts}");

    disk.free();
    assert_eq!(healthy().await.0, 200);
    let after = service.upload(group, "after.csv", b"a,b\n3,4\n").await.unwrap();
    let after = service.finished(after, Duration::from_secs(60)).await;
    assert_eq!((&after["status"], &after["version_number"]), (&json!("ready"), &json!(2)), "{after}");
    // Refused uploads left nothing behind.
    let objects = fs::read_dir(data_dir.join("s3/datasets/uploads")).unwrap().count();
    assert_eq!(objects, 2);
}

/// The file fits but its Parquet does not: it waits for space, and is not lost.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
async fn a_disk_that_fills_up_while_a_file_is_parsed() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk")) else {
        println!("{SKIPPED}");
        return;
    };
    let data_dir = disk.0.join("data");
    let service = Service::start(&data_dir, dataset_local::http_client().unwrap()).unwrap();
    let group = service.create_group("Full").await;
    disk.fill();
    disk.free_some(5 << 20);
    let (mut file, mut state) = (b"n,text\n".to_vec(), 1_u64);
    for n in 0..90_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        file.extend_from_slice(format!("{n},{state:016x}{:016x}\n", state.rotate_left(17) ^ n).as_bytes());
    }
    let id = service.upload(group, "large.csv", &file).await.unwrap();
    // Waits until all attempts at its event are used up.
    let events = || fs::read_dir(data_dir.join("events")).unwrap().count();
    while events() > 0 {
        pause().await;
    }
    let (_, waiting) = service.get(&format!("datasets/{id}")).await.unwrap();
    assert_eq!(waiting["dataset"]["status"], "draft", "{waiting}");
    disk.free();
    let version = service.finished(id, Duration::from_secs(150)).await;
    assert_eq!((&version["status"], &version["row_count"]), (&json!("ready"), &json!(90_000)), "{version}");
    assert_eq!(service.download(id, "source").await, file);
    assert_eq!(events(), 0);
}

/// It prints one sentence with the path, and leaves nothing behind.
#[test]
#[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
fn a_start_on_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk")) else {
        println!("{SKIPPED}");
        return;
    };
    let (old, new) = (disk.0.join("old"), disk.0.join("new"));
    let service = Service::start(&old, dataset_local::http_client().unwrap()).unwrap();
    assert_eq!(service.signal("TERM").unwrap(), Some(0));
    disk.fill();
    for path in [&old, &new] {
        let output = Command::new(dataset_tests::service::binary())
            .args(["serve", "--port", "0", "--data-dir", path.to_str().unwrap()])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.lines().count() == 1, "{said}");
        assert!(said.contains(path.to_str().unwrap()) && said.contains("disk"), "{said}");
    }
    assert!(!new.exists());
    disk.free();
    Service::start(&old, dataset_local::http_client().unwrap()).unwrap();
}
