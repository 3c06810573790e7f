//! Rows read back: by page, by what they have in them, all of them as a file or
//! in figures, and beside those of another version.

mod cell;
mod diff;
mod export;
mod fetched;
mod figures;
mod reader;
mod search;
mod stored;
mod table;

pub use diff::{Change, Difference, Examples, diff};
pub use export::Export;
pub use figures::Figures;
pub use reader::Ranges;
pub use table::{Page, Table};

#[cfg(test)]
mod tests;
