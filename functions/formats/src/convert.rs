//! One file to one Parquet file.

use crate::error::Result;
use crate::limits::Limits;
use crate::sink::Summary;
use crate::source::Source;
use crate::{csv, json};
use std::io::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Json,
}

/// Reads `source`, checks every row of it, and writes Parquet to `out`.
///
/// # Errors
/// [`Error::Data`](crate::Error::Data) at the first thing that is wrong with
/// the file. What was written to `out` by then is to be thrown away.
pub fn convert<W: Write + Send>(format: Format, mut source: impl Source, out: W, limits: &Limits) -> Result<Summary> {
    match format {
        Format::Csv => csv::convert(source.open()?, out, limits),
        Format::Json => json::convert(&mut source, out, limits),
    }
}
