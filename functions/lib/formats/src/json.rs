//! JSON: an array of objects, or JSON Lines, streamed.
//!
//! The columns are the union of the objects' keys in order of first sight, each of the narrowest type that
//! loses nothing of any value. Both are known for certain only at the end of the file. So the start of the
//! file is looked at first, and rows are written as it suggests; a row that does not fit makes the rest be
//! read for its columns alone, and the file once more, to be written. Most files are read once, none more
//! than twice.

mod columns;
mod describe;
mod object;
mod rows;
mod scan;
mod value;

use crate::error::{DataError, Error, Result};
use crate::limits::Limits;
use crate::output::Output;
use crate::source::{Source, open_text};
use crate::summary::Summary;
use crate::writer::{PageCompressor, TableWriter};
use columns::Columns;
use dataset_types::FailureCode;
use dataset_types::Format;
use dataset_types::notice::{Notice, NoticeCode};
use rows::Rows;
pub(crate) use scan::unescape;
use std::io::Read;
pub(crate) use value::{Parsed, decimal, number};

pub(crate) fn convert<S: Source>(
    source: &mut S,
    out: &mut impl Output,
    compressor: &mut PageCompressor,
    limits: &Limits,
) -> Result<Summary> {
    let mut columns = Columns::new(limits);
    let mut rows = open(source, limits)?;
    look_ahead(&mut rows, &mut columns, limits)?;
    let notices = match rows.is_lines() {
        true => vec![Notice::new(NoticeCode::JsonLines, "the file is JSON Lines, one object after another")],
        false => vec![],
    };
    if let Some(rows) = write(&mut rows, &mut columns, out, compressor, limits)? {
        return Ok(Summary { columns: columns.summary(), rows, dialect: None, notices });
    }
    while rows.advance()? {
        columns.see(&rows.row()).map_err(|error| rows.refuse(error))?;
    }
    if columns.is_empty() {
        return Err(nothing_in(&rows).into());
    }
    // Its window need not be held beside the next one.
    drop(rows);
    columns.rewind();
    out.restart()?;
    let mut rows = open(source, limits)?;
    let rows = write(&mut rows, &mut columns, out, compressor, limits)?.ok_or_else(changed)?;
    Ok(Summary { columns: columns.summary(), rows, dialect: None, notices })
}

fn open<'a, S: Source>(source: &mut S, limits: &'a Limits) -> Result<Rows<'a, S::Reader>> {
    Rows::begin(open_text(source.open()?, Format::Json, limits)?, limits)
}

/// Learns the columns of the first rows. What is wrong with them will be found when they are written.
fn look_ahead<R: Read>(rows: &mut Rows<'_, R>, columns: &mut Columns<'_>, limits: &Limits) -> Result<()> {
    rows.fill(limits.look_ahead_bytes)?;
    let start = rows.place();
    while rows.advance_within() && columns.see(&rows.row()).is_ok() {}
    rows.go_back(start);
    columns.rewind();
    Ok(())
}

/// Writes the rows in columns as they are known so far, and says how many
/// there were; `None` behind the first that does not fit.
fn write<R: Read>(
    rows: &mut Rows<'_, R>,
    columns: &mut Columns<'_>,
    out: &mut impl Output,
    compressor: &mut PageCompressor,
    limits: &Limits,
) -> Result<Option<u64>> {
    if columns.is_empty() {
        // The first rows have no keys, or there is no whole row among the first bytes.
        return Ok(None);
    }
    let mut table = TableWriter::new(out, &columns.fields(), compressor, limits)?;
    let mut batch = Batch::default();
    while rows.advance()? {
        let row = rows.row();
        let at = table.group_rows() + batch.rows;
        if !columns.write(&row, at, table.columns()).map_err(|error| rows.refuse(error))? {
            return Ok(None);
        }
        batch.rows += 1;
        batch.values += row.members.len();
        batch.bytes += row.bytes;
        if batch.bytes >= limits.chunk_bytes {
            let Batch { rows, values, bytes } = std::mem::take(&mut batch);
            table.flush_full_pages(rows, values, bytes)?;
        }
    }
    table.flush_full_pages(batch.rows, batch.values, batch.bytes)?;
    table.close().map(Some)
}

/// Rows that the table has not been told of.
#[derive(Default)]
struct Batch {
    rows: usize,
    values: usize,
    bytes: usize,
}

fn nothing_in<R: Read>(rows: &Rows<'_, R>) -> DataError {
    if rows.count() == 0 {
        DataError::new(FailureCode::NoRows, "expected rows, found an empty array; upload at least one object")
    } else {
        let message = "expected keys, which are the columns, found none in any object; give the objects keys";
        DataError::new(FailureCode::NoColumns, message)
    }
}

/// Stored files never change, so a second reading meets what the first has met.
fn changed() -> Error {
    Error::Io(std::io::Error::other("the file changed while it was being read"))
}

#[cfg(test)]
mod tests;
