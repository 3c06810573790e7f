//! Files in, checked rows out: CSV or JSON to Parquet, and rows back.
//!
//! [`convert`] reads a file from its start, checks every row, and writes Parquet. It holds a bounded part of
//! the file at a time ([`Limits`]), and it stops at the first thing that is wrong with an [`Error::Data`]
//! that says what and where. [`Table`] reads rows back by ranges, and [`diff`] compares two. Nothing here
//! knows where files live.

mod convert;
mod csv;
mod encoding;
mod encodings;
mod error;
mod json;
mod limits;
mod lookalikes;
mod names;
mod outline;
mod output;
mod rows;
mod schema;
mod simd;
mod source;
mod summary;
#[cfg(test)]
mod testing;
mod thrift;
mod window;
mod writer;

pub use convert::convert;
pub use error::{DataError, Error, Result, Violations};
pub use limits::Limits;
pub use output::Output;
pub use rows::{
    Change, ColumnStats, Difference, Examples, Export, Matches, Ranges, Retyped, RowPage, Search, Table, diff,
};
pub use schema::{RowSchema, SchemaError};
pub use source::{Head, OnDisk, Source};
pub use summary::{ColumnSummary, Summary};
pub use writer::ColumnType;
