//! The fast path, which nearly all records take: complete, well formed, as wide as the header.
//!
//! Quotes and separators are found 64 bytes at a time. A separator counts where the number of quotes before
//! it is even, which is right for every well-formed record; whatever is not, this way stops at, and
//! [`record`](super::record) goes through it byte by byte and says what it is.

use super::dialect::Dialect;
use super::record::LineEnds;
use crate::simd::{self, BLOCK};
use crate::writer::{Column, Text};
use std::ops::Range;

/// Where in a text the quotes and the separators of cells stand, a bit a byte.
#[derive(Default)]
pub(super) struct Index {
    quotes: Vec<u64>,
    separators: Vec<u64>,
    /// Where the records begin that were taken, if that is wanted.
    pub(super) starts: Option<Vec<usize>>,
}

/// How a file is read.
#[derive(Clone, Copy)]
pub(super) struct Syntax {
    pub(super) dialect: Dialect,
    pub(super) line_ends: LineEnds,
}

/// The regular records that were taken.
pub(super) struct Taken {
    pub(super) rows: usize,
    /// The end of the last record, and of the blank lines behind it.
    pub(super) end: usize,
    /// Records whose cells are all empty.
    pub(super) blank_rows: Spots,
    /// Empty lines. They are counted in tables of one column alone.
    pub(super) blank_lines: Spots,
}

/// Where in a text something is.
#[derive(Default)]
pub(super) struct Spots {
    pub(super) count: u64,
    /// How many records lie before the first, and where it stands.
    pub(super) first: Option<(usize, usize)>,
}

impl Spots {
    fn add(&mut self, rows: usize, at: usize) {
        self.count += 1;
        self.first.get_or_insert((rows, at));
    }
}

impl Index {
    pub(super) fn new(keeps_starts: bool) -> Self {
        Self { starts: keeps_starts.then(Vec::new), ..Self::default() }
    }

    /// Looks at a text that starts outside quotes.
    pub(super) fn build(&mut self, text: &[u8], dialect: &Dialect) {
        self.quotes.clear();
        self.separators.clear();
        // All ones within quotes.
        let mut quoted = 0;
        let Dialect { quote, delimiter, .. } = *dialect;
        simd::each_block(text, [quote, delimiter, b'\n', b'\r'], |[quotes, delimiters, feeds, returns], _| {
            let inside = prefix_xor(quotes) ^ quoted;
            quoted = (inside.cast_signed() >> 63).cast_unsigned();
            self.quotes.push(quotes);
            self.separators.push((delimiters | feeds | returns) & !inside);
        });
    }

    /// Takes the records of the text into `columns`, up to one that is longer
    /// than `max_row_bytes`, not complete or not regular.
    pub(super) fn take(&mut self, text: &[u8], syntax: &Syntax, columns: &mut [Column], max_row_bytes: usize) -> Taken {
        let mut starts = self.starts.take();
        if let Some(starts) = &mut starts {
            starts.clear();
        }
        let Syntax { dialect: Dialect { quote, delimiter, .. }, line_ends } = *syntax;
        let width = columns.len();
        let mut taken = Taken { rows: 0, end: 0, blank_rows: Spots::default(), blank_lines: Spots::default() };
        let (mut column, mut start) = (0, 0);
        'text: for (block, &separators) in self.separators.iter().enumerate() {
            let mut separators = separators;
            while separators != 0 {
                let at = block * BLOCK + separators.trailing_zeros() as usize;
                separators &= separators - 1;
                let byte = text[at];
                let ends_record = byte != delimiter;
                if ends_record {
                    if byte == b'\r' && line_ends == LineEnds::Feeds && !feed_follows(text, at) {
                        break 'text;
                    }
                    if at == taken.end {
                        // A blank line, or what is left of the end of the last one.
                        if width == 1 && !ends_line_end(text, at) {
                            taken.blank_lines.add(taken.rows, at);
                        }
                        taken.end += 1;
                        start = taken.end;
                        continue;
                    }
                }
                let Some(cells) = columns.get_mut(column).and_then(Column::texts) else { break 'text };
                if !self.take_cell(text, start, at, quote, cells) {
                    break 'text;
                }
                column += 1;
                start = at + 1;
                if ends_record {
                    if column != width || at - taken.end > max_row_bytes {
                        break 'text;
                    }
                    if self.is_blank(text, taken.end..at, width, quote, delimiter) {
                        taken.blank_rows.add(taken.rows, taken.end);
                    }
                    if let Some(starts) = &mut starts {
                        starts.push(taken.end);
                    }
                    taken.rows += 1;
                    taken.end = start;
                    column = 0;
                }
            }
        }
        // Takes back the cells of a record that was not completed.
        for cells in columns[..column].iter_mut().filter_map(Column::texts) {
            cells.pop();
        }
        self.starts = starts;
        taken
    }

    /// Whether all cells of a regular record are empty: it has nothing but delimiters, and perhaps two quotes a cell.
    #[inline]
    fn is_blank(&self, text: &[u8], record: Range<usize>, width: usize, quote: u8, delimiter: u8) -> bool {
        let length = record.len();
        length + 1 == width
            || length < 3 * width
                && self.has_quote(record.start, record.end)
                && text[record].split(|byte| *byte == delimiter).all(|cell| cell.is_empty() || cell == [quote, quote])
    }

    /// Takes the cell at `text[start..end]`, quotes and all, if it is regular.
    #[inline]
    fn take_cell(&self, text: &[u8], start: usize, end: usize, quote: u8, cells: &mut Text) -> bool {
        if start == end {
            cells.push_empty();
            return true;
        }
        if text[start] != quote {
            let is_regular = !self.has_quote(start, end);
            if is_regular {
                cells.push(text, start, end);
            }
            return is_regular;
        }
        if text[end - 1] != quote || end - start < 2 {
            return false;
        }
        if self.has_quote(start + 1, end - 1) {
            return self.take_escaped(text, start + 1, end - 1, cells);
        }
        cells.push(text, start + 1, end - 1);
        true
    }

    #[inline]
    fn has_quote(&self, start: usize, end: usize) -> bool {
        if start == end {
            return false;
        }
        let (first, last) = (start / BLOCK, (end - 1) / BLOCK);
        let from_start = u64::MAX << (start % BLOCK);
        let to_end = u64::MAX >> (BLOCK - 1 - (end - 1) % BLOCK);
        if first == last {
            return self.quotes[first] & from_start & to_end != 0;
        }
        self.quotes[first] & from_start != 0
            || self.quotes[last] & to_end != 0
            || self.quotes[first + 1..last].iter().any(|quotes| *quotes != 0)
    }

    /// Takes a cell whose quotes must stand in pairs, each of which means one.
    fn take_escaped(&self, text: &[u8], start: usize, end: usize, cells: &mut Text) -> bool {
        let begin = cells.begin_cell();
        let (first, last) = (start / BLOCK, (end - 1) / BLOCK);
        let mut from = start;
        // The first quote of a pair, once it has been met.
        let mut open = None;
        for block in first..=last {
            let mut quotes = self.quotes[block];
            if block == first {
                quotes &= u64::MAX << (start % BLOCK);
            }
            if block == last {
                quotes &= u64::MAX >> (BLOCK - 1 - (end - 1) % BLOCK);
            }
            while quotes != 0 {
                let at = block * BLOCK + quotes.trailing_zeros() as usize;
                quotes &= quotes - 1;
                match open {
                    None => open = Some(at),
                    Some(opened) if opened + 1 == at => {
                        cells.append(text, from, at);
                        from = at + 1;
                        open = None;
                    }
                    Some(_) => {
                        cells.undo_cell(begin);
                        return false;
                    }
                }
            }
        }
        if open.is_some() {
            cells.undo_cell(begin);
            return false;
        }
        cells.append(text, from, end);
        cells.end_cell(begin);
        true
    }
}

/// Whether the CR at `at` belongs to a CRLF, or to the CR CR LF that Python's text mode makes of one.
fn feed_follows(text: &[u8], at: usize) -> bool {
    matches!(text[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..])
}

/// Whether the LF or CR at `at` belongs to the line end that began before it.
fn ends_line_end(text: &[u8], at: usize) -> bool {
    at > 0 && text[at - 1] == b'\r' && (text[at] == b'\n' || feed_follows(text, at))
}

/// Each bit becomes the parity of itself and all below it.
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}
