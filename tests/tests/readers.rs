//! What is written, read by the readers that people use: see `tests/readers/check.py`.

use dataset_tests::service;
use std::path::Path;
use std::process::Command;

/// A Python that has them; without it any that does is taken.
const PYTHON: &str = "DATASETS_PYTHON";

/// Where `tests/readers/fetch_corpora.sh` has put the public corpora.
const CORPORA: &str = "DATASETS_CORPORA";

#[test]
#[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
fn duckdb_pyarrow_and_polars_read_each_cell_as_it_was() {
    let named = std::env::var_os(PYTHON);
    let python = named.clone().unwrap_or_else(|| "python3".into());
    let has_readers = Command::new(&python).args(["-c", "import duckdb, polars, pyarrow.parquet"]).output();
    if !has_readers.is_ok_and(|output| output.status.success()) {
        assert!(named.is_none(), "{PYTHON} names no Python with duckdb, polars and pyarrow");
        println!("skipped: no Python with duckdb, polars and pyarrow; `pip install duckdb polars pyarrow` brings them");
        return;
    }
    let script = Path::new("readers/check.py");
    let mut check = Command::new(python);
    check.arg(script).arg(service::binary()).args(std::env::var_os(CORPORA));
    assert!(check.status().unwrap().success(), "some reader does not read what the file has");
}
