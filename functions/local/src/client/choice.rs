//! Asks a person at a terminal how a file that was refused is to be read.

use super::remote::Remote;
use super::show::{cell, in_columns, printable, suggested};
use crate::output::answer;
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use console::Term;
use dataset_types::dataset::Failure;
use dataset_types::dialect::{Dialect, Suggestion};
use dataset_types::limits::MAX_HEAD_BYTES;
use dataset_types::preview::{Preview, PreviewFile};
use dataset_types::rows::Row;
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
        // They are a help, and the file is refused without them, too.
        terminal.write_line(&first_rows(remote, name, &head, suggestion).await.unwrap_or_default())?;
    }
    let others = if suggestions.len() > 1 { ", a number with another" } else { "" };
    loop {
        terminal.write_str(&format!("Enter sends the file again with the first{others}, n leaves it: "))?;
        let Some(answer) = answer().await? else { return Ok(None) };
        match chosen(&answer, suggestions) {
            Choice::Send(suggestion) => return Ok(Some(suggestion.dialect.clone())),
            Choice::Leave => return Ok(None),
            Choice::Unclear => {}
        }
    }
}

#[derive(Debug, PartialEq)]
enum Choice<'a> {
    Send(&'a Suggestion),
    Leave,
    Unclear,
}

fn chosen<'a>(answer: &str, suggestions: &'a [Suggestion]) -> Choice<'a> {
    let number = match answer.trim() {
        "" => Some(1),
        "n" | "no" => return Choice::Leave,
        number => number.parse::<usize>().ok(),
    };
    let suggestion = number.and_then(|number| suggestions.get(number.checked_sub(1)?));
    suggestion.map_or(Choice::Unclear, Choice::Send)
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
    let seen: Preview = answer.parse()?;
    if let Some(failure) = seen.failure {
        return Ok(printable(&failure.message));
    }
    let (columns, rows) = (seen.column_names.unwrap_or_default(), seen.rows.unwrap_or_default());
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let cells = |row: &Row| row.0.iter().map(|cell| self::cell(&cell.value, CELL_WIDTH)).collect();
    Ok(in_columns(&columns, &[], rows.iter().take(ROWS).map(cells).collect()))
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
    let send = |index: usize| Choice::Send(&both[index]);
    for (typed, expected) in [
        ("\n", send(0)),
        ("1", send(0)),
        (" 2 \n", send(1)),
        ("0", Choice::Unclear),
        ("3", Choice::Unclear),
        ("x", Choice::Unclear),
        ("n\n", Choice::Leave),
    ] {
        assert_eq!(chosen(typed, &both), expected, "{typed:?}");
    }
}
