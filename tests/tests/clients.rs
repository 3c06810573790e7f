//! Clients that others wrote, unchanged, against the real binary.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_tests::service::{KEY, Service};
use std::path::Path;
use std::process::Command;

/// A Python that has what `tests/clients/requirements.txt` names.
const PYTHON: &str = "DATASETS_CLIENTS";

/// Without one, says so.
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
    let check = Command::new(python).args(["clients/check.py", &service.base, KEY]).status();
    assert!(check.unwrap().success(), "some client does not work");
}

/// Whatever the description allows is taken, whatever it forbids is refused,
/// and every answer is as described.
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
