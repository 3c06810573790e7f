//! Asks a person at a terminal how a file that was refused is to be read.

use super::remote::Remote;
use super::show::{cell, in_columns, printable, suggested};
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use console::Term;
use dataset_types::dataset::Failure;
use dataset_types::dialect::{Dialect, Suggestion};
use dataset_types::limits::MAX_HEAD_BYTES;
use dataset_types::preview::{Preview, PreviewFile, PreviewFound};
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

/// Rows that are shown of each reading.
const ROWS: usize = 3;

const CELL_WIDTH: usize = 24;

/// The dialect of the suggestion that is chosen. `None` if there is none to choose, or no one to ask.
pub(super) async fn choose(
    remote: &Remote,
    path: &Path,
    name: &str,
    failure: &Failure,
) -> anyhow::Result<Option<Dialect>> {
    let suggestions = &failure.suggestions;
    if suggestions.is_empty() || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    let terminal = Term::stderr();
    terminal.write_line(&format!("{}: {} ({})", printable(name), printable(&failure.message), failure.code))?;
    let head = head(path).with_context(|| format!("{} could not be read", path.display()))?;
    for (number, suggestion) in (1..).zip(suggestions) {
        terminal.write_line(&format!("\n{number}: {}", suggested(suggestion)))?;
        terminal.write_line(&first_rows(remote, name, &head, suggestion).await?)?;
    }
    let others = if suggestions.len() > 1 { ", a number for another" } else { "" };
    terminal.write_str(&format!("Enter sends the file again with the first{others}, n leaves it: "))?;
    Ok(chosen(&terminal.read_line()?, suggestions).map(|suggestion| suggestion.dialect.clone()))
}

fn chosen<'a>(answer: &str, suggestions: &'a [Suggestion]) -> Option<&'a Suggestion> {
    match answer.trim() {
        "" => suggestions.first(),
        number => suggestions.get(number.parse::<usize>().ok()?.checked_sub(1)?),
    }
}

async fn first_rows(remote: &Remote, name: &str, head: &Head, suggestion: &Suggestion) -> anyhow::Result<String> {
    let file = PreviewFile {
        file_name: name.into(),
        dataset_group_id: None,
        dialect: Some(suggestion.dialect.clone()),
        head_base64: &head.base64,
        is_whole: head.is_whole,
    };
    let answer = remote.post("dataset-versions/preview", &file).await?;
    Ok(match answer.parse::<Preview>()?.found {
        PreviewFound::Table(table) => {
            let columns: Vec<&str> = table.column_names.iter().map(String::as_str).collect();
            let rows = table.rows.iter().take(ROWS);
            let cells = rows.map(|row| row.0.iter().map(|cell| self::cell(&cell.value, CELL_WIDTH)).collect());
            in_columns(&columns, &[], cells.collect())
        }
        PreviewFound::Failure(refused) => printable(&refused.failure.message),
    })
}

/// The start of a file, as the API takes it.
struct Head {
    base64: Box<RawValue>,
    is_whole: bool,
}

fn head(path: &Path) -> anyhow::Result<Head> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_HEAD_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    let is_whole = bytes.len() <= MAX_HEAD_BYTES;
    bytes.truncate(MAX_HEAD_BYTES);
    Ok(Head { base64: RawValue::from_string(format!("\"{}\"", STANDARD.encode(bytes)))?, is_whole })
}

#[cfg(test)]
#[test]
fn what_is_typed_chooses() {
    use dataset_types::dialect::Tried;
    let suggestion = |row_count| Suggestion {
        dialect: Dialect::default(),
        row_count,
        column_names: vec![],
        column_count: 0,
        why: String::new(),
        tried: Tried::Whole,
    };
    let both = [suggestion(1), suggestion(2)];
    for (typed, expected) in [("", Some(1)), ("1", Some(1)), (" 2 \n", Some(2)), ("0", None), ("3", None), ("n", None)]
    {
        assert_eq!(chosen(typed, &both).map(|suggestion| suggestion.row_count), expected, "{typed:?}");
    }
}
