//! Rows for one answer, whose longest cells are cut where together they would be too long for it.

use super::batch::Column;
use super::cell::{CellRef, unreadable};
use crate::error::{Error, Result};
use dataset_types::rows::{CellValue, Cut};
use serde_json::value::RawValue;

/// A cell of an answer around its value.
const CELL_BYTES: usize = 48;

/// Cells are not cut to less than this.
const LEAST_BYTES: usize = 64;

/// The rows, whose lengths are those that they have in an answer of a Lambda: in JSON, in a string of JSON.
pub(super) struct Taken {
    pub(super) rows: Vec<Vec<CellValue>>,
    bytes: usize,
    max_bytes: usize,
    /// What is longer is cut.
    longest: usize,
}

impl Taken {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { rows: vec![], bytes: 0, max_bytes, longest: max_bytes }
    }

    /// Takes a row.
    pub(super) fn row(&mut self, columns: &[Column], row: usize) -> Result<()> {
        let mut cells = Vec::with_capacity(columns.len());
        for column in columns {
            let (cell, bytes) = take(column.cell(row), self.longest)?;
            cells.push(cell);
            self.bytes += bytes;
            // A row may have many long cells.
            while self.bytes > self.max_bytes {
                self.shorten(&mut cells)?;
            }
        }
        self.rows.push(cells);
        Ok(())
    }

    /// Cuts what has been taken to half of the length that was allowed so far.
    fn shorten(&mut self, last: &mut [CellValue]) -> Result<()> {
        self.longest /= 2;
        if self.longest < LEAST_BYTES {
            return Err(Error::PageTooLarge);
        }
        self.bytes = 0;
        for cell in self.rows.iter_mut().flatten().chain(last) {
            let (text, whole_bytes) = match cell {
                CellValue::Text(text) => (text.as_str(), text.len() as u64),
                CellValue::Json(json) => (json.get(), json.get().len() as u64),
                CellValue::Cut(cut) => (cut.start.as_str(), cut.whole_bytes),
                _ => {
                    self.bytes += CELL_BYTES;
                    continue;
                }
            };
            let start = start(text, self.longest);
            self.bytes += CELL_BYTES + length(start);
            if start.len() < text.len() {
                *cell = CellValue::Cut(Cut { start: start.to_owned(), whole_bytes });
            }
        }
        Ok(())
    }
}

/// The cell, or the start of a longer one, and its length.
fn take(cell: CellRef<'_>, longest: usize) -> Result<(CellValue, usize)> {
    let (CellRef::Text(text) | CellRef::Json(text)) = cell else {
        return Ok((cell.to_cell()?, CELL_BYTES));
    };
    let start = start(text, longest);
    let bytes = CELL_BYTES + length(start);
    if start.len() < text.len() {
        return Ok((CellValue::Cut(Cut { start: start.to_owned(), whole_bytes: text.len() as u64 }), bytes));
    }
    let cell = match cell {
        CellRef::Json(_) => CellValue::Json(RawValue::from_string(text.to_owned()).map_err(unreadable)?),
        _ => CellValue::Text(text.to_owned()),
    };
    Ok((cell, bytes))
}

/// As much of the text as has at most `longest` bytes in an answer, in whole characters.
fn start(text: &str, longest: usize) -> &str {
    // Most are short.
    if text.len() * MOST_ESCAPED <= longest {
        return text;
    }
    let mut left = longest;
    let end = text.bytes().position(|byte| match left.checked_sub(escaped(byte)) {
        Some(less) => {
            left = less;
            false
        }
        None => true,
    });
    end.map_or(text, |end| &text[..text.floor_char_boundary(end)])
}

fn length(text: &str) -> usize {
    text.bytes().map(escaped).sum()
}

/// `\\u0000`, the backslash of which is escaped once more.
const MOST_ESCAPED: usize = 7;

/// The bytes of a byte in JSON in a string of JSON.
fn escaped(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' => 4,
        0..0x20 => MOST_ESCAPED,
        _ => 1,
    }
}
