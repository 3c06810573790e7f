//! Reads our Parquet with the readers that people use, in the versions that they run: see `tests/readers`.

#![expect(clippy::print_stdout, reason = "a test that did not run must say so")]

use dataset_tests::service;
use std::path::PathBuf;
use std::process::Command;

/// The directory in which `tests/readers/versions/check.py install` has put each version of each reader.
const READERS: &str = "DATASETS_READERS";

/// The directory in which `tests/readers/fetch_corpora.sh` has put the public corpora.
const CORPORA: &str = "DATASETS_CORPORA";

/// The readers that read every cell of generated files and of the corpora.
const NEWEST: [&str; 3] = ["duckdb-2.0.1", "polars-2.1.0", "pyarrow-26.0.1"];

fn readers() -> Option<PathBuf> {
    let readers = std::env::var_os(READERS).map(PathBuf::from);
    if readers.is_none() {
        println!(
            "skipped: {READERS} names no directory of readers; `tests/readers/versions/check.py install` makes one"
        );
    }
    readers
}

#[test]
fn duckdb_pyarrow_and_polars_read_each_cell_as_it_was() {
    let Some(readers) = readers() else { return };
    let modules = std::env::join_paths(NEWEST.map(|name| readers.join(name))).unwrap();
    let mut check = Command::new("python3");
    check.env("PYTHONPATH", modules).arg("readers/check.py").arg(service::binary()).args(std::env::var_os(CORPORA));
    assert!(check.status().unwrap().success(), "some reader does not read what the file has");
}

#[test]
fn versions_are_read_over_http() {
    let Some(readers) = readers() else { return };
    let dir = tempfile::tempdir().unwrap();
    let service = service::Service::start(dir.path(), dataset_local::http_client().unwrap()).unwrap();
    let mut check = Command::new("python3");
    check.args(["readers/over_http.py", &service.base, service::KEY]).arg(readers);
    assert!(check.status().unwrap().success(), "some reader does not read a version by its URL");
}

#[test]
fn readers_of_the_last_years_read_what_is_written() {
    let Some(readers) = readers() else { return };
    let mut check = Command::new("python3");
    check.args(["readers/versions/check.py", "check"]).arg(service::binary()).arg(readers).arg("../docs/formats.md");
    assert!(check.status().unwrap().success(), "some version does not read it, or the docs say otherwise");
}
