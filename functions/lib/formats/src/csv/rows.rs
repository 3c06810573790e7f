//! The rows under the header.

use super::dialect::Dialect;
use super::header::Header;
use super::notices::{Seen, Unusual};
use super::record::{self, Cell, CellKind, Fault, FaultKind, Step};
use super::regular::{Index, Spots, Syntax};
use crate::error::{DataError, Error, Result};
use crate::limits::Limits;
use crate::output::Output;
use crate::schema::{self, RowSchema};
use crate::window::Window;
use crate::writer::{Column, ColumnType, Field, PageCompressor, TableWriter, Written};
use dataset_types::FailureCode;
use std::io::Read;

/// How many chunks' worth of a window is taken before the table is told.
const MAX_TURN_CHUNKS: usize = 4;

/// How far the fast way looks ahead behind a record that was not regular: there will be more of them.
const MIN_AHEAD_BYTES: usize = 4 << 10;

/// Checks all rows and writes them: what was written, and what was unusual in it.
pub(super) fn write<R: Read>(
    window: Window<R>,
    header: &Header,
    dialect: Dialect,
    out: &mut impl Output,
    compressor: &mut PageCompressor,
    limits: &Limits,
    schema: Option<&RowSchema>,
) -> Result<(Written, Unusual)> {
    let names = &header.names;
    let fields: Vec<Field<'_>> = names
        .iter()
        .map(|name| Field { name, kind: ColumnType::Text, is_open: false, is_nullable: false, has_long: false })
        .collect();
    let mut table = TableWriter::new(out, &fields, compressor, limits)?;
    let mut rows = Rows::new(window, header, dialect, limits, schema);
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
    // Of a head, the first row may be too long to be seen.
    if rows.rows == 0 && rows.window.is_complete() {
        let message =
            "expected a row under the header, found the end of the file; add at least one row and upload it again";
        return Err(DataError::new(FailureCode::NoRows, message).into());
    }
    if let Some(check) = rows.check {
        check.finish()?;
    }
    Ok((table.close()?, rows.unusual))
}

struct Rows<'a, R> {
    window: Window<R>,
    syntax: Syntax,
    limits: &'a Limits,
    names: &'a [String],
    index: Index,
    /// How many bytes the fast way looks at next.
    ahead: usize,
    /// The cells of a record, in a buffer that is used again.
    cells: Vec<Cell>,
    /// Rows that are complete.
    rows: u64,
    unusual: Unusual,
    check: Option<schema::Rows<'a>>,
}

/// What was taken of a window at once.
struct Turn {
    rows: usize,
    bytes: usize,
    /// No complete row is left in the window.
    is_last: bool,
}

impl<'a, R: Read> Rows<'a, R> {
    fn new(
        window: Window<R>,
        header: &'a Header,
        dialect: Dialect,
        limits: &'a Limits,
        schema: Option<&'a RowSchema>,
    ) -> Self {
        let unusual = Unusual { quotes_in_text: header.quotes_in_text.clone(), ..Unusual::default() };
        Self {
            window,
            syntax: Syntax { dialect, line_ends: header.line_ends },
            limits,
            names: &header.names,
            index: Index::new(schema.is_some()),
            ahead: MAX_TURN_CHUNKS * limits.chunk_bytes,
            cells: vec![],
            rows: 0,
            unusual,
            check: schema.map(|schema| schema::Rows::new(schema, &header.names, header.line)),
        }
    }

    /// Takes complete rows of the window, as many as may be taken before the
    /// table is told, and of a window at the file's end the last one, too.
    fn take(&mut self, columns: &mut [Column]) -> Result<Turn> {
        let mut turn = Turn { rows: 0, bytes: 0, is_last: false };
        let mut looked_at = 0;
        if self.syntax.dialect.is_regular() {
            // A window that has held a huge row may hold millions of short ones behind it.
            let text = sound(&self.window, self.ahead);
            looked_at = text.len();
            self.index.build(text, &self.syntax.dialect);
            let taken = self.index.take(text, &self.syntax, columns, self.limits.max_row_bytes);
            let note = |seen: &mut Seen, spots: &Spots| {
                if let Some((rows, at)) = spots.first {
                    seen.add(spots.count, Some(self.rows + rows as u64 + 1), &self.window, at);
                }
            };
            note(&mut self.unusual.blank_rows, &taken.blank_rows);
            note(&mut self.unusual.blank_lines, &taken.blank_lines);
            if let (Some(check), Some(starts)) = (&mut self.check, &self.index.starts) {
                check.check(columns, taken.rows, self.rows + 1, || self.window.lines_at(starts))?;
            }
            (turn.rows, turn.bytes) = (taken.rows, taken.end);
            self.window.consume(taken.end);
            self.rows += taken.rows as u64;
        }
        let fast_end = turn.bytes;
        loop {
            let is_first = turn.bytes == fast_end;
            match self.take_one(columns)? {
                Step::Record { end } => {
                    if let Some(check) = &mut self.check {
                        check.check(columns, 1, self.rows + 1, || vec![self.window.line_at(0)])?;
                    }
                    self.window.consume(end);
                    self.rows += 1;
                    turn.rows += 1;
                    turn.bytes += end;
                }
                Step::Blank { end } => {
                    self.window.consume(end);
                    turn.bytes += end;
                }
                Step::NeedMore | Step::End => {
                    turn.is_last = true;
                    break;
                }
            }
            let enough = if self.syntax.dialect.is_regular() { MIN_AHEAD_BYTES } else { self.limits.chunk_bytes };
            let is_cut = is_first && fast_end < looked_at && turn.bytes > looked_at;
            if is_cut || turn.bytes - fast_end >= enough {
                // A record that was only cut tells nothing of those behind it; another one is seldom alone.
                self.ahead = if is_cut { 2 * self.ahead } else { MIN_AHEAD_BYTES };
                self.ahead = self.ahead.min(MAX_TURN_CHUNKS * self.limits.chunk_bytes);
                break;
            }
        }
        Ok(turn)
    }

    /// Takes one record byte by byte, or says what is wrong with it.
    fn take_one(&mut self, columns: &mut [Column]) -> Result<Step> {
        let mut cells = std::mem::take(&mut self.cells);
        let step = self.read_one(&mut cells, columns);
        cells.clear();
        self.cells = cells;
        step
    }

    fn read_one(&mut self, cells: &mut Vec<Cell>, columns: &mut [Column]) -> Result<Step> {
        let (bytes, dialect) = (self.window.bytes(), &self.syntax.dialect);
        let bad_at = self.window.bad().unwrap_or(usize::MAX);
        // A row may have far more cells than there are columns; they are only counted.
        let mut width = 0;
        let step =
            record::record(bytes, 0, self.window.is_complete(), dialect, self.syntax.line_ends, |index, cell| {
                width = index + 1;
                if width <= columns.len() {
                    cells.push(cell);
                }
                if cell.whole_end() >= bad_at { Err(FaultKind::BadByte) } else { Ok(()) }
            });
        let end = match step {
            Ok(Step::Record { end }) if end > self.limits.max_row_bytes => return Err(self.row_too_large()),
            Ok(Step::Record { end }) => end,
            Ok(step) => {
                let row = self.rows + 1;
                if matches!(step, Step::Blank { .. }) && columns.len() == 1 {
                    self.unusual.blank_lines.add(1, Some(row), &self.window, 0);
                }
                if step == Step::End && !bytes.is_empty() {
                    self.unusual.control_z.add(1, None, &self.window, 0);
                }
                return Ok(step);
            }
            Err(fault) => return Err(self.error(&fault)),
        };
        if width != columns.len() {
            if is_line_of_blanks(bytes, cells, width) {
                return Ok(Step::Blank { end });
            }
            if !dialect.pads || width > columns.len() {
                return Err(self.error(&wrong_width(width, columns.len())));
            }
            self.unusual.short_rows.add(|| self.window.line_at(0));
        }
        self.note(cells);
        let missing = Cell { start: 0, end: 0, kind: CellKind::Plain };
        for (cell, column) in cells.iter().chain(std::iter::repeat(&missing)).zip(columns) {
            let Some(texts) = column.texts() else { continue };
            let begin = texts.begin_cell();
            cell.pieces(self.window.bytes(), &self.syntax.dialect, |from, to| {
                texts.append(self.window.bytes(), from, to);
            });
            texts.end_cell(begin);
        }
        Ok(Step::Record { end })
    }

    /// Notes what is unusual in a record.
    fn note(&mut self, cells: &[Cell]) {
        let (bytes, row) = (self.window.bytes(), Some(self.rows + 1));
        let mut note = |seen: fn(&mut Unusual) -> &mut Seen, is_so: &dyn Fn(&Cell) -> bool| {
            if let Some(first) = cells.iter().find(|cell| is_so(cell)) {
                let count = cells.iter().filter(|cell| is_so(cell)).count() as u64;
                seen(&mut self.unusual).add(count, row, &self.window, first.start);
            }
        };
        note(|unusual| &mut unusual.quotes_in_text, &|cell| cell.kind == CellKind::WithQuotes);
        note(|unusual| &mut unusual.nul_in_text, &|cell| memchr::memchr(0, &bytes[cell.start..cell.end]).is_some());
        if cells.iter().all(|cell| cell.start == cell.end) {
            self.unusual.blank_rows.add(1, row, &self.window, 0);
        }
    }

    fn grow(&mut self) -> Result<()> {
        if self.window.bytes().len() > self.limits.max_row_bytes {
            return Err(self.row_too_large());
        }
        Ok(self.window.grow()?)
    }

    fn error(&self, fault: &Fault) -> Error {
        let error = match self.window.bad() {
            // A byte that is no text comes before what else is wrong behind it.
            Some(at) if fault.kind == FaultKind::BadByte || at <= fault.at => self.window.bad_byte(at),
            _ => record::describe(fault.kind, self.names.len()).at_line(self.window.line_at(fault.at)),
        };
        let name = self.names.get(fault.column).map(String::as_str);
        error.at_row(self.rows + 1).at_column(fault.column, name).into()
    }

    fn row_too_large(&self) -> Error {
        // A quote that is never closed makes the rest of the file one cell.
        let (bytes, Syntax { dialect, line_ends }) = (self.window.bytes(), &self.syntax);
        let ended = record::record(bytes, 0, true, dialect, *line_ends, |_, _| Ok(()));
        let open = ended.err().filter(|fault| fault.kind == FaultKind::UnterminatedQuote);
        let most = self.limits.max_row_bytes;
        let error = DataError::new(FailureCode::RowTooLarge,
            format!(
                "expected a row of at most {most} bytes, found more; look for a quote that is not closed, or shorten the row"
            ),
        )
        .at_row(self.rows + 1);
        match open {
            Some(Fault { at, column, .. }) => {
                let name = self.names.get(column).map(String::as_str);
                error.at_line(self.window.line_at(at)).at_column(column, name)
            }
            None => error.at_line(self.window.line_at(0)),
        }
        .into()
    }
}

/// What of the window the regular way may look at: not beyond a byte that is no text or a NUL, nor at a last CR
/// while an LF may follow it.
fn sound<R: Read>(window: &Window<R>, most: usize) -> &[u8] {
    let bytes = window.bytes();
    let end = window.bad().unwrap_or(bytes.len()).min(most);
    let end = memchr::memchr(0, &bytes[..end]).unwrap_or(end);
    if end == bytes.len() && window.is_complete() {
        return bytes;
    }
    let returns = bytes[..end].iter().rev().take_while(|byte| **byte == b'\r').count();
    &bytes[..end - returns]
}

/// Whether a line has nothing but blanks in it, where the header has several fields.
pub(super) fn is_line_of_blanks(bytes: &[u8], cells: &[Cell], width: usize) -> bool {
    let [Cell { start, end, kind: CellKind::Plain }] = *cells else { return false };
    width == 1 && bytes[start..end].iter().all(|byte| matches!(byte, b' ' | b'\t'))
}

pub(super) fn wrong_width(found: usize, expected: usize) -> Fault {
    let (kind, column) = if found < expected {
        (FaultKind::TooFewFields(found), found)
    } else {
        (FaultKind::TooManyFields(found), expected)
    };
    Fault { kind, at: 0, column }
}
