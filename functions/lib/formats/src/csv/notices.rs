//! What is unusual in the rows of a file, counted while they are read.

use crate::window::Window;
use dataset_types::notice::{Notice, NoticeCode};
use std::io::Read;

/// How many lines of short rows are named.
const MAX_LINES: usize = 3;

#[derive(Default)]
pub(super) struct Unusual {
    pub(super) quotes_in_text: Seen,
    pub(super) blank_rows: Seen,
    pub(super) blank_lines: Seen,
    pub(super) nul_in_text: Seen,
    pub(super) control_z: Seen,
    pub(super) short_rows: ShortRows,
}

/// How often something was met, and where at first.
#[derive(Clone, Default)]
pub(super) struct Seen {
    count: u64,
    row: Option<u64>,
    line: Option<u64>,
}

impl Seen {
    /// Notes it at `at` of the window, in row `row`, where it is in one.
    pub(super) fn add<R: Read>(&mut self, count: u64, row: Option<u64>, window: &Window<R>, at: usize) {
        if count > 0 && self.count == 0 {
            (self.row, self.line) = (row, Some(window.line_at(at)));
        }
        self.count += count;
    }

    fn notice(&self, code: NoticeCode, message: impl Fn(u64) -> String) -> Option<Notice> {
        let Self { count, row, line } = *self;
        (count > 0).then(|| Notice { count: Some(count), row, line, ..Notice::new(code, message(count)) })
    }
}

/// Rows that got empty cells at their end.
#[derive(Default)]
pub(crate) struct ShortRows {
    count: u64,
    lines: Vec<u64>,
}

impl ShortRows {
    pub(super) fn add(&mut self, line: impl FnOnce() -> u64) {
        self.count += 1;
        if self.lines.len() < MAX_LINES {
            self.lines.push(line());
        }
    }

    pub(crate) fn describe(&self) -> Option<String> {
        let lines: Vec<String> = self.lines.iter().map(u64::to_string).collect();
        let first = if self.count as usize > MAX_LINES { "first at " } else { "at " };
        let lines = format!(
            "{first}line{} {}",
            plural(self.lines.len() as u64),
            dataset_types::in_words(lines.iter().map(String::as_str), "and")
        );
        (self.count > 0)
            .then(|| format!("rows that are too short get empty cells at their end: {}, {lines}", self.count))
    }
}

impl Unusual {
    /// In the order in which they tend to be met.
    pub(super) fn notices(&self) -> Vec<Notice> {
        let Self { quotes_in_text, blank_rows, blank_lines, nul_in_text, control_z, .. } = self;
        let fields = |n: u64| format!("{n} field{}", plural(n));
        [
            quotes_in_text.notice(NoticeCode::QuotesInText, |n| {
                format!(
                    "{}, without quotes around {}, {} quotes within, which are text",
                    fields(n),
                    if n == 1 { "it" } else { "them" },
                    if n == 1 { "has" } else { "have" }
                )
            }),
            nul_in_text.notice(NoticeCode::NulInText, |n| {
                format!("{} {} a NUL character within, which is kept", fields(n), if n == 1 { "has" } else { "have" })
            }),
            blank_rows.notice(NoticeCode::BlankRows, |n| {
                format!("in {} every field is empty; {} kept", rows(n), if n == 1 { "it is" } else { "they are" })
            }),
            blank_lines.notice(NoticeCode::BlankLines, |n| {
                format!(
                    "{n} empty line{} {} skipped; an empty cell is written as two quotes",
                    plural(n),
                    if n == 1 { "is" } else { "are" }
                )
            }),
            control_z.notice(NoticeCode::ControlZ, |_| "the file ends with a control-Z, which is left out".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn rows(n: u64) -> String {
    format!("{n} row{}", plural(n))
}

fn plural(n: u64) -> &'static str {
    if n == 1 { "" } else { "s" }
}
