//! Which character separates the fields.

use super::dialect::Dialect;
use super::header::ends_like;
use super::record::{CONTROL_Z, LineEnd, LineEnds, line_end};
use crate::error::Result;
use crate::limits::Limits;
use crate::window::Window;
use dataset_types::dialect as api;
use std::cmp::Reverse;
use std::io::Read;

/// The delimiters that are looked for, the usual one first.
const CANDIDATES: [u8; 4] = *b",;\t|";

/// Stands for the delimiter of a file of one column: a byte that no UTF-8 text
/// has, so that it is found nowhere before the first byte that is no text.
pub(super) const NO_DELIMITER: u8 = 0xFF;

/// How much of a file is looked at. With the byte behind it, by which the end
/// of the file is known, it is a MiB.
const SAMPLE_BYTES: usize = (1 << 20) - 1;

/// What was found out about the delimiter.
pub(super) struct Found {
    pub(super) delimiter: Delimiter,
    /// The first line end, if the lines before the header have one.
    pub(super) line_ends: Option<LineEnds>,
}

pub(super) enum Delimiter {
    /// By the request, or by a first line `sep=;`.
    Said(u8),
    /// This one alone divides the header and every row alike.
    Clear(u8),
    /// This one divides the header and the rows best.
    Likely(u8),
    /// Each of these divides every row alike.
    Several(Vec<u8>),
    /// The header has these, the likeliest first, of which none divides even half of the rows like it.
    Unlikely(Vec<u8>),
}

/// Finds the delimiter: the one that is said, or that a first line `sep=;` names, which is skipped, else the one that
/// divides the header and the rows of the first MiB into the same number of fields.
///
/// Whatever lies in quotes does not count, and a delimiter under which quotes stand where none belongs gives
/// way to one under which all are in order. Where several delimiters fit, one that has a space behind it
/// wherever it stands in the header is punctuation and gives way. Where none fits every row, the one that fits at
/// least half of them is taken, so that the fault is reported under it.
pub(super) fn find<R: Read>(window: &mut Window<R>, said: &api::Dialect, limits: &Limits) -> Result<Found> {
    let (announced, mut line_ends) = announced_delimiter(window)?.unzip();
    skip_blank_lines(window, &mut line_ends, limits)?;
    let said_delimiter = said.delimiter.map(|delimiter| delimiter.get().unwrap_or(NO_DELIMITER));
    if let Some(delimiter) = said_delimiter.or(announced) {
        return Ok(Found { delimiter: Delimiter::Said(delimiter), line_ends });
    }
    let quote = Dialect::of(said, NO_DELIMITER).quote;
    let mut fits = sample(window, quote, SAMPLE_BYTES)?;
    if fits.iter().any(|fit| !fit.has_row) {
        // The first row is longer than the sample.
        fits = sample(window, quote, limits.max_row_bytes.max(SAMPLE_BYTES))?;
    }
    Ok(Found { delimiter: choose(&fits), line_ends })
}

/// Skips lines that have nothing in them, or blanks alone.
fn skip_blank_lines<R: Read>(window: &mut Window<R>, line_ends: &mut Option<LineEnds>, limits: &Limits) -> Result<()> {
    loop {
        let bytes = window.bytes();
        let text = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        let blank = &bytes[..text.unwrap_or(bytes.len())];
        // A line feed may follow a last carriage return.
        let returns = blank.iter().rev().take_while(|byte| **byte == b'\r').count();
        let ends = &blank[..blank.len() - if blank.len() == bytes.len() { returns } else { 0 }];
        let line = ends.iter().rposition(|byte| matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
        if line_ends.is_none()
            && let Some(at) = bytes[..line].iter().position(|byte| matches!(byte, b'\r' | b'\n'))
            && let LineEnd::At(end) = line_end(bytes, at, true, LineEnds::Any)
        {
            *line_ends = Some(ends_like(&bytes[..end]));
        }
        if *line_ends == Some(LineEnds::Feeds) {
            window.count_feeds_alone();
        }
        window.consume(line);
        if text.is_some() || window.bytes().len() > limits.max_row_bytes {
            return Ok(());
        }
        if window.at_end() {
            window.consume_all();
            return Ok(());
        }
        window.grow()?;
    }
}

fn sample<R: Read>(window: &mut Window<R>, quote: u8, bytes: usize) -> Result<[Fit; CANDIDATES.len()]> {
    window.fill(bytes + 1)?;
    let text = window.bytes();
    let is_whole = window.is_complete() && text.len() <= bytes;
    let text = &text[..text.len().min(bytes)];
    Ok(CANDIDATES.map(|delimiter| Fit::of(text, is_whole, delimiter, quote)))
}

/// How well a delimiter fits a sample.
#[derive(Clone, Copy, Debug)]
struct Fit {
    delimiter: u8,
    header_fields: usize,
    /// In the header, it is followed by a space wherever it stands.
    is_spaced: bool,
    /// The header and the first row are complete, or the file has no more.
    has_row: bool,
    rows: usize,
    /// Rows with as many fields as the header.
    rows_alike: usize,
    /// Whether some row has more than one field.
    divides_rows: bool,
    /// Quotes open and close fields, and stand nowhere else.
    has_orderly_quotes: bool,
}

impl Fit {
    fn of(text: &[u8], is_whole: bool, delimiter: u8, quote: u8) -> Self {
        let mut lines = Lines { text, position: 0, delimiter, quote };
        let complete = |line: &Line| is_whole || line.is_ended;
        let Some(header) = lines.next().filter(complete) else {
            let (header_fields, is_spaced, has_row, has_orderly_quotes) = (1, false, is_whole, true);
            return Self {
                delimiter,
                header_fields,
                is_spaced,
                has_row,
                rows: 0,
                rows_alike: 0,
                divides_rows: false,
                has_orderly_quotes,
            };
        };
        let Line { fields: header_fields, is_spaced, mut has_orderly_quotes, .. } = header;
        let (mut rows, mut rows_alike, mut divides_rows) = (0, 0, false);
        if header_fields > 1 {
            for row in lines.filter(complete) {
                rows += 1;
                rows_alike += usize::from(row.fields == header_fields);
                divides_rows |= row.fields > 1;
                has_orderly_quotes &= row.has_orderly_quotes;
            }
        }
        let has_row = is_whole || rows > 0 || header_fields == 1;
        Self { delimiter, header_fields, is_spaced, has_row, rows, rows_alike, divides_rows, has_orderly_quotes }
    }

    fn fits_all_rows(&self) -> bool {
        self.header_fields > 1 && self.rows_alike == self.rows
    }

    fn fits_half_of_the_rows(&self) -> bool {
        self.header_fields > 1 && 2 * self.rows_alike >= self.rows
    }
}

fn choose(fits: &[Fit]) -> Delimiter {
    let mut fits = fits.to_vec();
    if fits.iter().any(|fit| fit.has_orderly_quotes && fit.fits_half_of_the_rows()) {
        fits.retain(|fit| fit.has_orderly_quotes);
    }
    let mut clear: Vec<&Fit> = fits.iter().filter(|fit| fit.fits_all_rows()).collect();
    // What one divides may be lines of blanks to another.
    if clear.iter().any(|fit| fit.rows > 0) {
        clear.retain(|fit| fit.rows > 0);
    }
    if clear.len() > 1 && clear.iter().any(|fit| !fit.is_spaced) {
        clear.retain(|fit| !fit.is_spaced);
    }
    match clear[..] {
        [fit] => return Delimiter::Clear(fit.delimiter),
        [] => {}
        // A header alone is refused for that.
        [fit, ..] if fit.rows == 0 => return Delimiter::Likely(fit.delimiter),
        _ => return Delimiter::Several(clear.iter().map(|fit| fit.delimiter).collect()),
    }
    // Of equals, the last is taken, which is the usual one then.
    let likely = fits.iter().rev().filter(|fit| fit.fits_half_of_the_rows()).max_by_key(|fit| fit.header_fields);
    if let Some(fit) = likely {
        return Delimiter::Likely(fit.delimiter);
    }
    // In a header alone, it is punctuation, unless it is the comma.
    fits.retain(|fit| fit.header_fields > 1 && (fit.divides_rows || fit.delimiter == b','));
    fits.sort_by_key(|fit| (fit.delimiter != b',', Reverse(fit.header_fields)));
    match &fits[..] {
        [] => Delimiter::Likely(NO_DELIMITER),
        some => Delimiter::Unlikely(some.iter().map(|fit| fit.delimiter).collect()),
    }
}

/// What a delimiter is called.
pub(super) fn name(delimiter: u8) -> String {
    match delimiter {
        b',' => "commas".to_owned(),
        b';' => "semicolons".to_owned(),
        b'\t' => "tabs".to_owned(),
        b'|' => "vertical bars".to_owned(),
        other => format!("the character {}", char::from(other)),
    }
}

/// A line of fields, which may span line breaks within quotes.
struct Line {
    fields: usize,
    is_spaced: bool,
    has_orderly_quotes: bool,
    /// Its end is in the text.
    is_ended: bool,
}

/// The lines of a text that are not empty, as far as it takes to count their
/// fields: quotes that are out of place are text.
struct Lines<'a> {
    text: &'a [u8],
    position: usize,
    delimiter: u8,
    quote: u8,
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        self.skip_what_is_no_row();
        if self.position == self.text.len() {
            return None;
        }
        let mut line = Line { fields: 1, is_spaced: true, has_orderly_quotes: true, is_ended: false };
        loop {
            let field = self.position;
            self.skip_quoted();
            let rest = &self.text[self.position..];
            let end = memchr::memchr3(self.delimiter, b'\n', b'\r', rest);
            let unquoted = &rest[..end.unwrap_or(rest.len())];
            let was_quoted = self.position > field;
            line.has_orderly_quotes &=
                if was_quoted { unquoted.is_empty() } else { memchr::memchr(self.quote, unquoted).is_none() };
            let Some(end) = end else {
                self.position = self.text.len();
                return Some(line);
            };
            self.position += end + 1;
            if rest[end] != self.delimiter {
                line.is_ended = true;
                return Some(line);
            }
            line.fields += 1;
            line.is_spaced &= self.text.get(self.position) == Some(&b' ');
        }
    }
}

impl Lines<'_> {
    /// Moves behind lines of nothing or of blanks, and a control-Z at the end.
    fn skip_what_is_no_row(&mut self) {
        loop {
            let rest = &self.text[self.position..];
            let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t') && *byte != self.delimiter;
            let blanks = rest.iter().take_while(|byte| is_blank(byte)).count();
            match rest[blanks..] {
                [] | [CONTROL_Z] => self.position = self.text.len(),
                [b'\r' | b'\n', ..] => {
                    self.position += blanks + 1;
                    continue;
                }
                _ => {}
            }
            return;
        }
    }

    /// Moves behind the closing quote of a field that begins with one.
    fn skip_quoted(&mut self) {
        while self.text.get(self.position) == Some(&self.quote) {
            let rest = &self.text[self.position + 1..];
            // Of a doubled quote, the second opens the field again.
            self.position += memchr::memchr(self.quote, rest).map_or(1 + rest.len(), |length| length + 2);
        }
    }
}

/// The delimiter that a first line `sep=;` names, as Excel writes and reads it.
fn announced_delimiter<R: Read>(window: &mut Window<R>) -> Result<Option<(u8, LineEnds)>> {
    window.fill(b"sep=;\r\r\n".len())?;
    let bytes = window.bytes();
    let Some((start, [delimiter, ends @ ..])) = bytes.split_at_checked(b"sep=".len()) else { return Ok(None) };
    let LineEnd::At(end) = line_end(ends, 0, true, LineEnds::Any) else { return Ok(None) };
    if !api::Delimiter::allows(*delimiter) || !start.eq_ignore_ascii_case(b"sep=") {
        return Ok(None);
    }
    let announced = (*delimiter, ends_like(&ends[..end]));
    let line = start.len() + 1 + end;
    if announced.1 == LineEnds::Feeds {
        window.count_feeds_alone();
    }
    window.consume(line);
    Ok(Some(announced))
}
