//! Parses one record byte by byte, and describes what is wrong with it.

use super::dialect::Dialect;
use crate::error::DataError;
use dataset_types::FailureCode;

/// Where the content of a cell stands in the buffer, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: CellKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    Plain,
    /// Without quotes around it, but with some in it, which are text.
    WithQuotes,
    Quoted,
    /// Quoted, with quotes in it that are doubled or escaped.
    Escaped,
}

impl Cell {
    /// Where the cell ends, its closing quote included.
    pub(super) fn whole_end(self) -> usize {
        self.end + usize::from(matches!(self.kind, CellKind::Quoted | CellKind::Escaped))
    }

    /// Hands over the pieces of the buffer that are the cell's text.
    #[inline]
    pub(super) fn pieces(self, bytes: &[u8], dialect: &Dialect, mut piece: impl FnMut(usize, usize)) {
        let mut from = self.start;
        if self.kind == CellKind::Escaped {
            // Of two, the second is meant.
            let mark = if dialect.escapes { b'\\' } else { dialect.quote };
            let mut at = self.start;
            while let Some(length) = memchr::memchr(mark, &bytes[at..self.end]) {
                let first = at + length;
                at = first + 1;
                if bytes[at] == dialect.quote || bytes[at] == mark {
                    piece(from, first);
                    from = at;
                    at += 1;
                }
            }
        }
        piece(from, self.end);
    }

    pub(super) fn text(self, bytes: &[u8], dialect: &Dialect) -> String {
        let mut text = Vec::with_capacity(self.end - self.start);
        self.pieces(bytes, dialect, |from, to| text.extend_from_slice(&bytes[from..to]));
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// What ends a line besides LF, CRLF, and CR CR LF, which Python's text mode makes of CRLF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnds {
    /// A CR alone, too.
    Any,
    /// Nothing: outside quotes, a CR is a fault.
    Feeds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record that ends before `end`, its terminator included.
    Record { end: usize },
    /// An empty line that ends before `end`.
    Blank { end: usize },
    /// The buffer ends within a record.
    NeedMore,
    /// The file has ended, but for what may stand behind it all: a control-Z.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    UnterminatedQuote,
    TextAfterQuote,
    BlankBeforeQuote,
    LoneCr,
    TooFewFields(usize),
    TooManyFields(usize),
    BadByte,
}

#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// The position of the faulty byte.
    pub(super) at: usize,
    /// From 0.
    pub(super) column: usize,
}

/// Ends a text in CP/M and in MS-DOS.
pub(super) const CONTROL_Z: u8 = 0x1A;

/// Hands each cell of the record that starts at `start` to `cell`, with its index. A record that turns out to
/// be incomplete has handed over some of its cells: the caller takes them back.
#[inline]
pub(super) fn record(
    bytes: &[u8],
    start: usize,
    at_end: bool,
    dialect: &Dialect,
    line_ends: LineEnds,
    mut cell: impl FnMut(usize, Cell) -> Result<(), FaultKind>,
) -> Result<Step, Fault> {
    match bytes[start..] {
        [] => return Ok(if at_end { Step::End } else { Step::NeedMore }),
        [CONTROL_Z] => return Ok(if at_end { Step::End } else { Step::NeedMore }),
        _ => {}
    }
    match line_end(bytes, start, at_end, line_ends) {
        LineEnd::At(end) => return Ok(Step::Blank { end }),
        LineEnd::Unknown => return Ok(Step::NeedMore),
        LineEnd::Lone => return Err(Fault { kind: FaultKind::LoneCr, at: start, column: 0 }),
        LineEnd::None => {}
    }
    let mut position = start;
    let mut column = 0;
    loop {
        let fault = |kind, at| Fault { kind, at, column };
        if dialect.skips_space {
            position += bytes[position..].iter().take_while(|byte| **byte == b' ').count();
            if position == bytes.len() && !at_end {
                return Ok(Step::NeedMore);
            }
        }
        // What stands for no quote may be a byte that is no text.
        let (content, after) = if dialect.quote.is_ascii() && bytes.get(position) == Some(&dialect.quote) {
            match quoted(bytes, position, at_end, dialect) {
                Quoted::Closed { content, after } => (content, after),
                Quoted::Open if at_end => return Err(fault(FaultKind::UnterminatedQuote, position)),
                Quoted::Open => return Ok(Step::NeedMore),
            }
        } else {
            let after = match memchr::memchr3(dialect.delimiter, b'\n', b'\r', &bytes[position..]) {
                Some(length) => position + length,
                None if at_end => bytes.len(),
                None => return Ok(Step::NeedMore),
            };
            let kind = unquoted(&bytes[position..after], dialect)
                .map_err(|at| fault(FaultKind::BlankBeforeQuote, position + at))?;
            (Cell { start: position, end: after, kind }, after)
        };
        let end = match bytes.get(after) {
            Some(&b) if b == dialect.delimiter => None,
            None if at_end => Some(after),
            None => return Ok(Step::NeedMore),
            Some(_) => match line_end(bytes, after, at_end, line_ends) {
                LineEnd::At(end) => Some(end),
                LineEnd::Unknown => return Ok(Step::NeedMore),
                LineEnd::Lone => return Err(fault(FaultKind::LoneCr, after)),
                LineEnd::None => return Err(fault(FaultKind::TextAfterQuote, after)),
            },
        };
        cell(column, content).map_err(|kind| fault(kind, content.start))?;
        match end {
            Some(end) => return Ok(Step::Record { end }),
            None => position = after + 1,
        }
        column += 1;
    }
}

pub(super) enum LineEnd {
    /// A terminator that ends before this position.
    At(usize),
    /// A CR that ends no line.
    Lone,
    None,
    /// The buffer ends first.
    Unknown,
}

pub(super) fn line_end(bytes: &[u8], at: usize, at_end: bool, line_ends: LineEnds) -> LineEnd {
    match bytes[at..] {
        [b'\n', ..] => LineEnd::At(at + 1),
        [b'\r', b'\n', ..] => LineEnd::At(at + 2),
        [b'\r', b'\r', b'\n', ..] => LineEnd::At(at + 3),
        [] | [b'\r'] | [b'\r', b'\r'] if !at_end => LineEnd::Unknown,
        [b'\r', ..] if line_ends == LineEnds::Any => LineEnd::At(at + 1),
        [b'\r', ..] => LineEnd::Lone,
        _ => LineEnd::None,
    }
}

/// What a field without quotes around it is; where its quote stands if there are only blanks before that.
fn unquoted(field: &[u8], dialect: &Dialect) -> Result<CellKind, usize> {
    // Other quotes count only where a field begins with them.
    if dialect.quote != b'"' {
        return Ok(CellKind::Plain);
    }
    match memchr::memchr(dialect.quote, field) {
        None => Ok(CellKind::Plain),
        Some(at) if field[..at].iter().all(|byte| *byte == b' ') => Err(at),
        Some(_) => Ok(CellKind::WithQuotes),
    }
}

enum Quoted {
    Closed { content: Cell, after: usize },
    Open,
}

/// The quoted cell whose opening quote stands at `open`.
fn quoted(bytes: &[u8], open: usize, at_end: bool, dialect: &Dialect) -> Quoted {
    let quote = dialect.quote;
    let (start, mut kind) = (open + 1, CellKind::Quoted);
    let mut position = start;
    loop {
        let rest = &bytes[position..];
        let found = if dialect.escapes { memchr::memchr2(quote, b'\\', rest) } else { memchr::memchr(quote, rest) };
        let Some(length) = found else { return Quoted::Open };
        let at = position + length;
        match bytes.get(at + 1) {
            // It may be the first of two.
            None if !at_end => return Quoted::Open,
            next if bytes[at] == b'\\' && dialect.escapes => {
                let is_escape = next.is_some_and(|next| *next == quote || *next == b'\\');
                if is_escape {
                    kind = CellKind::Escaped;
                }
                position = at + 1 + usize::from(is_escape);
            }
            Some(next) if *next == quote && !dialect.escapes => {
                kind = CellKind::Escaped;
                position = at + 2;
            }
            _ => return Quoted::Closed { content: Cell { start, end: at, kind }, after: at + 1 },
        }
    }
}

pub(super) fn describe(kind: FaultKind, expected: usize) -> DataError {
    let fields = |n: usize| if n == 1 { "1 field".to_owned() } else { format!("{n} fields") };
    let (code, message) = match kind {
        FaultKind::UnterminatedQuote => (
            FailureCode::UnterminatedQuote,
            "expected a closing quote for the field that opens here, found the end of the file; close it, or double each quote inside it".to_owned(),
        ),
        FaultKind::TextAfterQuote => (
            FailureCode::TextAfterQuote,
            "expected a delimiter or the end of the line after a closing quote, found more text; put the whole field in quotes and double each quote inside it".to_owned(),
        ),
        FaultKind::BlankBeforeQuote => (
            FailureCode::BareQuote,
            "expected a field to begin with its quote, found blanks before it; leave them out, or put them in quotes, too".to_owned(),
        ),
        FaultKind::LoneCr => (
            FailureCode::LoneCr,
            "expected lines to end as the first one does, found a carriage return without a line feed; put the field in quotes, or end every line alike".to_owned(),
        ),
        FaultKind::TooFewFields(found) => (
            FailureCode::TooFewFields,
            format!("expected {}, as the header has, found {found}; add the missing ones", fields(expected)),
        ),
        FaultKind::TooManyFields(found) => (
            FailureCode::TooManyFields,
            format!(
                "expected {}, as the header has, found {found}; {}",
                fields(expected),
                // Names of rows, above which there is nothing.
                if found == expected + 1 {
                    "put a field that has a delimiter in it in quotes; if it is R's write.table that wrote it, give that col.names = NA"
                } else {
                    "put a field that has a delimiter in it in quotes"
                }
            ),
        ),
        FaultKind::BadByte => {
            (FailureCode::InvalidUtf8, "expected UTF-8, found another byte; save the file as UTF-8".to_owned())
        }
    };
    DataError::new(code, message)
}
