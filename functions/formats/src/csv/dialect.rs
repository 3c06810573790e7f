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
/// as many fields.
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
        let divides = |d: u8| matches!(widths(d), Widths::Known { header: width @ 2.., row } if width == row);
        let mut clear = TAKEN.into_iter().chain(REFUSED).filter(|d| divides(*d));
        return match (clear.next(), clear.next()) {
            (Some(delimiter), None) if TAKEN.contains(&delimiter) => Ok(delimiter),
            (Some(delimiter), None) => Err(DataError::new(
                "wrong_delimiter",
                format!("the fields seem to be separated by '{}'; export the file with commas", delimiter as char),
            )
            .at_line(window.line_at(0))
            .into()),
            _ => Ok(b','),
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
    let length = match bytes.get(5..) {
        Some([b'\r', b'\n', ..]) => 7,
        Some([b'\r' | b'\n', ..]) => 6,
        _ => return Ok(None),
    };
    if !TAKEN.contains(&delimiter) {
        let message =
            "the first line sets a delimiter that is not a comma, semicolon or tab; export the file with commas";
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
