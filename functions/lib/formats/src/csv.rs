//! CSV: RFC 4180, strictly, and what spreadsheets really write.

mod dialect;
mod header;
mod record;
mod regular;

use crate::error::{DataError, Error, Result};
use crate::limits::Limits;
use crate::output::Output;
use crate::source::open_text;
use crate::summary::{ColumnSummary, Dialect, Summary};
use crate::window::Window;
use crate::writer::{Column, ColumnType, Field, PageCompressor, TableWriter};
use dataset_types::FailureCode;
use dataset_types::Format;
use header::Header;
use record::{Cell, Fault, FaultKind, Step};
use regular::Index;
use std::io::Read;

pub(crate) fn convert(
    input: impl Read,
    out: &mut impl Output,
    compressor: &mut PageCompressor,
    limits: &Limits,
) -> Result<Summary> {
    let mut window = open_text(input, Format::Csv, limits)?;
    let delimiter = dialect::find_delimiter(&mut window, limits)?;
    let Header { names, notices } = header::read(&mut window, delimiter, limits)?;
    let fields: Vec<Field<'_>> =
        names.iter().map(|name| Field { name, kind: ColumnType::Text, is_nullable: false, has_long: false }).collect();
    let mut table = TableWriter::new(out, &fields, compressor, limits)?;
    let mut rows = Rows { window, delimiter, limits, names: &names, index: Index::default(), rows: 0 };
    loop {
        let at_end = rows.window.at_end();
        let turn = rows.take(table.columns())?;
        table.flush_full_pages(turn.rows, turn.rows * names.len(), turn.bytes)?;
        if turn.is_last && at_end {
            break;
        }
        if turn.is_last {
            rows.grow()?;
        }
    }
    if rows.rows == 0 {
        let message =
            "expected a row under the header, found the end of the file; add at least one row and upload it again";
        return Err(DataError::new(FailureCode::NoRows, message).into());
    }
    let rows = table.close()?;
    let columns = names.into_iter().map(|name| ColumnSummary { name, kind: ColumnType::Text }).collect();
    let dialect = Dialect { delimiter: (delimiter != dialect::NO_DELIMITER).then_some(delimiter) };
    Ok(Summary { columns, rows, dialect: Some(dialect), notices })
}

/// The rows under the header.
struct Rows<'a, R> {
    window: Window<R>,
    delimiter: u8,
    limits: &'a Limits,
    names: &'a [String],
    index: Index,
    /// Rows that are complete.
    rows: u64,
}

/// How many chunks' worth of a window is taken before the table is told.
const MAX_TURN_CHUNKS: usize = 4;

/// What was taken of a window at once.
struct Turn {
    rows: usize,
    bytes: usize,
    /// No complete row is left in the window.
    is_last: bool,
}

impl<R: Read> Rows<'_, R> {
    /// Takes complete rows of the window, as many as may be taken before the
    /// table is told, and of a window at the file's end the last one, too.
    fn take(&mut self, columns: &mut [Column]) -> Result<Turn> {
        let text = sound(&self.window);
        // A window that has held a huge row may hold millions of short ones behind it.
        let text = &text[..text.len().min(MAX_TURN_CHUNKS * self.limits.chunk_bytes)];
        self.index.build(text, self.delimiter);
        let taken = self.index.take(text, self.delimiter, columns, self.limits.max_row_bytes);
        let mut turn = Turn { rows: taken.rows, bytes: taken.end, is_last: false };
        self.window.consume(taken.end);
        self.rows += taken.rows as u64;
        match self.take_one(columns)? {
            Step::Record { end } => {
                self.window.consume(end);
                self.rows += 1;
                turn.rows += 1;
                turn.bytes += end;
            }
            Step::Blank { end } => self.window.consume(end),
            Step::NeedMore | Step::End => turn.is_last = true,
        }
        Ok(turn)
    }

    /// Takes one record byte by byte, or says what is wrong with it.
    fn take_one(&self, columns: &mut [Column]) -> Result<Step> {
        let bytes = self.window.bytes();
        let bad_at = self.window.bad().map_or(usize::MAX, |(at, _)| at);
        // A row may have far more cells than there are columns; they are only counted.
        let (mut cells, mut width) = (Vec::new(), 0);
        let step = record::record(bytes, 0, self.window.at_end(), self.delimiter, |index, cell| {
            width = index + 1;
            if width <= columns.len() {
                cells.push(cell);
            }
            if cell.whole_end(bytes) >= bad_at { Err(FaultKind::BadByte) } else { Ok(()) }
        });
        match step {
            Ok(Step::Record { end }) if end > self.limits.max_row_bytes => Err(self.row_too_large()),
            Ok(Step::Record { .. }) if width != columns.len() => Err(self.error(&wrong_width(width, columns.len()))),
            Ok(step @ Step::Record { .. }) => {
                for (cell, column) in cells.iter().zip(columns) {
                    push(bytes, *cell, column);
                }
                Ok(step)
            }
            Ok(step) => Ok(step),
            Err(fault) => Err(self.error(&fault)),
        }
    }

    fn grow(&mut self) -> Result<()> {
        if self.window.bytes().len() > self.limits.max_row_bytes {
            return Err(self.row_too_large());
        }
        self.window.grow()
    }

    fn error(&self, fault: &Fault) -> Error {
        let error = match (fault.kind, self.window.bad()) {
            // A byte that is no text comes before what else is wrong behind it.
            (_, Some((at, kind))) if fault.kind == FaultKind::BadByte || at <= fault.at => {
                self.window.bad_byte(at, kind)
            }
            (kind, _) => record::describe(kind, self.names.len()).at_line(self.window.line_at(fault.at)),
        };
        let name = self.names.get(fault.column).map(String::as_str);
        error.at_row(self.rows + 1).at_column(fault.column, name).into()
    }

    fn row_too_large(&self) -> Error {
        // A quote that is never closed makes the rest of the file one cell.
        let most = self.limits.max_row_bytes;
        DataError::new(FailureCode::RowTooLarge,
            format!(
                "expected a row of at most {most} bytes, found more; look for a quote that is not closed, or shorten the row"
            ),
        )
        .at_row(self.rows + 1)
        .at_line(self.window.line_at(0))
        .into()
    }
}

/// What of the window the regular way may look at: not beyond a byte that is
/// no text, nor at a last CR while an LF may follow it.
fn sound<R: Read>(window: &Window<R>) -> &[u8] {
    let bytes = window.bytes();
    match window.bad() {
        Some((bad, _)) => &bytes[..bad],
        None if !window.at_end() => bytes.strip_suffix(b"\r").unwrap_or(bytes),
        None => bytes,
    }
}

fn push(bytes: &[u8], cell: Cell, column: &mut Column) {
    let Some(cells) = column.texts() else { return };
    let begin = cells.begin_cell();
    let mut from = cell.start;
    if cell.escaped {
        // Quotes stand in pairs, each of which means one.
        let mut quotes = memchr::memchr_iter(b'"', &bytes[cell.start..cell.end]);
        while let (Some(_), Some(second)) = (quotes.next(), quotes.next()) {
            cells.append(bytes, from, cell.start + second);
            from = cell.start + second + 1;
        }
    }
    cells.append(bytes, from, cell.end);
    cells.end_cell(begin);
}

fn wrong_width(found: usize, expected: usize) -> Fault {
    let (kind, column) = if found < expected {
        (FaultKind::TooFewFields(found), found)
    } else {
        (FaultKind::TooManyFields(found), expected)
    };
    Fault { kind, at: 0, column }
}

#[cfg(test)]
mod tests;
