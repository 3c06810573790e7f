//! What a person sees of datasets.

use super::remote::Trouble;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use console::truncate_str;
use dataset_core::upload::is_deceptive;
use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::value::RawValue;

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

/// An answer about one dataset.
#[derive(Deserialize)]
pub(super) struct OneDataset {
    pub(super) dataset: Dataset,
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

    /// Everything a person may want to know of it.
    pub(super) fn details(&self) -> String {
        let mut lines = vec![format!("{}: {}", printable(&self.file_name), self.state())];
        let mut line = |name: &str, value: String| lines.push(format!("  {name:<9} {value}"));
        line("dataset", self.id.to_string());
        line("group", self.dataset_group_id.to_string());
        line("size", self.size());
        line("created", self.created());
        if self.version_number > 0 {
            line("version", self.version_number.to_string());
            line("rows", self.row_count.unwrap_or(0).to_string());
            let columns = self.column_names.iter().flatten().map(|name| printable(name));
            line("columns", columns.collect::<Vec<_>>().join(", "));
        }
        if let Some(failure) = &self.failure {
            line("failure", format!("{} ({})", printable(&failure.message), failure.code));
        }
        lines.join("\n")
    }

    pub(super) fn created(&self) -> String {
        self.created_at.get(..19).unwrap_or_default().replace('T', " ")
    }

    /// What it is called in a list.
    pub(super) fn state(&self) -> &str {
        if self.is_deleted { "deleted" } else { &self.status }
    }

    pub(super) fn size(&self) -> String {
        DecimalBytes(self.file_size).to_string()
    }
}

pub(super) fn counted(number: u64, noun: &str) -> String {
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
pub(super) fn cell(value: &RawValue, width: usize) -> String {
    let text = match value.get() {
        "null" => String::new(),
        json => serde_json::from_str(json).unwrap_or_else(|_| json.to_owned()),
    };
    short(&text, width)
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
        let cell = |json: &str, width| cell(&RawValue::from_string(json.to_owned()).unwrap(), width);
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
