//! Which character separates the fields.

use super::record::{Step, record};
use crate::error::{DataError, Result};
use crate::limits::Limits;
use crate::window::Window;
use std::io::Read;

/// Those that spreadsheets write. The first is the one that is meant where
/// nothing speaks for another.
const TAKEN: [u8; 3] = [b',', b';', b'\t'];

/// Recognised, so that the error can name it.
const REFUSED: [u8; 1] = [b'|'];

/// Finds the delimiter: from a first line `sep=;`, which it skips, or from
/// a header without a comma whose other delimiter divides the first row into
/// as many fields. Where it divides both, but not alike, or several do, nothing
/// is guessed.
pub(super) fn delimiter<R: Read>(window: &mut Window<R>, limits: &Limits) -> Result<u8> {
    if let Some(delimiter) = announced(window)? {
        return Ok(delimiter);
    }
    loop {
        let bytes = window.bytes();
        let widths = |delimiter: u8| widths(bytes, window.at_end(), delimiter);
        let undecided = TAKEN.iter().chain(&REFUSED).any(|d| widths(*d) == Widths::Undecided);
        if undecided && !window.at_end() && bytes.len() <= limits.max_row_bytes {
            window.grow()?;
            continue;
        }
        if matches!(widths(b','), Widths::Known { header: 2.., .. }) {
            return Ok(b',');
        }
        let widths_of = |d: u8| match widths(d) {
            Widths::Known { header, row } if header > 1 && row > 1 => Some(header == row),
            _ => None,
        };
        let likely: Vec<(u8, bool)> =
            TAKEN.into_iter().chain(REFUSED).filter_map(|d| widths_of(d).map(|is_clear| (d, is_clear))).collect();
        let clear: Vec<u8> = likely.iter().filter(|(_, is_clear)| *is_clear).map(|(d, _)| *d).collect();
        return match (&clear[..], &likely[..]) {
            (_, []) => Ok(b','),
            (&[delimiter], _) if TAKEN.contains(&delimiter) => Ok(delimiter),
            (&[delimiter, ..], _) | (_, &[(delimiter, _), ..]) => {
                let found = if delimiter == b'\t' { "tabs".to_owned() } else { format!("'{}'", delimiter as char) };
                let message = format!(
                    "expected fields separated by commas, found {found} in the header and the first row; export the file with commas"
                );
                Err(DataError::new("wrong_delimiter", message).at_line(window.line_at(0)).into())
            }
        };
    }
}

/// What a line `sep=;` at the start of the file, as Excel writes and reads it, says.
fn announced<R: Read>(window: &mut Window<R>) -> Result<Option<u8>> {
    window.fill(b"sep=;\r\n".len())?;
    let bytes = window.bytes();
    let Some(&delimiter) = bytes.get(4).filter(|_| bytes.len() > 4 && bytes[..4].eq_ignore_ascii_case(b"sep=")) else {
        return Ok(None);
    };
    if matches!(delimiter, b'\r' | b'\n') {
        return Ok(None);
    }
    let length = match bytes.get(5..) {
        Some([b'\r', b'\n', ..]) => 7,
        Some([b'\r' | b'\n', ..]) => 6,
        _ => return Ok(None),
    };
    if !TAKEN.contains(&delimiter) {
        let message = "expected a comma, semicolon or tab as the delimiter, found another in the first line; export the file with commas";
        return Err(DataError::new("wrong_delimiter", message).at_line(1).into());
    }
    window.consume(length);
    Ok(Some(delimiter))
}

/// How many fields the first two records have.
#[derive(PartialEq, Eq)]
enum Widths {
    /// A missing second record counts as wide as the first.
    Known { header: usize, row: usize },
    /// They are no records under this delimiter.
    Malformed,
    /// The window ends first.
    Undecided,
}

fn widths(bytes: &[u8], at_end: bool, delimiter: u8) -> Widths {
    let mut position = 0;
    let mut header = None;
    loop {
        let mut width = 0;
        let step = record(bytes, position, at_end, delimiter, |index, _| {
            width = index + 1;
            Ok(())
        });
        match (step, header) {
            (Ok(Step::Blank { end }), _) => position = end,
            (Ok(Step::Record { end }), None) => {
                header = Some(width);
                position = end;
            }
            (Ok(Step::Record { .. }), Some(header)) => return Widths::Known { header, row: width },
            (Ok(Step::End), Some(header)) => return Widths::Known { header, row: header },
            (Ok(Step::End) | Err(_), _) => return Widths::Malformed,
            (Ok(Step::NeedMore), _) => return Widths::Undecided,
        }
    }
}
