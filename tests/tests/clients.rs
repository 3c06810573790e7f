//! Clients written by others, unchanged, against the real binary.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_tests::relay::Relay;
use dataset_tests::service::{KEY, Service, binary};
use std::path::Path;
use std::process::Command;

/// A Python with the packages of `tests/clients/requirements.txt`.
const PYTHON: &str = "DATASETS_CLIENTS";

/// Prints a notice if the variable is not set.
#[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
fn python() -> Option<String> {
    let python = std::env::var(PYTHON).ok();
    if python.is_none() {
        println!("skipped: {PYTHON} names no Python with what tests/clients/requirements.txt asks for");
    }
    python
}

fn service(dir: &Path) -> Service {
    Service::start(dir, dataset_local::http_client().unwrap()).unwrap()
}

#[test]
fn clients_of_others_work_unchanged() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let service = service(dir.path());
    let relay = Relay::to(&service.base);
    for url in [&service.base, &relay.url] {
        let check = Command::new(&python).args(["clients/check.py", url, KEY]).status();
        assert!(check.unwrap().success(), "some client does not work at {url}");
    }
}

#[test]
fn an_assistant_does_by_mcp_what_it_may() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let service = service(dir.path());
    let check = Command::new(python).arg("clients/assistant.py").arg(binary()).args([&service.base, KEY]).status();
    assert!(check.unwrap().success(), "some tool does not work");
}

/// Requests that the description allows are accepted, others are refused, and every answer is as described.
#[test]
fn the_service_is_as_it_is_described() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let service = service(dir.path());
    let mut run = Command::new(Path::new(&python).with_file_name("schemathesis"));
    run.current_dir(dir.path())
        .arg("--config-file")
        .arg(Path::new("clients/schemathesis.toml").canonicalize().unwrap());
    run.args(["run", &format!("{}/openapi.json", service.base), "--url", &service.base, "--no-color"]);
    run.args([
        "--header",
        &format!("X-API-KEY: {KEY}"),
        "--seed",
        "1",
        "--max-examples",
        "30",
        "--continue-on-failure",
    ]);
    assert!(run.status().unwrap().success(), "the service is not as described");
}
