//! Rows read back: by page, by what they have in them, all of them as a file or
//! in figures, and beside those of another version.

mod cell;
mod column_stats;
mod diff;
mod export;
mod fetched;
mod reader;
mod search;
mod stored;
mod table;

pub use column_stats::ColumnStats;
pub use diff::{Change, Difference, Examples, diff};
pub use export::Export;
pub use reader::Ranges;
pub use table::{RowPage, Table};

#[cfg(test)]
mod tests;
