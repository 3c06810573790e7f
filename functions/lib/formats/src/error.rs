//! Errors in files, with their place.

use dataset_types::dataset::{Column, Failure};
use dataset_types::dialect::Suggestion;
use dataset_types::schema::Violation;
use dataset_types::{ErrorCode, FailureCode};
use std::io;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is invalid. A retry does not help.
    #[error("{0}")]
    Data(Box<DataError>),
    /// Reading the file, or writing the rows, failed.
    #[error("the file could not be read, or its rows not be written")]
    Io(#[from] io::Error),
    /// The rows that were asked for take too much memory; ask for fewer.
    #[error("the rows are too large to be read at once")]
    PageTooLarge,
    /// The column can't be the key of a comparison.
    #[error("{message}")]
    Key { code: ErrorCode, message: String },
    /// The Parquet library refused what it was given.
    #[error("the rows could not be encoded or decoded as Parquet")]
    Parquet(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The first thing that is wrong in a file. No message repeats what a cell holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DataError {
    pub code: FailureCode,
    /// What was expected, what was found, and what to do.
    pub message: String,
    /// 1 is the first data row.
    pub row: Option<u64>,
    /// A physical line, ended by LF, CRLF or CR; 1 is the first.
    pub line: Option<u64>,
    /// 1 is the first column.
    pub column: Option<u64>,
    pub column_name: Option<Box<str>>,
    /// Dialects in which the file can be read.
    pub suggestions: Box<[Suggestion]>,
    /// Where the schema is not fulfilled.
    pub violations: Option<Box<Violations>>,
}

/// Where a file does not fulfil its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations {
    /// The first of them.
    pub first: Vec<Violation>,
    /// How many there are in all.
    pub count: u64,
}

impl DataError {
    pub(crate) fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            row: None,
            line: None,
            column: None,
            column_name: None,
            suggestions: Box::default(),
            violations: None,
        }
    }

    pub(crate) fn at_row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }

    pub(crate) fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// `index` counts from 0.
    pub(crate) fn at_column(mut self, index: usize, name: Option<&str>) -> Self {
        self.column = Some(index as u64 + 1);
        self.column_name = name.map(Into::into);
        self
    }
}

/// A longer column name is cut in a failure.
const MAX_NAME_CHARS: usize = 255;

/// What clients see. The message has its place in words, for readers of the message alone.
impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        let parts = [("row", error.row), ("line", error.line), ("column", error.column)];
        let mut place: Vec<String> = parts.iter().filter_map(|(name, n)| n.map(|n| format!("{name} {n}"))).collect();
        let column_name = error.column_name.as_deref().map(shortened);
        if let (None, Some(name)) = (error.column, &column_name) {
            place.push(format!("column {name:?}"));
        }
        let message = match &place[..] {
            [] => error.message,
            place => format!("{}: {}", place.join(", "), error.message),
        };
        Self {
            code: error.code.name().to_owned(),
            message,
            row: error.row,
            line: error.line,
            column: column_name.map(Column::Name).or(error.column.map(Column::Index)),
            suggestions: error.suggestions.into(),
            schema_version: None,
            violation_count: error.violations.as_ref().map(|violations| violations.count),
            violations: error.violations.map(|violations| violations.first).unwrap_or_default(),
        }
    }
}

/// A failure is stored and sent, so a name of megabytes is cut.
pub(crate) fn shortened(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
#[test]
fn a_name_is_shown_as_far_as_it_can_be() {
    assert_eq!(shortened(&"é".repeat(255)), "é".repeat(255));
    assert_eq!(shortened(&"é".repeat(100_000)), "é".repeat(255) + "…");
}

impl From<DataError> for Error {
    fn from(error: DataError) -> Self {
        Error::Data(Box::new(error))
    }
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(error: parquet::errors::ParquetError) -> Self {
        match error {
            // An I/O error of the output, and no error of Parquet.
            parquet::errors::ParquetError::External(e) => match e.downcast::<io::Error>() {
                Ok(io) => Error::Io(*io),
                Err(other) => Error::Parquet(other),
            },
            other => Error::Parquet(Box::new(other)),
        }
    }
}
