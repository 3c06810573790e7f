//! What was read and written.

use crate::writer::Kind;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub columns: Vec<ColumnSummary>,
    pub rows: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSummary {
    pub name: String,
    pub kind: Kind,
}
