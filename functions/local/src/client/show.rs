//! What a person sees of datasets.

use super::remote::Trouble;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use console::truncate_str;
use dataset_core::upload::is_deceptive;
use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::Value;

/// As the API tells of it.
#[derive(Deserialize)]
pub(super) struct Dataset {
    pub(super) id: u64,
    pub(super) dataset_group_id: u64,
    pub(super) version_number: i64,
    pub(super) column_names: Option<Vec<String>>,
    pub(super) is_deleted: bool,
    pub(super) status: String,
    pub(super) file_name: String,
    pub(super) file_size: u64,
    pub(super) row_count: Option<u64>,
    pub(super) created_at: String,
    pub(super) failure: Option<Failure>,
}

#[derive(Deserialize)]
pub(super) struct Failure {
    code: String,
    message: String,
}

impl Dataset {
    pub(super) fn summary(&self) -> String {
        let columns = self.column_names.as_ref().map_or(0, Vec::len) as u64;
        format!(
            "{}: version {} of group {} (dataset {}), {}, {}",
            printable(&self.file_name),
            self.version_number,
            self.dataset_group_id,
            self.id,
            counted(self.row_count.unwrap_or(0), "row"),
            counted(columns, "column"),
        )
    }

    /// What it is called in a list.
    pub(super) fn state(&self) -> &str {
        if self.is_deleted { "deleted" } else { &self.status }
    }

    pub(super) fn size(&self) -> String {
        DecimalBytes(self.file_size).to_string()
    }
}

fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

impl Failure {
    /// Its message says where in the file it is.
    pub(super) fn of(self, file: &str) -> Trouble {
        Trouble::Failed { file: printable(file), code: self.code, message: printable(&self.message) }
    }
}

/// Text from elsewhere, with what could mislead a terminal or its reader made visible.
pub(super) fn printable(text: &str) -> String {
    if !text.chars().any(is_deceptive) {
        return text.to_owned();
    }
    text.chars().map(|c| if is_deceptive(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// A value as a cell of a table.
pub(super) fn cell(value: &Value, width: usize) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    };
    truncate_str(&text, width, "…").into_owned()
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
    use serde_json::json;

    #[test]
    fn nothing_in_a_cell_reaches_the_terminal_as_a_command() {
        assert_eq!(printable("\u{1b}[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(printable("gpj\u{202e}.exe"), "gpj\\u{202e}.exe");
        assert_eq!(cell(&json!("a\nb"), 10), "a\\nb");
        assert_eq!(cell(&json!({"a": 1}), 10), "{\"a\":1}");
        assert_eq!(cell(&json!("größe und mehr"), 6), "größe…");
    }

    #[test]
    fn numbers_stand_to_the_right() {
        let rows = vec![vec!["1".into(), "a".into()], vec!["100".into(), "語".into()]];
        assert_eq!(in_columns(&["ID", "FILE"], &[0], rows), " ID  FILE\n  1  a\n100  語");
    }
}
