//! Files in, checked rows out: CSV or JSON to Parquet, and pages of rows back.
//!
//! [`convert`] reads a file from its start, checks every row, and writes
//! Parquet. It holds a bounded part of the file at a time
//! ([`Limits`]), and it stops at the first thing that is wrong with an
//! [`Error::Data`] that says what and where. [`read_page`] reads rows back by
//! ranges. Nothing here knows where files live.

mod convert;
mod csv;
mod error;
mod json;
mod limits;
mod page;
mod simd;
mod source;
#[cfg(test)]
mod testing;
mod utf16;
mod window;
mod writer;

pub use convert::{ColumnSummary, Format, Output, Summary, convert};
pub use error::{DataError, Error, Result};
pub use limits::Limits;
pub use page::{Cell, Page, Ranges, read_page};
pub use source::Source;
pub use writer::Kind;
