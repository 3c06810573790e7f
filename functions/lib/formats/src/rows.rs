//! Reads rows back: pages, search, export, statistics of columns, comparison.

mod batch;
mod cell;
mod cells;
mod column;
mod column_stats;
mod diff;
mod export;
mod fetched;
mod integers;
mod proposed_schema;
mod reader;
mod search;
mod stored;
mod table;
mod taken;

pub use column_stats::ColumnStats;
pub use diff::{Change, Difference, Examples, Retyped, diff};
pub use export::Export;
pub use reader::Ranges;
pub use search::{Matches, Search};
pub use table::{RowPage, Table};

#[cfg(test)]
mod tests;
