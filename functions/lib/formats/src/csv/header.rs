//! The header: the names of the columns.

use super::record::{self, Fault, FaultKind, Step, record};
use crate::error::{DataError, Error, Result};
use crate::limits::Limits;
use crate::names::Names;
use crate::window::Window;
use dataset_types::FailureCode;
use std::io::Read;

/// Reads the first record that is not blank and checks it as names.
pub(super) fn read<R: Read>(window: &mut Window<R>, delimiter: u8, limits: &Limits) -> Result<Vec<String>> {
    loop {
        let mut names = Vec::new();
        let bytes = window.bytes();
        let bad_at = window.bad().map_or(usize::MAX, |(at, _)| at);
        let step = record(bytes, 0, window.at_end(), delimiter, |index, cell| {
            if cell.whole_end(bytes) >= bad_at {
                return Err(FaultKind::BadByte);
            }
            if index > limits.max_columns {
                // One more than there may be is refused already.
                return Ok(());
            }
            let name = String::from_utf8_lossy(cell.of(bytes));
            names.push(if cell.escaped { name.replace("\"\"", "\"") } else { name.into_owned() });
            Ok(())
        });
        match step {
            Ok(Step::Record { end }) if end > limits.max_row_bytes => return Err(header_too_large(window)),
            Ok(Step::Record { end }) => {
                let line = window.line_at(0);
                check(&names, limits).map_err(|e| e.at_line(line))?;
                window.consume(end);
                return Ok(names);
            }
            Ok(Step::Blank { end }) => window.consume(end),
            Ok(Step::End) => {
                let message = "expected a header and rows, found an empty file; upload a CSV file with a header and at least one row";
                return Err(DataError::new(FailureCode::EmptyFile, message).into());
            }
            Ok(Step::NeedMore) if window.bytes().len() > limits.max_row_bytes => return Err(header_too_large(window)),
            Ok(Step::NeedMore) => window.grow()?,
            Err(fault) => return Err(error(window, &fault).into()),
        }
    }
}

fn header_too_large<R: Read>(window: &Window<R>) -> Error {
    let message = "expected the end of the header, found none for too long; look for a quote that is not closed";
    DataError::new(FailureCode::RowTooLarge, message).at_line(window.line_at(0)).into()
}

fn error<R: Read>(window: &Window<R>, fault: &Fault) -> DataError {
    match (fault.kind, window.bad()) {
        (_, Some((at, kind))) if fault.kind == FaultKind::BadByte || at <= fault.at => window.bad_byte(at, kind),
        (kind, _) => record::describe(kind, 0).at_line(window.line_at(fault.at)),
    }
    .at_column(fault.column, None)
}

/// Refuses names that are empty, given twice, or too many.
fn check(names: &[String], limits: &Limits) -> Result<(), DataError> {
    let mut checked = Names::new(limits, "leave out those that are not needed, or shorten their names");
    for (index, name) in names.iter().enumerate() {
        if let Some(before) = checked.find(name) {
            let message = format!(
                "expected each name once, found the same for columns {} and {}; give each column its own",
                before + 1,
                index + 1
            );
            return Err(DataError::new(FailureCode::DuplicateColumn, message).at_column(index, Some(name)));
        }
        checked.add(name, index)?;
    }
    Ok(())
}
