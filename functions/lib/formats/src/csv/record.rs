//! Parses one record byte by byte, and describes what is wrong with it.

use crate::error::DataError;
use dataset_types::FailureCode;

const QUOTE: u8 = b'"';

/// Where the content of a cell stands in the buffer, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it has doubled quotes, which stand for one each.
    pub(super) escaped: bool,
}

impl Cell {
    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start..self.end]
    }

    /// Where the cell ends, its closing quote included.
    pub(super) fn whole_end(self, bytes: &[u8]) -> usize {
        self.end + usize::from(bytes.get(self.end) == Some(&QUOTE))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record that ends before `end`, its terminator included.
    Record { end: usize },
    /// An empty line that ends before `end`.
    Blank { end: usize },
    /// The buffer ends within a record.
    NeedMore,
    /// The file has ended.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    UnterminatedQuote,
    TextAfterQuote,
    BareQuote,
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

/// Hands each cell of the record that starts at `start` to `cell`, with its index. A record that turns out to
/// be incomplete has handed over some of its cells: the caller takes them back.
#[inline]
pub(super) fn record(
    bytes: &[u8],
    start: usize,
    at_end: bool,
    delimiter: u8,
    mut cell: impl FnMut(usize, Cell) -> Result<(), FaultKind>,
) -> Result<Step, Fault> {
    match line_end(bytes, start, at_end) {
        LineEnd::At(end) => return Ok(Step::Blank { end }),
        LineEnd::Unknown => return Ok(if at_end { Step::End } else { Step::NeedMore }),
        LineEnd::None => {}
    }
    let mut position = start;
    let mut column = 0;
    loop {
        let fault = |kind, at| Fault { kind, at, column };
        let (content, after) = if bytes.get(position) == Some(&QUOTE) {
            match quoted(bytes, position, at_end) {
                Quoted::Closed { content, after } => (content, after),
                Quoted::Open if at_end => return Err(fault(FaultKind::UnterminatedQuote, position)),
                Quoted::Open => return Ok(Step::NeedMore),
            }
        } else {
            let after = match memchr::memchr3(delimiter, b'\n', b'\r', &bytes[position..]) {
                Some(length) => position + length,
                None if at_end => bytes.len(),
                None => return Ok(Step::NeedMore),
            };
            if let Some(quote) = memchr::memchr(QUOTE, &bytes[position..after]) {
                return Err(fault(FaultKind::BareQuote, position + quote));
            }
            (Cell { start: position, end: after, escaped: false }, after)
        };
        let end = match bytes.get(after) {
            Some(&b) if b == delimiter => None,
            None if at_end => Some(after),
            None => return Ok(Step::NeedMore),
            Some(_) => match line_end(bytes, after, at_end) {
                LineEnd::At(end) => Some(end),
                LineEnd::Unknown => return Ok(Step::NeedMore),
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

enum LineEnd {
    /// A terminator that ends before this position.
    At(usize),
    None,
    /// The buffer ends first.
    Unknown,
}

/// LF, CRLF or a lone CR at `at`.
fn line_end(bytes: &[u8], at: usize, at_end: bool) -> LineEnd {
    match (bytes.get(at), bytes.get(at + 1)) {
        (None, _) => LineEnd::Unknown,
        (Some(b'\n'), _) => LineEnd::At(at + 1),
        (Some(b'\r'), Some(b'\n')) => LineEnd::At(at + 2),
        (Some(b'\r'), None) if !at_end => LineEnd::Unknown,
        (Some(b'\r'), _) => LineEnd::At(at + 1),
        (Some(_), _) => LineEnd::None,
    }
}

enum Quoted {
    Closed { content: Cell, after: usize },
    Open,
}

/// The quoted cell whose opening quote stands at `open`.
fn quoted(bytes: &[u8], open: usize, at_end: bool) -> Quoted {
    let start = open + 1;
    let mut escaped = false;
    let mut position = start;
    while let Some(length) = memchr::memchr(QUOTE, &bytes[position..]) {
        let quote = position + length;
        match bytes.get(quote + 1) {
            Some(&QUOTE) => {
                escaped = true;
                position = quote + 2;
            }
            // It may be the first of two.
            None if !at_end => return Quoted::Open,
            _ => return Quoted::Closed { content: Cell { start, end: quote, escaped }, after: quote + 1 },
        }
    }
    Quoted::Open
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
        FaultKind::BareQuote => (
            FailureCode::BareQuote,
            "expected no quote in a field without quotes, found one; put the field in quotes and double each quote inside it".to_owned(),
        ),
        FaultKind::TooFewFields(found) => (
            FailureCode::TooFewFields,
            format!("expected {}, as the header has, found {found}; add the missing ones", fields(expected)),
        ),
        FaultKind::TooManyFields(found) => (
            FailureCode::TooManyFields,
            format!(
                "expected {}, as the header has, found {found}; put a field that has a delimiter in it in quotes",
                fields(expected)
            ),
        ),
        FaultKind::BadByte => {
            (FailureCode::InvalidUtf8, "expected UTF-8, found another byte; save the file as UTF-8".to_owned())
        }
    };
    DataError::new(code, message)
}
