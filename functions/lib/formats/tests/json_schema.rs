//! JSON Schema's own test suite, each case as a file of one row.

#![expect(clippy::print_stdout, reason = "a test that did not run must say so")]

use dataset_formats::{Error, Limits, RowSchema, convert};
use dataset_types::dialect::Dialect;
use dataset_types::{FailureCode, Format};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::PathBuf;

/// The directory in which `tests/readers/fetch_corpora.sh` has put the public corpora.
const CORPORA: &str = "DATASETS_CORPORA";

/// What is not asked of rows: groups of cases by their file and their description, or all of a file.
const LEFT_OUT: [(&str, &str); 3] = [
    // Fetched from elsewhere.
    ("refRemote", ""),
    ("vocabulary", ""),
    // As an annotation alone; here it is checked, as in `optional/format`.
    ("format", ""),
];

#[test]
fn rows_are_judged_as_the_suite_has_it() {
    let Some(corpora) = std::env::var_os(CORPORA).map(PathBuf::from) else {
        println!("skipped: {CORPORA} names no directory of corpora; `tests/readers/fetch_corpora.sh` makes one");
        return;
    };
    let suite = corpora.join("json-schema-test-suite/tests/draft2020-12");
    let mut wrong = Vec::new();
    let (mut cases, mut elsewhere) = (0, 0);
    for directory in [suite.clone(), suite.join("optional/format")] {
        for file in fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path()) {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            if file.is_dir() || (directory == suite && LEFT_OUT.contains(&(&name, ""))) {
                continue;
            }
            let groups: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            for group in groups.as_array().unwrap() {
                let about = group["description"].as_str().unwrap();
                if LEFT_OUT.contains(&(&name, about)) {
                    continue;
                }
                for case in group["tests"].as_array().unwrap() {
                    cases += 1;
                    let expected = case["valid"].as_bool().unwrap();
                    let found = judged(&group["schema"], &case["data"]);
                    if found.as_ref().is_err_and(|error| error.contains("Resource 'http://localhost:1234")) {
                        elsewhere += 1;
                    } else if found != Ok(expected) {
                        wrong.push(format!("{name}: {about}: {}: {found:?}", case["description"]));
                    }
                }
            }
        }
    }
    assert!(cases > 1_500, "{cases}");
    assert!(elsewhere < 20, "{elsewhere} cases are of schemas elsewhere");
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether a row is taken whose only value is this, as a property of this schema; and if the value is a row itself,
/// whether that is taken.
fn judged(schema: &Value, data: &Value) -> Result<bool, String> {
    let mut property = schema.clone();
    if let Value::Object(keywords) = &mut property {
        // What refers to # means the property.
        keywords.entry("$id").or_insert(json!("https://example.com/property"));
    }
    let within = is_taken(&json!({ "properties": { "value": property } }), &json!({ "value": data }))?;
    let is_row = data.as_object().is_some_and(|row| !row.is_empty() && row.keys().all(|name| !name.trim().is_empty()));
    if is_row && schema.is_object() && RowSchema::parse(&schema.to_string()).is_ok() {
        let alone = is_taken(schema, data)?;
        if alone != within {
            return Err(format!("{within} as a value, {alone} as a row"));
        }
    }
    Ok(within)
}

fn is_taken(schema: &Value, row: &Value) -> Result<bool, String> {
    let schema = RowSchema::parse(&schema.to_string()).map_err(|error| error.to_string())?;
    let file = json!([row]).to_string();
    let mut source = || Ok(file.as_bytes());
    let said = Dialect::default();
    match convert(Format::Json, &said, &mut source, &mut io::sink(), &Limits::default(), Some(&schema)) {
        Ok(_) => Ok(true),
        Err(Error::Data(error)) if error.code == FailureCode::SchemaViolation => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}
