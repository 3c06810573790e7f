//! The header: the names of the columns.

use super::dialect::Dialect;
use super::notices::Seen;
use super::record::{self, CellKind, Fault, FaultKind, LineEnds, Step, record};
use crate::error::{DataError, Error, Result};
use crate::limits::Limits;
use crate::names::Names;
use crate::window::Window;
use dataset_types::FailureCode;
use dataset_types::notice::{Notice, NoticeCode};
use std::collections::{HashMap, HashSet};
use std::io::Read;

/// A name for each column, and what was unusual in them.
pub(super) struct Header {
    /// As they stand in the file.
    pub(super) given: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) notices: Vec<Notice>,
    /// Names without quotes around them, but with some in them.
    pub(super) quotes_in_text: Seen,
    pub(super) line_ends: LineEnds,
    /// Where it begins.
    pub(super) line: u64,
}

impl Header {
    pub(super) fn of(
        given: Vec<String>,
        quotes_in_text: Seen,
        line_ends: LineEnds,
        line: u64,
        limits: &Limits,
    ) -> Result<Self, DataError> {
        let (names, notices) = named(&given, limits)?;
        Ok(Self { given, names, notices, quotes_in_text, line_ends, line })
    }
}

/// Reads the first record that is not blank as names. `first` is the first line end, if that is known.
pub(super) fn read<R: Read>(
    window: &mut Window<R>,
    dialect: &Dialect,
    first: Option<LineEnds>,
    limits: &Limits,
) -> Result<Header> {
    let mut line_ends = first;
    loop {
        let (mut given, mut with_quotes) = (Vec::new(), 0);
        let bytes = window.bytes();
        let bad_at = window.bad().unwrap_or(usize::MAX);
        let step =
            record(bytes, 0, window.is_complete(), dialect, line_ends.unwrap_or(LineEnds::Any), |index, cell| {
                if cell.whole_end() >= bad_at {
                    return Err(FaultKind::BadByte);
                }
                // One more than there may be is refused already.
                if index <= limits.max_columns {
                    given.push(cell.text(bytes, dialect));
                    with_quotes += u64::from(cell.kind == CellKind::WithQuotes);
                }
                Ok(())
            });
        match step {
            Ok(Step::Record { end }) if end > limits.max_row_bytes => return Err(header_too_large(window)),
            Ok(Step::Record { end }) => {
                let line = window.line_at(0);
                let mut quotes_in_text = Seen::default();
                quotes_in_text.add(with_quotes, None, window, 0);
                let line_ends = line_ends.unwrap_or_else(|| ends_like(&bytes[..end]));
                let header = Header::of(given, quotes_in_text, line_ends, line, limits).map_err(|e| e.at_line(line))?;
                if line_ends == LineEnds::Feeds {
                    window.count_feeds_alone();
                }
                window.consume(end);
                return Ok(header);
            }
            Ok(Step::Blank { end }) => {
                line_ends.get_or_insert(ends_like(&bytes[..end]));
                window.consume(end);
            }
            Ok(Step::End) => {
                let message = "expected a header and rows, found an empty file; upload a CSV file with a header and at least one row";
                return Err(DataError::new(FailureCode::EmptyFile, message).into());
            }
            Ok(Step::NeedMore) if window.at_end() || window.bytes().len() > limits.max_row_bytes => {
                return Err(header_too_large(window));
            }
            Ok(Step::NeedMore) => window.grow()?,
            Err(fault) => return Err(error(window, &fault).into()),
        }
    }
}

/// The line ends of a file whose first line, or whose first line end, this is.
pub(super) fn ends_like(line: &[u8]) -> LineEnds {
    if line.ends_with(b"\r") { LineEnds::Any } else { LineEnds::Feeds }
}

fn header_too_large<R: Read>(window: &Window<R>) -> Error {
    let message = "expected the end of the header, found none for too long; look for a quote that is not closed";
    DataError::new(FailureCode::RowTooLarge, message).at_line(window.line_at(0)).into()
}

fn error<R: Read>(window: &Window<R>, fault: &Fault) -> DataError {
    match window.bad() {
        Some(at) if fault.kind == FaultKind::BadByte || at <= fault.at => window.bad_byte(at),
        _ => record::describe(fault.kind, 0).at_line(window.line_at(fault.at)),
    }
    .at_column(fault.column, None)
}

/// Gives each column a name of its own: what has none is called by its position, and what has that of an earlier
/// column gets a number. Refused is what is too much, and a NUL, at which many readers end a name.
fn named(given: &[String], limits: &Limits) -> Result<(Vec<String>, Vec<Notice>), DataError> {
    if let Some(column) = given.iter().position(|name| name.contains('\0')) {
        let message = "expected a name, found one with a NUL character in it, as in a binary file or UTF-32; save the file as UTF-8";
        return Err(DataError::new(FailureCode::NulByte, message).at_column(column, None));
    }
    let mut names = Names::new(limits, "leave out those that are not needed, or shorten their names");
    let is_blank = |name: &str| name.trim().is_empty();
    let taken: HashSet<&str> = given.iter().map(String::as_str).filter(|name| !is_blank(name)).collect();
    let (mut made, mut renamed) = (Vec::new(), Vec::new());
    // The number that is tried next for a name.
    let mut next: HashMap<String, u32> = HashMap::new();
    for (index, name) in given.iter().enumerate() {
        let is_blank = is_blank(name);
        let base = if is_blank { format!("column_{}", index + 1) } else { name.clone() };
        if !is_blank && names.find(name).is_none() || is_blank && names.find(&base).is_none() && !taken.contains(&*base)
        {
            names.add(&base, index)?;
        } else {
            let number = next.entry(base.clone()).or_insert(2);
            let free = loop {
                let name = format!("{base}_{number}");
                *number += 1;
                if names.find(&name).is_none() && !taken.contains(&*name) {
                    break name;
                }
            };
            names.add(&free, index)?;
        }
        if is_blank {
            made.push(index);
        } else if names.as_slice()[index] != *name {
            renamed.push(index);
        }
    }
    let names = names.into_vec();
    let of = |indexes: &[usize]| indexes.iter().map(|index| names[*index].as_str()).collect::<Vec<_>>();
    let columns = |count: usize| if count == 1 { "1 column".to_owned() } else { format!("{count} columns") };
    let mut notices = Vec::new();
    let mut notice = |code, columns: &[&str], message: String| {
        if !columns.is_empty() {
            notices.push(Notice::new(code, message).about(columns));
        }
    };
    let message = format!("the header has no name for {}, which is called by its position", columns(made.len()));
    notice(NoticeCode::ColumnNamed, &of(&made), message);
    let message = format!("the header has a name again for {}, which got a number", columns(renamed.len()));
    notice(NoticeCode::ColumnRenamed, &of(&renamed), message);
    let all: Vec<&str> =
        if given.iter().all(|name| is_number(name)) { of(&Vec::from_iter(0..names.len())) } else { vec![] };
    let message = "every name in the header is a number; if that is a row, put a header above it".to_owned();
    notice(NoticeCode::NamesAreNumbers, &all, message);
    let mut folded: HashMap<String, u32> = HashMap::new();
    names.iter().for_each(|name| *folded.entry(name.to_lowercase()).or_default() += 1);
    let alike: Vec<&str> = names.iter().map(String::as_str).filter(|name| folded[&name.to_lowercase()] > 1).collect();
    let message = format!("the names of {} differ in case alone; some readers see one", columns(alike.len()));
    notice(NoticeCode::NamesDifferInCase, &alike, message);
    Ok((names, notices))
}

fn is_number(name: &str) -> bool {
    let name = name.trim();
    name.contains(|c: char| c.is_ascii_digit()) && name.parse().is_ok_and(f64::is_finite)
}
