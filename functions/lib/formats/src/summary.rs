//! What was read and written.

use crate::writer::ColumnType;
use dataset_types::dialect::Dialect;
use dataset_types::notice::Notice;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub columns: Vec<ColumnSummary>,
    pub rows: u64,
    /// All that can be said of how the file is written.
    pub dialect: Dialect,
    /// What was unusual, in the order of the file.
    pub notices: Vec<Notice>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSummary {
    pub name: String,
    pub kind: ColumnType,
    /// Cells that are null or a text of no characters.
    pub empty: u64,
}
