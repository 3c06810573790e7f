//! One file to one Parquet file.

use crate::error::Result;
use crate::limits::Limits;
use crate::output::Output;
use crate::source::Source;
use crate::summary::Summary;
use crate::writer::with_threads;
use crate::{csv, json};
use dataset_types::Format;

/// Reads `source`, checks every row of it, and writes Parquet to `out`.
///
/// # Errors
/// [`Error::Data`](crate::Error::Data) at the first thing that is wrong with
/// the file. What was written to `out` by then is to be thrown away.
pub fn convert(format: Format, source: &mut impl Source, out: &mut impl Output, limits: &Limits) -> Result<Summary> {
    with_threads(limits.threads, |compressor| match format {
        Format::Csv => csv::convert(source.open()?, out, compressor, limits),
        Format::Json => json::convert(source, out, compressor, limits),
    })
}
