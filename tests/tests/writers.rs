//! One table as the tools that people have write it: each file in `writers/files` is as `writers/make.py` got it from
//! the tool itself, and is taken as it stands, or refused with what to do about it.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use bytes::Bytes;
use dataset_formats::{Error, Limits, Table, convert};
use dataset_tests::docs;
use dataset_types::dialect::Dialect;
use dataset_types::{FailureCode, Format};
use futures::FutureExt;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const COLUMNS: [&str; 5] = ["id", "text", "note", "missing", "long"];

#[derive(Deserialize)]
struct Writer {
    /// With its version.
    tool: String,
    call: String,
    /// What is written for a cell that is missing.
    missing: Value,
    /// The code, where the file is not taken.
    refused: Option<FailureName>,
    /// A dialect that is suggested then, and with which it is taken.
    suggestion: Option<Dialect>,
    /// Cells of the first row that the tool itself changes, and what it makes of an emoji.
    #[serde(default)]
    other: BTreeMap<String, Value>,
    why: Option<String>,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct FailureName(FailureCode);

impl TryFrom<String> for FailureName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse().map(Self).map_err(|_| name)
    }
}

/// The table, as this writer has it.
fn table(writer: &Writer) -> [[Value; 5]; 3] {
    let other = |name: &str, value: Value| writer.other.get(name).cloned().unwrap_or(value);
    let first_note = other("note", json!(""));
    [
        [
            json!("0071"),
            json!("Say \"hi\", now"),
            first_note,
            writer.missing.clone(),
            other("long", json!(9_007_199_254_740_993_u64)),
        ],
        [json!("0072"), json!("two\nlines"), other("emoji", json!("é😀")), json!("x"), json!(2)],
        [json!("0073"), json!("back\\\"slash"), json!("C:\\dir\\"), json!("y"), json!(3)],
    ]
}

#[test]
fn what_tools_write_is_taken_or_refused_with_a_remedy() {
    let writers = std::fs::read_to_string("writers/writers.json").unwrap();
    let writers: BTreeMap<String, Writer> = serde_json::from_str(&writers).unwrap();
    let mut lines = "| tool | what it writes | how it is taken |\n|---|---|---|\n".to_owned();
    let mut kept: Vec<String> = std::fs::read_dir("writers/files")
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort();
    assert_eq!(kept, writers.keys().cloned().collect::<Vec<_>>());
    for (name, writer) in &writers {
        let file = std::fs::read(format!("writers/files/{name}")).unwrap();
        let how = taken(name, writer, &file);
        let why = writer.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        writeln!(lines, "| {} | {} | {how}{why} |", writer.tool, writer.call).unwrap();
    }
    docs::check("formats.md", "writers", &lines);
}

/// A directory of readers, some of which write, too.
const READERS: &str = "DATASETS_READERS";

#[test]
#[expect(clippy::print_stdout, reason = "a test that did not run must say so")]
fn light_tools_still_write_what_is_kept() {
    let mut make = Command::new("python3");
    make.args(["writers/make.py", "--check", "python-"]);
    match std::env::var_os(READERS) {
        Some(readers) => {
            let modules = ["duckdb-2.0.1", "pyarrow-26.0.1", "polars-2.1.0"].map(|name| Path::new(&readers).join(name));
            make.env("PYTHONPATH", std::env::join_paths(modules).unwrap()).args(["duckdb-", "pyarrow-", "polars-"]);
        }
        None => println!("skipped but for Python: {READERS} names no directory of readers"),
    }
    assert!(make.status().unwrap().success(), "some tool writes something else");
}

/// Checks what becomes of a file, and says it.
fn taken(name: &str, writer: &Writer, file: &[u8]) -> String {
    let format = if name.ends_with(".csv") { Format::Csv } else { Format::Json };
    let read = |said: &Dialect| {
        let mut parquet = vec![];
        convert(format, said, &mut || Ok(file), &mut parquet, &Limits::default(), None)
            .map(|summary| (summary, parquet))
    };
    let (mut how, found) = match (read(&Dialect::default()), &writer.refused) {
        (Err(Error::Data(error)), Some(FailureName(code))) => {
            assert_eq!(error.code, *code, "{name}: {}", error.message);
            let Some(dialect) = &writer.suggestion else {
                assert_eq!(error.suggestions.len(), 0, "{name}");
                return format!("refused, `{}`", code.name());
            };
            assert!(error.suggestions.iter().any(|suggestion| suggestion.dialect == *dialect), "{name}");
            (format!("refused, `{}`; with {dialect} it is taken", code.name()), read(dialect).unwrap())
        }
        (Ok(found), None) => ("taken".to_owned(), found),
        (Err(error), _) => panic!("{name}: {error:?}"),
        (Ok(_), Some(_)) => panic!("{name} is taken"),
    };
    let (summary, parquet) = found;
    let notices: Vec<String> = summary.notices.iter().map(|notice| format!("`{}`", notice.code)).collect();
    if !notices.is_empty() {
        write!(how, ", {}", notices.join(", ")).unwrap();
    }
    let table_read = Table::open(Bytes::from(parquet)).now_or_never().unwrap().unwrap();
    let names: Vec<&str> = table_read.columns().collect();
    // Names of rows, and identifiers, come besides; columns of JSON may come in another order.
    let at = COLUMNS.map(|name| names.iter().position(|other| *other == name).unwrap());
    let page = table_read.page(0, 9, usize::MAX).now_or_never().unwrap().unwrap();
    assert_eq!(page.rows.len(), 3, "{name}");
    let is_typed = |column: usize| format == Format::Json && COLUMNS[column] == "long";
    for (row, expected) in page.rows.iter().zip(table(writer)) {
        for (column, expected) in expected.into_iter().enumerate() {
            let cell = serde_json::to_value(&row[at[column]]).unwrap();
            // CSV has texts alone, and some tools write integers as texts in JSON.
            let is_same = if is_typed(column) && !cell.is_string() {
                cell == expected
            } else {
                cell == expected || cell.as_str() == Some(&expected.to_string())
            };
            assert!(is_same, "{name}, {}: {cell} is not {expected}", COLUMNS[column]);
        }
    }
    how
}
