//! JSON: an array of objects, or JSON Lines, streamed.
//!
//! The columns are the union of the objects' keys in order of first sight, each of the narrowest type that
//! loses nothing of any value. Both are known for certain only at the end of the file. So the start of the
//! file is looked at first, of a large one the end, too, and rows are written as they suggest; a row that does not
//! fit makes the rest be read for its columns alone, and the file once more, to be written. So it is, too, if the end
//! has misled. Most files are read once, none more than twice.

mod columns;
mod describe;
mod number;
mod object;
mod rows;
mod scan;
mod value;
mod wrapped;

use crate::convert::{Refusal, Remedy, Taken};
use crate::error::{DataError, Error, Result};
use crate::limits::Limits;
use crate::output::Output;
use crate::schema::{Objects, RowSchema};
use crate::source::{Source, open_text};
use crate::summary::Summary;
use crate::window::Window;
use crate::writer::{PageCompressor, TableWriter, Written};
use columns::{Columns, Expected};
use dataset_types::FailureCode;
use dataset_types::Format;
use dataset_types::dialect::{Dialect, RowsAt};
use dataset_types::notice::{Notice, NoticeCode};
use encoding_rs::UTF_8;
pub(crate) use number::{all_digits, number};
pub(crate) use rows::Row;
use rows::{Rows, Start};
pub(crate) use scan::{TokenKind, unescape};
use std::io::Read;
pub(crate) use value::Parsed;
use wrapped::Shape;

pub(crate) fn convert<S: Source>(
    source: &mut S,
    said: &Dialect,
    out: &mut impl Output,
    compressor: &mut PageCompressor,
    limits: &Limits,
    schema: Option<&RowSchema>,
) -> Result<Taken, Refusal> {
    let rows_at = said.rows_at.as_ref().filter(|rows_at| !rows_at.as_str().is_empty());
    let start = match rows_at {
        None => Start::File { may_be_one: said.json_lines == Some(true) },
        Some(rows_at) => match wrapped::find(text(source, said, limits)?, rows_at, limits)? {
            Some(at) => Start::Array(at),
            None => return Err(no_such_rows(rows_at).into()),
        },
    };
    let mut columns = Columns::new(limits);
    let mut rows = match Rows::begin(text(source, said, limits)?, start, limits) {
        Err(Error::Data(error)) if error.code == FailureCode::SingleObject => {
            return Err(match wrapped::shape(text(source, said, limits)?, limits) {
                Ok(shape) => lone_object(*error, shape, said),
                Err(fault) => first_fault(source, said, limits)?.unwrap_or(fault).into(),
            });
        }
        rows => rows?,
    };
    look_ahead(&mut rows, &mut columns, limits)?;
    let end = match rows.encoding() == UTF_8.into() && !rows.is_all() {
        true => source.tail(END_BYTES, LARGE_BYTES)?,
        false => None,
    };
    let end = end.and_then(|end| look_at_end(end, &columns, limits));
    let (encoding, json_lines) = (rows.encoding(), rows.is_lines());
    let taken = |columns: Columns<'_>, written: Written| {
        let notices = match json_lines && said.json_lines != Some(true) {
            true => vec![Notice::new(NoticeCode::JsonLines, "the file is JSON Lines, one object after another")],
            false => vec![],
        };
        let dialect = Dialect {
            encoding: Some(encoding),
            rows_at: said.rows_at.clone().filter(|_| !json_lines),
            json_lines: Some(json_lines),
            ..Dialect::default()
        };
        let (columns, rows) = (columns.summary(&written.empty), written.rows);
        let summary = Summary { columns, rows, dialect, notices };
        Ok(Taken { summary, filled_in: None })
    };
    let expected = columns.expect(end.as_ref());
    if let Some(written) = write(&mut rows, &mut columns, &expected, out, compressor, limits, schema)? {
        return taken(columns, written);
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
    out.restart().map_err(Error::from)?;
    let mut rows = Rows::begin(text(source, said, limits)?, start, limits)?;
    let expected = columns.expect(None);
    let written = write(&mut rows, &mut columns, &expected, out, compressor, limits, schema)?.ok_or_else(changed)?;
    taken(columns, written)
}

fn text<S: Source>(source: &mut S, said: &Dialect, limits: &Limits) -> Result<Window<S::Reader>> {
    open_text(source, Format::Json, said.encoding, limits)
}

fn no_such_rows(rows_at: &RowsAt) -> DataError {
    let message = format!(
        "expected a JSON file with an array of objects at {}, found none; give the place of the rows as a JSON Pointer",
        rows_at.as_str()
    );
    DataError::new(FailureCode::NoSuchRows, message)
}

/// Why a file of one object is refused, and where in it rows may be.
fn lone_object(error: DataError, shape: Shape, said: &Dialect) -> Refusal {
    match shape {
        Shape { is_by_columns: true, .. } => {
            let message = "expected rows, found an object whose members are columns; write rows, in pandas with to_json(orient='records')";
            DataError { code: FailureCode::TableByColumns, message: message.to_owned(), ..error }.into()
        }
        Shape { arrays, .. } => {
            let within = arrays.into_iter().map(|rows_at| Remedy {
                why: format!("the rows are in the array at {}", rows_at.as_str()),
                dialect: Dialect { rows_at: Some(rows_at), ..said.clone() },
            });
            let one = Remedy {
                why: "the object is the only row".to_owned(),
                dialect: Dialect { json_lines: Some(true), ..said.clone() },
            };
            Refusal { error: error.into(), remedies: within.chain([one]).collect() }
        }
    }
}

/// Where the first object of a file is broken, as of a row; `None` if nothing in it is, or it is too large for one.
fn first_fault<S: Source>(source: &mut S, said: &Dialect, limits: &Limits) -> Result<Option<Error>> {
    let mut rows = Rows::begin(text(source, said, limits)?, Start::File { may_be_one: true }, limits)?;
    let fault = rows.advance().err();
    Ok(fault.filter(|fault| !matches!(fault, Error::Data(data) if data.code == FailureCode::RowTooLarge)))
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

/// Bytes at the end of a file of so many that are looked at.
const END_BYTES: u64 = 256 << 10;
const LARGE_BYTES: u64 = 16 << 20;

/// The columns of rows at the end of a file, if there are any that seem to be such. Nothing depends on it: where it is
/// wrong, the file is read twice.
fn look_at_end<'a>(mut end: Vec<u8>, columns: &Columns<'_>, limits: &'a Limits) -> Option<Columns<'a>> {
    const MAX_TRIES: usize = 100;
    let braces: Vec<usize> = memchr::memchr_iter(b'{', &end).filter(|at| *at > 0).take(MAX_TRIES).collect();
    braces.into_iter().find_map(|at| {
        // As the first of an array.
        end[at - 1] = b'[';
        let mut window = Window::new(&end[at - 1..], limits.chunk_bytes);
        window.expect_more();
        window.fill(end.len()).ok()?;
        let mut rows = Rows::begin(window, Start::File { may_be_one: false }, limits).ok()?;
        let mut found = Columns::new(limits);
        let mut is_found = false;
        while rows.advance_within() && columns.are_of(&rows.row()) && found.see(&rows.row()).is_ok() {
            is_found = true;
        }
        is_found.then_some(found)
    })
}

/// Writes the rows in the columns that are expected; `None` behind the first that does not fit, or if other columns
/// have been found in the end.
fn write<R: Read>(
    rows: &mut Rows<'_, R>,
    columns: &mut Columns<'_>,
    expected: &[Expected],
    out: &mut impl Output,
    compressor: &mut PageCompressor,
    limits: &Limits,
    schema: Option<&RowSchema>,
) -> Result<Option<Written>> {
    if columns.is_empty() {
        // The first rows have no keys, or there is no whole row among the first bytes.
        return Ok(None);
    }
    let fields: Vec<_> = expected.iter().map(Expected::field).collect();
    let mut table = TableWriter::new(out, &fields, compressor, limits)?;
    let mut batch = Batch::default();
    let mut check = schema.map(Objects::new);
    while rows.advance()? {
        let row = rows.row();
        let at = table.group_rows() + batch.rows;
        if !columns.write(&row, at, table.columns()).map_err(|error| rows.refuse(error))? {
            return Ok(None);
        }
        if let Some(check) = &mut check {
            check.check(&row, rows.count(), |at| rows.line_at(at))?;
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
    if let Some(check) = check {
        check.finish()?;
    }
    if !columns.are(expected) {
        return Ok(None);
    }
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
    if rows.count() == 0 && rows.is_cut() {
        DataError::new(
            FailureCode::RowTooLarge,
            "expected a whole row in the start of the file, found none; give more of it",
        )
    } else if rows.count() == 0 {
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
