//! What a person sees of datasets.

use super::remote::Trouble;
use crate::cli::args::Said;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use console::truncate_str;
use dataset_core::upload::is_deceptive;
use dataset_types::dataset::{Column, Dataset, Drift, EmptyShare, Failure};
use dataset_types::dialect::Suggestion;
use dataset_types::notice::Notice;
use dataset_types::rows::{CellValue, RetypedColumn};
use dataset_types::schema::Violation;
use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};

/// A line about a version.
pub(super) fn summary(dataset: &Dataset) -> String {
    let columns = dataset.column_names.as_ref().map_or(0, Vec::len) as u64;
    format!(
        "{}: version {} of group {} (dataset {}), {}, {}",
        printable(&dataset.file_name),
        dataset.version_number,
        dataset.dataset_group_id,
        dataset.id,
        counted(dataset.row_count.unwrap_or(0), "row"),
        counted(columns, "column"),
    )
}

/// Everything a person may want to know of a dataset.
pub(super) fn details(dataset: &Dataset) -> String {
    let mut lines = vec![format!("{}: {}", printable(&dataset.file_name), state(dataset))];
    let mut line = |name: &str, value: String| lines.push(format!("  {name:<9} {value}"));
    line("dataset", dataset.id.to_string());
    line("group", dataset.dataset_group_id.to_string());
    line("size", size(dataset));
    line("created", dataset.created_at.to_string());
    if let Some(description) = &dataset.description {
        line("says", printable(description.as_str()));
    }
    for tag in dataset.tags.iter() {
        line("tag", printable(tag));
    }
    for (name, value) in dataset.metadata.iter() {
        line("metadata", printable(&format!("{name}: {value}")));
    }
    if let Some(until) = &dataset.file_due_at {
        line("waits", format!("for its file, unless that has come, until {until}"));
    }
    if dataset.version_number > 0 {
        line("version", dataset.version_number.to_string());
        line("rows", dataset.row_count.unwrap_or(0).to_string());
        let columns = dataset.column_names.iter().flatten().map(|name| printable(name));
        line("columns", columns.collect::<Vec<_>>().join(", "));
        if let Some(dialect) = &dataset.dialect {
            line("read with", printable(&dialect.to_string()));
        }
        for label in &dataset.labels {
            line("label", label.to_string());
        }
        if let Some(version) = dataset.schema_version {
            line("schema", format!("version {version}"));
        }
        for change in dataset.drift.iter().flat_map(drifted) {
            line("drift", change);
        }
        for notice in &dataset.notices {
            line("notice", noticed(notice));
        }
        for (what, sha256) in [("file", &dataset.file_sha256), ("parquet", &dataset.rows_sha256)] {
            if let Some(sha256) = sha256 {
                line(what, format!("sha256 {sha256}"));
            }
        }
    }
    if let Some(failure) = &dataset.failure {
        line("failure", format!("{} ({})", reason(failure), failure.code));
        for suggestion in &failure.suggestions {
            line("instead", suggested(suggestion));
        }
        if let Some(version) = failure.schema_version {
            line("schema", format!("version {version}"));
        }
        let (violations, more) = violations(failure, MAX_VIOLATIONS);
        for violation in violations {
            line("violation", violation);
        }
        if let Some(more) = more {
            line("", more);
        }
    }
    lines.join("\n")
}

/// What is not as in the version before.
fn drifted(drift: &Drift) -> Vec<String> {
    let named = |what: &str, names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| format!("{:?}", printable(name))).collect();
        (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
    };
    let whole = [named("columns added", &drift.columns_added), named("columns gone", &drift.columns_removed)];
    let retyped = drift.columns_retyped.iter().map(|RetypedColumn { name, before, after }| {
        let [before, after] = [*before, *after].map(<&str>::from);
        format!("column {:?}: {before} before, {after} now", printable(name))
    });
    let shares = drift.empty_shares.iter().map(|EmptyShare { name, before, after }| {
        let [before, after] = [before, after].map(|share| 100.0 * share);
        format!("column {:?}: {before:.1} % empty before, {after:.1} % now", printable(name))
    });
    whole.into_iter().flatten().chain(retyped).chain(shares).collect()
}

/// What was unusual in a file, and where.
pub(crate) fn noticed(notice: &Notice) -> String {
    let columns: Vec<String> = notice.columns.iter().map(|name| printable(name)).collect();
    let more = if notice.column_count > Some(columns.len() as u64) { ", ..." } else { "" };
    let columns = if columns.is_empty() { String::new() } else { format!(": {}{more}", columns.join(", ")) };
    format!("{}{columns} ({})", printable(&notice.message), printable(&notice.code))
}

/// What would work for a file that was refused, and how to say it.
pub(super) fn suggested(suggestion: &Suggestion) -> String {
    let Suggestion { dialect, row_count, column_count, why, .. } = suggestion;
    let (rows, columns) = (counted(*row_count, "row"), counted(*column_count, "column"));
    let options = printable(&Said::options(dialect));
    format!("with {options} it has {rows} and {columns}: {}", printable(why))
}

/// What a dataset is called in a list.
pub(super) fn state(dataset: &Dataset) -> &'static str {
    if dataset.is_deleted { "deleted" } else { dataset.status.into() }
}

pub(super) fn size(dataset: &Dataset) -> String {
    DecimalBytes(dataset.file_size).to_string()
}

pub(super) fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Why a file was refused: its place, with the name of the column, and what is wrong there.
fn reason(failure: &Failure) -> String {
    let message = printable(&Said::in_options(&failure.message));
    let Some(Column::Name(name)) = &failure.column else { return message };
    // "row 2, line 3, column 2: expected ..."
    match message.split_once(": ").filter(|(place, _)| place.ends_with(|c: char| c.is_ascii_digit())) {
        _ if failure.violation_count.is_some() => message,
        Some((place, what)) => format!("{place} {:?}: {what}", printable(name)),
        None => format!("column {:?}: {message}", printable(name)),
    }
}

/// How many violations are told, where there is no one to page through them.
const MAX_VIOLATIONS: usize = 10;

pub(crate) fn trouble(failure: Failure, file: &str) -> Trouble {
    let (violations, more) = violations(&failure, MAX_VIOLATIONS);
    let suggestions = failure.suggestions.iter().map(suggested);
    let details = suggestions.chain(violations).chain(more).map(|line| format!("\n  {line}")).collect();
    let message = reason(&failure);
    Trouble::Failed { file: printable(file), code: failure.code, message, details }
}

/// The first places where a file does not fulfil its schema, and how many others there are.
fn violations(failure: &Failure, most: usize) -> (Vec<String>, Option<String>) {
    let Failure { violations, violation_count, .. } = failure;
    // One alone is in the message.
    let most = if *violation_count == Some(1) { 0 } else { most };
    let told = violations.iter().take(most).map(|violation| {
        let Violation { row, line, column, keyword, message, .. } = violation;
        let place =
            [("row", row), ("line", line)].into_iter().filter_map(|(what, n)| n.map(|n| format!("{what} {n}, ")));
        let column = match column {
            Some(Column::Name(name)) => format!("column {:?}: ", printable(name)),
            Some(Column::Index(number)) => format!("column {number}: "),
            None => "the row as a whole: ".to_owned(),
        };
        format!("{}{column}{} ({keyword})", place.collect::<String>(), printable(message))
    });
    let told: Vec<String> = told.collect();
    let more = violation_count.filter(|count| *count > 1).unwrap_or_default().saturating_sub(told.len() as u64);
    (told, (more > 0).then(|| format!("and {more} more; --json has the first {}", violations.len())))
}

/// Text from elsewhere, with what could mislead a terminal or its reader made visible.
pub(super) fn printable(text: &str) -> String {
    if !text.chars().any(is_deceptive) {
        return text.to_owned();
    }
    text.chars().map(|c| if is_deceptive(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// A value as a cell of a table.
pub(super) fn cell(value: &CellValue, width: usize) -> String {
    match value {
        CellValue::Null => String::new(),
        CellValue::Text(text) => short(text, width),
        value => short(&json(value), width),
    }
}

/// A value as JSON has it: an empty text is not null, and "1" not 1.
pub(super) fn json(value: &CellValue) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Text from elsewhere, cut off where it is too long.
pub(super) fn short(text: &str, width: usize) -> String {
    truncate_str(&printable(text), width, "…").into_owned()
}

/// Columns in line; numbers, where `right` says so, to the right.
pub(crate) fn in_columns(header: &[&str], right: &[usize], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().map(|name| printable(name))).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for index in right {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>().trim_end().to_owned()
}

/// Progress on a terminal; nothing anywhere else.
pub(super) fn bar(bytes: u64, doing: &'static str) -> ProgressBar {
    let template = "{msg} {bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style).with_message(doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_reaches_the_terminal_as_a_command() {
        assert_eq!(printable("\u{1b}[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(printable("gpj\u{202e}.exe"), "gpj\\u{202e}.exe");
        let cell = |json: &str, width| cell(&serde_json::from_str(json).unwrap(), width);
        assert_eq!(cell(r#""a\nb""#, 10), "a\\nb");
        assert_eq!(cell(r#"{"a":1}"#, 10), "{\"a\":1}");
        assert_eq!(cell(r#""größe und mehr""#, 6), "größe…");
        assert_eq!(cell("null", 6), "");
        assert_eq!(cell("1e400", 6), "1e400");
        assert_eq!(cell("0.1234567890123456789", 30), "0.1234567890123456789");
    }

    #[test]
    fn numbers_stand_to_the_right() {
        let rows = vec![vec!["1".into(), "a".into()], vec!["100".into(), "語".into()]];
        assert_eq!(in_columns(&["ID", "FILE"], &[0], rows), " ID  FILE\n  1  a\n100  語");
    }
}
