//! CSV: RFC 4180, strictly, and what spreadsheets really write.

mod dialect;
mod header;
mod record;

use crate::error::{DataError, Error, Result};
use crate::limits::Limits;
use crate::sink::{self, Sink, Summary};
use crate::source::open_text;
use crate::text::TextColumn;
use crate::window::Window;
use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field, Schema};
use record::{Cell, Fault, FaultKind, Step};
use std::io::{Read, Write};
use std::sync::Arc;

pub(crate) fn convert<W: Write + Send>(input: impl Read, out: W, limits: &Limits) -> Result<Summary> {
    let mut window = open_text(input, limits)?;
    let delimiter = dialect::delimiter(&mut window, limits)?;
    let names = header::read(&mut window, delimiter, limits)?;
    let mut rows = Rows { window, delimiter, limits, columns: vec![], names: &names, rows: 0 };
    rows.columns.resize_with(names.len(), TextColumn::new);

    let fields: Vec<Field> = names.iter().map(|name| Field::new(name, DataType::Utf8, false)).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut sink = None;
    let mut out = Some(out);
    loop {
        let more = rows.gather()?;
        if rows.columns[0].len() > 0 {
            let sink = match &mut sink {
                Some(sink) => sink,
                None => {
                    let repeats: Vec<bool> = rows.columns.iter().map(sink::repeats).collect();
                    let out = out.take().expect("the sink is made once");
                    sink.insert(Sink::new(out, schema.clone(), &repeats, limits)?)
                }
            };
            let bytes = rows.bytes();
            let columns = rows.columns.iter_mut().map(|c| Ok(Arc::new(c.finish()?) as ArrayRef));
            sink.write(columns.collect::<Result<_>>()?, bytes)?;
        }
        if !more {
            break;
        }
    }
    match sink {
        Some(sink) => Ok(Summary { rows: sink.close()?, columns: names }),
        None => Err(DataError::new(
            "no_rows",
            "the file has a header but no row under it; add at least one row and upload it again",
        )
        .into()),
    }
}

/// The rows under the header.
struct Rows<'a, R> {
    window: Window<R>,
    delimiter: u8,
    limits: &'a Limits,
    names: &'a [String],
    columns: Vec<TextColumn>,
    /// Rows that are complete.
    rows: u64,
}

impl<R: Read> Rows<'_, R> {
    /// Reads rows until a batch is full; `false` at the end of the file.
    fn gather(&mut self) -> Result<bool> {
        let mut batch_rows = 0;
        loop {
            let (consumed, step) = self.parse(&mut batch_rows)?;
            self.window.consume(consumed);
            if step == Step::End {
                return Ok(false);
            }
            // A cell takes some bytes of memory besides, even an empty one.
            if self.bytes() + batch_rows * self.columns.len() * size_of::<i32>() >= self.limits.batch_bytes {
                return Ok(true);
            }
            if self.window.bytes().len() > self.limits.max_row_bytes {
                return Err(self.row_too_large(0));
            }
            self.window.grow()?;
        }
    }

    /// Parses every complete row of the window.
    fn parse(&mut self, batch_rows: &mut usize) -> Result<(usize, Step)> {
        let bytes = self.window.bytes();
        let bad_at = self.window.bad().map_or(usize::MAX, |(at, _)| at);
        let at_end = self.window.at_end();
        let width = self.columns.len();
        let columns = &mut self.columns;
        let mut position = 0;
        let mut fault = None;
        let mut last = Step::NeedMore;
        while last != Step::End {
            let mut seen = 0;
            let step = record::record(bytes, position, at_end, self.delimiter, |index, cell| {
                seen = index + 1;
                if cell.end > bad_at {
                    return Err(FaultKind::BadByte);
                }
                let Some(column) = columns.get_mut(index) else {
                    // Counted on, so that the error can say how many there are.
                    return Ok(());
                };
                match cell {
                    Cell { escaped: true, .. } => column.push_unescaped(cell.of(bytes)),
                    Cell { .. } => column.push(cell.of(bytes)),
                }
                Ok(())
            });
            match step {
                Ok(Step::Record { end }) if end - position > self.limits.max_row_bytes => {
                    return Err(self.row_too_large(position));
                }
                Ok(Step::Record { end }) if seen == width => {
                    position = end;
                    *batch_rows += 1;
                    self.rows += 1;
                }
                Ok(Step::Record { .. }) => {
                    fault = Some(wrong_width(position, seen, width));
                    break;
                }
                Ok(Step::Blank { end }) => position = end,
                Ok(step @ (Step::NeedMore | Step::End)) => {
                    columns.iter_mut().for_each(|c| c.truncate(*batch_rows));
                    last = step;
                    break;
                }
                Err(found) => {
                    fault = Some(found);
                    break;
                }
            }
        }
        match fault {
            Some(fault) => Err(self.error(&fault)),
            None => Ok((position, last)),
        }
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(TextColumn::bytes).sum()
    }

    fn error(&self, fault: &Fault) -> Error {
        let row = self.rows + 1;
        let error = match (fault.kind, self.window.bad()) {
            (FaultKind::BadByte, Some((at, kind))) => self.window.bad_byte(at, kind),
            (kind, _) => record::describe(kind, self.names.len()).at_line(self.window.line_at(fault.at)),
        };
        let name = self.names.get(fault.column).map(String::as_str);
        error.at_row(row).at_column(fault.column, name).into()
    }

    fn row_too_large(&self, at: usize) -> Error {
        // A quote that is never closed makes the rest of the file one cell.
        let most = self.limits.max_row_bytes;
        DataError::new(
            "row_too_large",
            format!("the row has more than {most} bytes; look for a quote that is not closed, or shorten the row"),
        )
        .at_row(self.rows + 1)
        .at_line(self.window.line_at(at))
        .into()
    }
}

fn wrong_width(at: usize, found: usize, expected: usize) -> Fault {
    let (kind, column) = if found < expected {
        (FaultKind::TooFewFields(found), found)
    } else {
        (FaultKind::TooManyFields(found), expected)
    };
    Fault { kind, at, column }
}

#[cfg(test)]
mod tests;
