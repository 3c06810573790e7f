//! The console: its scripts in Node, and the page in a real browser against the real binary.

use dataset_tests::service::{KEY, Service};
use std::io::ErrorKind;
use std::process::Command;

/// A directory with the packages of `tests/console/package.json`.
const MODULES: &str = "DATASETS_CONSOLE";

#[test]
#[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
fn scripts_that_need_no_page() {
    let tests = Command::new("node").args(["--test", "--test-reporter=spec", "console/scripts/"]).status();
    match tests {
        Ok(status) => assert!(status.success()),
        Err(error) if error.kind() == ErrorKind::NotFound => println!("skipped: there is no node"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
fn people_do_the_whole_job_on_the_page() {
    let Ok(modules) = std::env::var(MODULES) else {
        println!("skipped: {MODULES} is not set");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("state"), dataset_local::http_client().unwrap()).unwrap();
    let tests = Command::new("node")
        // Only one browser at a time, so that the service has CPU left.
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec", "console/browser/"])
        .env(MODULES, modules)
        .env("DATASETS_URL", &service.base)
        .env("DATASETS_API_KEY", KEY)
        .status()
        .unwrap();
    assert!(tests.success());
}
