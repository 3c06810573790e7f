//! One file to one Parquet file.

use crate::error::Result;
use crate::limits::Limits;
use crate::source::Source;
use crate::writer::{Kind, with_threads};
use crate::{csv, json};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Json,
}

/// What was read and written.
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

/// Where the Parquet file goes.
pub trait Output: Write + Send {
    /// Forgets what has been written: the file comes again from its start.
    ///
    /// # Errors
    /// If what has been written can't be undone.
    fn restart(&mut self) -> io::Result<()>;
}

/// Reads `source`, checks every row of it, and writes Parquet to `out`.
///
/// # Errors
/// [`Error::Data`](crate::Error::Data) at the first thing that is wrong with
/// the file. What was written to `out` by then is to be thrown away.
pub fn convert(format: Format, source: &mut impl Source, out: &mut impl Output, limits: &Limits) -> Result<Summary> {
    with_threads(limits.threads, |press| match format {
        Format::Csv => csv::convert(source.open()?, out, press, limits),
        Format::Json => json::convert(source, out, press, limits),
    })
}

impl Output for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

impl Output for File {
    fn restart(&mut self) -> io::Result<()> {
        self.set_len(0)?;
        self.seek(SeekFrom::Start(0)).map(drop)
    }
}

/// For who wants to know what would be written, and no more.
impl Output for io::Sink {
    fn restart(&mut self) -> io::Result<()> {
        Ok(())
    }
}
