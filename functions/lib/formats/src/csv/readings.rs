//! All the ways to read a file, side by side, when the usual one has failed.

use super::dialect::Dialect;
use super::header::{self, Header};
use super::notices::Seen;
use super::record::{self, Cell, CellKind, LineEnds, Step};
use super::rows::is_line_of_blanks;
use crate::error::Result;
use crate::limits::Limits;
use crate::window::Window;
use ahash::RandomState;
use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};
use std::io::Read;
use std::iter;

/// A dialect in which the whole file is in order.
pub(super) struct Possible {
    pub(super) dialect: Dialect,
    /// Double quotes, too, stand where quotes do: one of them may have been forgotten, so that it is not taken unasked.
    pub(super) is_doubtful: bool,
}

/// One way to read the file, as far as it has come.
struct Reading {
    dialect: Dialect,
    /// Where in the window it is.
    at: usize,
    header: Option<Header>,
    rows: u64,
    /// Of all cells.
    hash: u64,
    /// Whether a field has quotes around it.
    is_quoted: bool,
    /// Whether a field begins with a double quote that is none in this reading.
    has_other_quotes: bool,
    is_done: bool,
}

/// Those of `dialects` in which the whole file is in order and has more than one column. Of those that give the same
/// cells, the first stands for all. A byte that is no text is an error if any of them comes so far.
pub(super) fn possible<R: Read>(
    mut window: Window<R>,
    dialects: Vec<Dialect>,
    line_ends: Option<LineEnds>,
    limits: &Limits,
) -> Result<Vec<Possible>> {
    // The keys are fixed, so that a file has one outcome.
    let hashing = RandomState::with_seeds(1, 2, 3, 4);
    let new = |dialect| Reading {
        dialect,
        at: 0,
        header: None,
        rows: 0,
        hash: 0,
        is_quoted: false,
        has_other_quotes: false,
        is_done: false,
    };
    let mut readings: Vec<Reading> = dialects.into_iter().map(new).collect();
    loop {
        readings.retain_mut(|reading| reading.go_on(&window, line_ends, limits, &hashing));
        if readings.iter().all(|reading| reading.is_done) {
            break;
        }
        let feeds = |reading: &Reading| reading.header.as_ref().is_some_and(|it| it.line_ends == LineEnds::Feeds);
        if readings.iter().any(feeds) {
            window.count_feeds_alone();
        }
        // No dialect puts a byte in order that is no text.
        if let Some(at) = window.bad() {
            return Err(window.bad_byte(at).into());
        }
        let behind = readings.iter().filter(|reading| !reading.is_done).map(|reading| reading.at).min().unwrap_or(0);
        window.consume(behind);
        readings.iter_mut().filter(|reading| !reading.is_done).for_each(|reading| reading.at -= behind);
        window.grow()?;
    }
    // Where there is no single quote around anything, a double quote would be no quote at all.
    readings
        .retain(|reading| reading.is_done && reading.rows > 0 && (reading.dialect.quote == b'"' || reading.is_quoted));
    let mut found: Vec<Reading> = Vec::new();
    for reading in readings {
        let is_known = found.iter().any(|other| other.is_same(&reading));
        if !is_known {
            found.push(reading);
        }
    }
    let possible = |reading: Reading| Possible { dialect: reading.dialect, is_doubtful: reading.has_other_quotes };
    Ok(found.into_iter().map(possible).collect())
}

impl Reading {
    fn is_same(&self, other: &Self) -> bool {
        let given = |reading: &Self| reading.header.as_ref().map(|header| header.given.clone());
        (self.rows, self.hash) == (other.rows, other.hash) && given(self) == given(other)
    }

    /// Reads all complete records of the window. `false` at the first fault.
    fn go_on<R: Read>(
        &mut self,
        window: &Window<R>,
        first: Option<LineEnds>,
        limits: &Limits,
        hashing: &RandomState,
    ) -> bool {
        let bad = window.bad();
        let bytes = &window.bytes()[..bad.unwrap_or(window.bytes().len())];
        let at_end = window.is_complete() && bad.is_none();
        let mut cells: Vec<Cell> = Vec::new();
        while !self.is_done {
            cells.clear();
            let expected = self.header.as_ref().map_or(limits.max_columns, |header| header.names.len());
            let line_ends = self.header.as_ref().map_or(first.unwrap_or(LineEnds::Any), |header| header.line_ends);
            let mut width = 0;
            let step = record::record(bytes, self.at, at_end, &self.dialect, line_ends, |index, cell| {
                width = index + 1;
                if width <= expected {
                    cells.push(cell);
                }
                Ok(())
            });
            let end = match step {
                Ok(Step::Record { end }) => end,
                Ok(Step::Blank { end }) => {
                    self.at = end;
                    continue;
                }
                Ok(Step::NeedMore) if window.at_end() && bad.is_none() => {
                    self.is_done = true;
                    continue;
                }
                // A record that is never complete in one reading must not be held for all.
                Ok(Step::NeedMore) => return bytes.len() - self.at <= limits.max_row_bytes,
                Ok(Step::End) => {
                    self.is_done = true;
                    continue;
                }
                Err(_) => return false,
            };
            let start = std::mem::replace(&mut self.at, end);
            let begins_quoted = |cell: &Cell| cell.kind == CellKind::Plain && bytes.get(cell.start) == Some(&b'"');
            self.has_other_quotes |= self.dialect.quote != b'"' && cells.iter().any(begins_quoted);
            self.is_quoted |= cells.iter().any(|cell| matches!(cell.kind, CellKind::Quoted | CellKind::Escaped));
            if end - start > limits.max_row_bytes {
                return false;
            }
            if self.header.is_none() {
                let given = cells.iter().map(|cell| cell.text(bytes, &self.dialect)).collect();
                let line_ends = first.unwrap_or_else(|| header::ends_like(&bytes[start..end]));
                self.header = Header::of(given, Seen::default(), line_ends, 1, limits)
                    .ok()
                    .filter(|header| header.names.len() > 1);
                if self.header.is_none() || width > expected {
                    return false;
                }
                continue;
            }
            if width != expected {
                if is_line_of_blanks(bytes, &cells, width) {
                    continue;
                }
                if !self.dialect.pads || width > expected {
                    return false;
                }
            }
            self.rows += 1;
            let mut hasher = hashing.build_hasher();
            hasher.write_u64(self.hash);
            let missing = Cell { start: 0, end: 0, kind: CellKind::Plain };
            for cell in cells.iter().chain(iter::repeat(&missing)).take(expected) {
                let text = match cell.kind {
                    CellKind::Escaped => Cow::Owned(cell.text(bytes, &self.dialect).into_bytes()),
                    _ => Cow::Borrowed(&bytes[cell.start..cell.end]),
                };
                hasher.write_usize(text.len());
                hasher.write(&text);
            }
            self.hash = hasher.finish();
        }
        true
    }
}
