//! Reads the objects of the array, or of JSON Lines, one after another.

use super::describe::describe;
use super::object::{Member, Object};
use super::scan::{Fault, Scan, Specials, Stop, Text};
use crate::error::{DataError, Error, Result};
use crate::limits::Limits;
use crate::window::Window;
use dataset_types::FailureCode;
use dataset_types::dialect::Encoding;
use std::cell::Cell;
use std::io::Read;
use std::ops::Range;

pub(super) struct Rows<'a, R> {
    window: Window<R>,
    specials: Specials,
    limits: &'a Limits,
    /// One object after another, without an array around them.
    is_lines: bool,
    /// The array is part of something.
    is_within: bool,
    place: Position,
    object: Object,
    /// A place of the window and its line, from which lines are counted on.
    counted: Cell<(usize, u64)>,
}

/// Where rows begin.
#[derive(Clone, Copy)]
pub(super) enum Start {
    /// With an array, or with the first of several objects; one object will do if that was said.
    File { may_be_one: bool },
    /// With the array at so many bytes of the text, which is known to be well formed.
    Array(u64),
}

/// How far the rows have been read.
#[derive(Clone, Default)]
pub(super) struct Position {
    /// In the window.
    position: usize,
    /// Where in the window the row stands that was read last.
    row: Range<usize>,
    rows: u64,
    done: bool,
}

/// A complete row.
pub(crate) struct Row<'a> {
    /// What it is part of.
    pub(crate) text: &'a [u8],
    /// Where in the text it begins.
    pub(crate) start: usize,
    pub(crate) members: &'a [Member],
    /// Its length in the text.
    pub(crate) bytes: usize,
}

impl<'a, R: Read> Rows<'a, R> {
    /// Reads up to the first row.
    pub(super) fn begin(mut window: Window<R>, start: Start, limits: &'a Limits) -> Result<Self> {
        if let Start::Array(at) = start {
            window.skip(at)?;
        }
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        let at = loop {
            match window.bytes().iter().position(|byte| !is_space(byte)) {
                Some(at) => break at,
                None if window.at_end() => {
                    let message = "expected an array of objects, found an empty file";
                    return Err(DataError::new(FailureCode::EmptyFile, message).into());
                }
                None => {
                    window.consume_all();
                    window.grow()?;
                }
            }
        };
        let is_array = window.bytes()[at] == b'[';
        let place = Position { position: at + usize::from(is_array), ..Position::default() };
        let (specials, object) = (Specials::default(), Object::default());
        let is_within = matches!(start, Start::Array(_));
        let mut rows =
            Self { window, specials, limits, is_lines: !is_array, is_within, place, object, counted: Cell::default() };
        rows.counted.set((0, rows.window.line_at(0)));
        rows.specials.build(rows.window.bytes());
        if !is_array {
            rows.expect_objects(at, start)?;
        }
        Ok(rows)
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.window.encoding()
    }

    pub(super) fn is_lines(&self) -> bool {
        self.is_lines
    }

    /// Complete rows so far.
    pub(super) fn count(&self) -> u64 {
        self.place.rows
    }

    /// The row that was read last.
    pub(super) fn row(&self) -> Row<'_> {
        let Range { start, .. } = self.place.row;
        Row { text: self.window.bytes(), start, members: &self.object.members, bytes: self.place.row.len() }
    }

    /// The line on which a byte of the row's text stands.
    pub(super) fn line_at(&self, at: usize) -> u64 {
        let (before, line) = match self.counted.get() {
            (before, line) if before <= at => (before, line),
            _ => (0, self.window.line_at(0)),
        };
        let line = line + self.window.line_ends(before..at);
        self.counted.set((at, line));
        line
    }

    /// Reads a row of those that lie wholly in the window; `false` where there
    /// is none, or it has a fault that [`Self::advance`] will tell.
    pub(super) fn advance_within(&mut self) -> bool {
        matches!(self.step(), Ok(true))
    }

    pub(super) fn place(&self) -> Position {
        self.place.clone()
    }

    /// Goes back to a place of which the window still holds what follows.
    pub(super) fn go_back(&mut self, place: Position) {
        self.place = place;
    }

    /// Reads until the window holds so many bytes, or all there are.
    pub(super) fn fill(&mut self, bytes: usize) -> Result<()> {
        self.window.fill(bytes)?;
        self.specials.build(self.window.bytes());
        Ok(())
    }

    /// Reads the next row; `false` at the end of the array, with nothing but white space behind it.
    pub(super) fn advance(&mut self) -> Result<bool> {
        while !self.place.done {
            match self.step() {
                Ok(true) if self.place.row.len() > self.limits.max_row_bytes => {
                    self.place.rows -= 1;
                    return Err(self.row_too_large(self.place.row.start));
                }
                Ok(true) => return Ok(true),
                Ok(false) => self.place.done = true,
                Err(Stop::NeedMore) if self.window.at_end() && (self.is_cut() || self.is_lines && self.is_at_end()) => {
                    self.place.done = true;
                }
                Err(Stop::NeedMore) if self.window.at_end() => {
                    return Err(self.error(Fault::Truncated, self.window.bytes().len()));
                }
                Err(Stop::NeedMore) => self.grow()?,
                Err(Stop::Fault(fault, at)) => return Err(self.error(fault, at)),
            }
        }
        self.expect_end()?;
        Ok(false)
    }

    /// The next row, or `false` at the array's end.
    fn step(&mut self) -> Scan<bool> {
        self.object.clear();
        let bytes = self.window.bytes();
        // The scan stops where a bad byte is, so that it knows in which member.
        let bad = self.window.bad();
        let bytes = &bytes[..bad.unwrap_or(bytes.len())];
        let text = Text {
            bytes,
            specials: &self.specials,
            max_depth: self.limits.max_depth,
            max_members: self.limits.max_columns,
        };
        let row = step(text, &self.place, self.is_lines, &mut self.object).map_err(|stop| match (stop, bad) {
            (Stop::NeedMore, Some(bad)) => Stop::Fault(Fault::BadByte, bad),
            (stop, _) => stop,
        })?;
        self.place.position = row.end;
        if row.is_empty() {
            return Ok(false);
        }
        self.place.row = row;
        self.place.rows += 1;
        Ok(true)
    }

    /// Whether the file goes on where its head ends.
    pub(super) fn is_cut(&self) -> bool {
        self.window.at_end() && !self.window.is_complete()
    }

    /// Whether the window holds all of the rows.
    pub(super) fn is_all(&self) -> bool {
        self.window.at_end()
    }

    /// Whether there is nothing but white space behind the row that was read last.
    fn is_at_end(&self) -> bool {
        self.window.bytes()[self.place.position..].iter().all(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
    }

    fn grow(&mut self) -> Result<()> {
        self.window.consume(self.place.position);
        self.place.position = 0;
        self.counted.set((0, self.window.line_at(0)));
        if self.window.bytes().len() > self.limits.max_row_bytes {
            return Err(self.row_too_large(0));
        }
        self.window.grow()?;
        self.specials.build(self.window.bytes());
        Ok(())
    }

    /// What is wrong with the row that was read last, with its place.
    pub(super) fn refuse(&self, error: DataError) -> Error {
        error.at_row(self.place.rows).at_line(self.window.line_at(self.place.row.start)).into()
    }

    fn row_too_large(&self, at: usize) -> Error {
        let most = self.limits.max_row_bytes;
        let message = format!(
            "expected a row of at most {most} bytes, found more; look for a quote or bracket that is not closed, or shorten the row"
        );
        let error = DataError::new(FailureCode::RowTooLarge, message);
        error.at_row(self.place.rows + 1).at_line(self.window.line_at(at)).into()
    }

    fn expect_end(&mut self) -> Result<()> {
        if self.is_within || self.is_cut() {
            return Ok(());
        }
        loop {
            let bytes = &self.window.bytes()[self.place.position..];
            if let Some(at) = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
                self.object.clear();
                return Err(self.error(Fault::TrailingText, self.place.position + at));
            }
            if self.window.at_end() {
                return Ok(());
            }
            self.window.consume_all();
            self.place.position = 0;
            self.window.grow()?;
        }
    }

    fn error(&self, fault: Fault, at: usize) -> Error {
        // A byte that is no text may be why the scan stopped.
        let (fault, at) = match self.window.bad() {
            Some(bad) if bad <= at => (Fault::BadByte, bad),
            _ => (fault, at),
        };
        let bytes = self.window.bytes();
        let error = match (fault, self.window.bad()) {
            (Fault::BadByte, Some(bad)) => self.window.bad_byte(bad),
            _ => describe(fault, bytes.get(at).copied(), self.limits).at_line(self.window.line_at(at)),
        };
        match fault {
            Fault::TrailingText => error.into(),
            Fault::NotAnObject => error.at_row(self.place.rows + 1).into(),
            _ => {
                let key = self.object.key.as_ref().map(|key| key.of(bytes));
                error.at_row(self.place.rows + 1).at_column(self.object.members.len(), key.as_deref()).into()
            }
        }
    }

    /// Refuses what is neither an array nor at least two objects, one after another.
    fn expect_objects(&mut self, at: usize, start: Start) -> Result<()> {
        loop {
            let bytes = self.window.bytes();
            let text = Text {
                bytes,
                specials: &self.specials,
                max_depth: self.limits.max_depth,
                max_members: self.limits.max_columns,
            };
            let behind = match bytes[at] {
                b'{' if matches!(start, Start::File { may_be_one: true }) => return Ok(()),
                b'{' => self.object.read(text, at).and_then(|end| text.skip_space(end)),
                _ => Err(Stop::Fault(Fault::NotAnArray, at)),
            };
            if behind == Err(Stop::NeedMore)
                && !self.window.at_end()
                && self.window.bytes().len() <= self.limits.max_row_bytes
            {
                self.window.grow()?;
                self.specials.build(self.window.bytes());
                continue;
            }
            if matches!(behind, Ok((_, b'{'))) {
                return Ok(());
            }
            let fault = if bytes[at] == b'{' { Fault::LoneObject } else { Fault::NotAnArray };
            return Err(describe(fault, Some(bytes[at]), self.limits).at_line(self.window.line_at(at)).into());
        }
    }
}

/// Where the next row stands, with the comma before it in an array; where that ends,
/// an empty range behind its bracket.
fn step(text: Text<'_>, place: &Position, is_lines: bool, object: &mut Object) -> Scan<Range<usize>> {
    let (mut at, mut byte) = text.skip_space(place.position)?;
    if is_lines {
        return Ok(at..object.read(text, at)?);
    }
    if byte == b']' {
        return Ok(at + 1..at + 1);
    }
    if place.rows > 0 {
        if byte != b',' {
            return Err(Stop::Fault(Fault::CommaOrBracket, at));
        }
        (at, byte) = text.skip_space(at + 1)?;
        if byte == b']' {
            return Err(Stop::Fault(Fault::TrailingComma, at));
        }
    }
    let end = object.read(text, at)?;
    Ok(at..end)
}
