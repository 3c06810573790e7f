//! The objects of the array, one after another.

use super::object::{Object, Reached};
use super::scan::{Fault, Scan, Stop, skip_space};
use crate::error::{DataError, Error, Result};
use crate::limits::Limits;
use crate::window::Window;
use std::io::Read;

pub(super) struct Rows<'a, R> {
    window: Window<R>,
    limits: &'a Limits,
    /// How far the window has been read.
    position: usize,
    rows: u64,
    done: bool,
}

impl<'a, R: Read> Rows<'a, R> {
    /// Reads up to the bracket that opens the array.
    pub(super) fn begin(mut window: Window<R>, limits: &'a Limits) -> Result<Self> {
        let at = loop {
            match skip_space(window.bytes(), 0) {
                Ok(at) => break at,
                Err(_) if window.at_end() => {
                    let message = "the file is empty; upload an array of objects, like [{\"name\": \"value\"}]";
                    return Err(DataError::new("empty_file", message).into());
                }
                Err(_) => {
                    let length = window.bytes().len();
                    window.consume(length);
                    window.grow()?;
                }
            }
        };
        if window.bytes()[at] != b'[' {
            return Err(not_an_array(&mut window, at, limits)?.into());
        }
        Ok(Self { window, limits, position: at + 1, rows: 0, done: false })
    }

    /// Complete rows so far.
    pub(super) fn count(&self) -> u64 {
        self.rows
    }

    /// Hands the next row to `take`; `false` at the end of the array, with
    /// nothing but white space behind it.
    pub(super) fn next(&mut self, mut take: impl FnMut(&Object<'_>) -> Result<()>) -> Result<bool> {
        while !self.done {
            let mut reached = Reached::default();
            match self.step(&mut reached) {
                Ok(Step::Row { start, end, .. }) if end - start > self.limits.max_row_bytes => {
                    return Err(self.row_too_large(start));
                }
                Ok(Step::Row { object, start, end }) => {
                    let taken = take(&object);
                    if let Err(Error::Data(error)) = taken {
                        return Err(error.at_row(self.rows + 1).at_line(self.window.line_at(start)).into());
                    }
                    taken?;
                    self.position = end;
                    self.rows += 1;
                    return Ok(true);
                }
                Ok(Step::End(end)) => {
                    self.position = end;
                    self.done = true;
                }
                Err(Stop::NeedMore) if self.window.at_end() => {
                    return Err(self.error(Fault::Truncated, self.window.bytes().len(), &reached));
                }
                Err(Stop::NeedMore) => self.grow()?,
                Err(Stop::Fault(fault, at)) => return Err(self.error(fault, at, &reached)),
            }
        }
        self.expect_end()?;
        Ok(false)
    }

    /// The next row, or the array's end.
    fn step(&self, reached: &mut Reached) -> Scan<Step<'_>> {
        let Some((bad, _)) = self.window.bad() else {
            return self.step_in(self.window.bytes(), reached);
        };
        // The scan stops where the bad byte is, so that it knows in which member.
        match self.step_in(&self.window.bytes()[..bad], reached) {
            Err(Stop::NeedMore) => Err(Stop::Fault(Fault::BadByte, bad)),
            other => other,
        }
    }

    fn step_in<'b>(&self, bytes: &'b [u8], reached: &mut Reached) -> Scan<Step<'b>> {
        let mut at = skip_space(bytes, self.position)?;
        if bytes[at] == b']' {
            return Ok(Step::End(at + 1));
        }
        if self.rows > 0 {
            if bytes[at] != b',' {
                return Err(Stop::Fault(Fault::CommaOrBracket, at));
            }
            at = skip_space(bytes, at + 1)?;
            if bytes[at] == b']' {
                return Err(Stop::Fault(Fault::TrailingComma, at));
            }
        }
        let (object, end) = Object::read(bytes, at, self.limits.max_depth, reached)?;
        Ok(Step::Row { object, start: at, end })
    }

    fn grow(&mut self) -> Result<()> {
        self.window.consume(self.position);
        self.position = 0;
        if self.window.bytes().len() > self.limits.max_row_bytes {
            return Err(self.row_too_large(0));
        }
        self.window.grow()
    }

    fn row_too_large(&self, at: usize) -> Error {
        let most = self.limits.max_row_bytes;
        let message = format!(
            "the row has more than {most} bytes; look for a quote or bracket that is not closed, or shorten the row"
        );
        let error = DataError::new("row_too_large", message);
        error.at_row(self.rows + 1).at_line(self.window.line_at(at)).into()
    }

    fn expect_end(&mut self) -> Result<()> {
        loop {
            match skip_space(self.window.bytes(), self.position) {
                Ok(at) => return Err(self.error(Fault::TrailingText, at, &Reached::default())),
                Err(_) if self.window.at_end() => return Ok(()),
                Err(_) => {
                    self.position = self.window.bytes().len();
                    self.window.consume(self.position);
                    self.position = 0;
                    self.window.grow()?;
                }
            }
        }
    }

    fn error(&self, fault: Fault, at: usize, reached: &Reached) -> Error {
        // A byte that is no text may be why the scan stopped.
        let (fault, at) = match self.window.bad() {
            Some((bad, _)) if bad <= at => (Fault::BadByte, bad),
            _ => (fault, at),
        };
        let error = match (fault, self.window.bad()) {
            (Fault::BadByte, Some((bad, kind))) => self.window.bad_byte(bad, kind),
            _ => describe(fault, self.limits).at_line(self.window.line_at(at)),
        };
        match fault {
            Fault::TrailingText => error.into(),
            Fault::NotAnObject => error.at_row(self.rows + 1).into(),
            _ => {
                let key = reached.key(self.window.bytes());
                error.at_row(self.rows + 1).at_column(reached.member, key.as_deref()).into()
            }
        }
    }
}

enum Step<'a> {
    Row { object: Object<'a>, start: usize, end: usize },
    End(usize),
}

/// Whether the file is one object a line, or something else that is no array.
fn not_an_array<R: Read>(window: &mut Window<R>, at: usize, limits: &Limits) -> Result<DataError> {
    loop {
        let fault =
            match (window.bytes()[at], Object::read(window.bytes(), at, limits.max_depth, &mut Reached::default())) {
                (b'{', Ok((_, end))) => match skip_space(window.bytes(), end) {
                    Ok(next) if window.bytes()[next] == b'{' => Fault::JsonLines,
                    Err(_) if !window.at_end() && window.bytes().len() <= limits.max_row_bytes => {
                        window.grow()?;
                        continue;
                    }
                    _ => Fault::Value,
                },
                (b'{', Err(Stop::NeedMore)) if !window.at_end() && window.bytes().len() <= limits.max_row_bytes => {
                    window.grow()?;
                    continue;
                }
                _ => Fault::Value,
            };
        let error = match fault {
            Fault::JsonLines => describe(Fault::JsonLines, limits),
            _ => DataError::new(
                "not_an_array",
                "the file must be a JSON array of objects, like [{'name': 'value'}]; it starts with something else",
            ),
        };
        return Ok(error.at_line(window.line_at(at)));
    }
}

fn describe(fault: Fault, limits: &Limits) -> DataError {
    let depth = limits.max_depth;
    let invalid = |message: &str| DataError::new("invalid_json", message);
    match fault {
        Fault::ControlCharacter => {
            invalid("there is a raw control character in a string; write it as an escape, such as \\n for a line break")
        }
        Fault::Escape => invalid("there is an unknown escape in a string; a backslash is written as two"),
        Fault::LoneSurrogate => DataError::new(
            "lone_surrogate",
            "there is half of a surrogate pair in a string, which stands for no character; export the file as UTF-8",
        ),
        Fault::Number => invalid("there is a number that JSON does not allow; write it like -1.5e3, or as a string"),
        Fault::Literal | Fault::Value => invalid(
            "expected a value: a string, number, object, array, true, false or null; NaN and comments are not JSON",
        ),
        Fault::Key => invalid("expected a key in double quotes"),
        Fault::Colon => invalid("expected a colon after a key"),
        Fault::CommaOrBracket => invalid("expected a comma or the end of the array"),
        Fault::CommaOrBrace => invalid("expected a comma or the end of the object"),
        Fault::TrailingComma => invalid("there is a comma with nothing after it; remove it"),
        Fault::TooDeep => DataError::new(
            "too_deep",
            format!("a value is nested more than {depth} deep; flatten it, or write it as a string"),
        ),
        Fault::NotAnObject => DataError::new(
            "row_not_an_object",
            "every element of the array must be an object, whose keys are the columns; this one is something else",
        ),
        Fault::BadByte => DataError::new("invalid_utf8", "there is a byte that is not UTF-8; save the file as UTF-8"),
        Fault::Truncated => {
            DataError::new("truncated", "the file ends before the array does; it may have been cut, so export it again")
        }
        Fault::TrailingText => DataError::new(
            "text_after_array",
            "there is text after the end of the array; the file must be one array and nothing else",
        ),
        Fault::JsonLines => DataError::new(
            "json_lines",
            "the file is JSON Lines, one object after another; put them into one array, with commas between",
        ),
    }
}
