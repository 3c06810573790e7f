//! What was read and written.

use crate::writer::ColumnType;
use dataset_types::notice::Notice;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub columns: Vec<ColumnSummary>,
    pub rows: u64,
    /// Of a CSV file.
    pub dialect: Option<Dialect>,
    /// What was unusual, in the order of the file.
    pub notices: Vec<Notice>,
}

/// How a CSV file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The character between fields; none where the table has one column and a line is a cell.
    pub delimiter: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSummary {
    pub name: String,
    pub kind: ColumnType,
}
