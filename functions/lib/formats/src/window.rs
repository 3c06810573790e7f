//! A window that moves over the bytes of a file.

use crate::encoding::Decoding;
use crate::error::DataError;
use dataset_types::FailureCode;
use dataset_types::dialect::Encoding;
use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE};
use std::io::{self, Read};
use std::ops::Range;

/// The part of the file that is being looked at, as UTF-8. It grows while a row is
/// incomplete and moves on when rows have been consumed, counting lines.
pub(crate) struct Window<R> {
    input: R,
    /// Where the file is not UTF-8.
    decoding: Option<Decoding>,
    buffer: Vec<u8>,
    /// The window is `buffer[start..end]`.
    start: usize,
    end: usize,
    /// `buffer[start..checked]` is UTF-8.
    checked: usize,
    /// The first byte in the buffer that is part of no character.
    bad: Option<usize>,
    at_end: bool,
    /// Whether the file goes on where the input ends.
    has_more: bool,
    chunk_bytes: usize,
    /// Where in the file the window starts, in bytes.
    offset: u64,
    /// Line terminators before the window.
    lines: u64,
    /// Whether a CR without an LF behind it ends a line.
    cr_ends_lines: bool,
}

impl<R: Read> Window<R> {
    pub(crate) fn new(input: R, chunk_bytes: usize) -> Self {
        Self {
            input,
            decoding: None,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            checked: 0,
            bad: None,
            at_end: false,
            has_more: false,
            chunk_bytes,
            offset: 0,
            lines: 0,
            cr_ends_lines: true,
        }
    }

    /// What has been read and not consumed, as it stands in the file unless that is decoded.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The bytes in the window, without an incomplete character at its end.
    pub(crate) fn bytes(&self) -> &[u8] {
        let end = if self.bad.is_some() { self.end } else { self.checked };
        &self.buffer[self.start..end]
    }

    /// The input is the head of a file.
    pub(crate) fn expect_more(&mut self) {
        self.has_more = true;
    }

    pub(crate) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether nothing more can be read.
    pub(crate) fn at_end(&self) -> bool {
        self.at_end
    }

    /// Whether the file ends with the window.
    pub(crate) fn is_complete(&self) -> bool {
        self.at_end && !self.has_more
    }

    /// The first byte of the window that is part of no character.
    pub(crate) fn bad(&self) -> Option<usize> {
        self.bad.map(|at| at - self.start)
    }

    /// Reads at least a chunk more, and at least as much as the window has, so that
    /// a row of many chunks costs no more than twice its length.
    pub(crate) fn grow(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.checked -= self.start;
            self.bad = self.bad.map(|at| at - self.start);
            self.start = 0;
        }
        let wanted = self.end + self.chunk_bytes.max(self.end);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        match self.decoding.take() {
            None => {
                while self.end < wanted && !self.at_end {
                    let length = self.read_to(wanted)?;
                    self.end += length;
                }
            }
            Some(mut decoding) => {
                while self.end < wanted && !self.at_end {
                    let length = self.read_to(wanted)?;
                    let bytes = &self.buffer[self.end..self.end + length];
                    let mut text = Vec::new();
                    decoding.decode(bytes, self.is_complete(), &mut text);
                    self.append(&text);
                }
                self.decoding = Some(decoding);
            }
        }
        self.check();
        // Releases the memory of a huge row.
        if self.buffer.len() > 8 * wanted {
            self.buffer.truncate(wanted.max(self.end));
            self.buffer.shrink_to_fit();
        }
        Ok(())
    }

    /// Reads once, and returns how many bytes.
    fn read_to(&mut self, end: usize) -> io::Result<usize> {
        loop {
            match self.input.read(&mut self.buffer[self.end..end]) {
                Ok(length) => {
                    self.at_end = length == 0;
                    return Ok(length);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn append(&mut self, text: &[u8]) {
        let end = self.end + text.len();
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        self.buffer[self.end..end].copy_from_slice(text);
        self.end = end;
    }

    /// Begins the text behind a mark of so many bytes, and decodes it. Nothing may have been consumed yet.
    pub(crate) fn start_text(&mut self, encoding: Encoding, mark: usize) {
        if encoding.is_utf8() {
            return self.consume(mark);
        }
        let (mut decoding, mut text) = (Decoding::new(encoding, mark as u64), Vec::new());
        decoding.decode(&self.raw()[mark..], self.is_complete(), &mut text);
        self.decoding = Some(decoding);
        (self.start, self.end, self.checked, self.bad) = (0, 0, 0, None);
        self.append(&text);
        self.check();
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.decoding.as_ref().map_or(UTF_8.into(), Decoding::encoding)
    }

    /// From here on a CR without an LF behind it is text.
    pub(crate) fn count_feeds_alone(&mut self) {
        self.cr_ends_lines = false;
    }

    /// Reads until the window has so many bytes, or the file ends.
    pub(crate) fn fill(&mut self, bytes: usize) -> io::Result<()> {
        while self.bytes().len() < bytes && !self.at_end {
            self.grow()?;
        }
        Ok(())
    }

    /// Checks the bytes that were read since the last check.
    fn check(&mut self) {
        if self.bad.is_some() {
            return;
        }
        let fresh = &self.buffer[self.checked..self.end];
        let (valid, is_bad) = match simdutf8::compat::from_utf8(fresh) {
            Ok(_) => (fresh.len(), false),
            // A character that is cut by the end of the chunk is checked again.
            Err(e) => (e.valid_up_to(), e.error_len().is_some() || self.is_complete()),
        };
        self.checked += valid;
        self.bad = is_bad.then_some(self.checked);
    }

    /// Moves the start of the window. If the consumed part ends in a CR, the next
    /// byte must be in the window, or the file must have ended.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.lines += self.line_ends(0..bytes);
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Consumes the whole window, without a CR at its end, which an LF may follow.
    pub(crate) fn consume_all(&mut self) {
        let bytes = self.bytes();
        let kept = usize::from(bytes.ends_with(b"\r") && !self.at_end);
        self.consume(bytes.len() - kept);
    }

    /// Consumes so many bytes, which may not be in the window yet.
    pub(crate) fn skip(&mut self, mut bytes: u64) -> io::Result<()> {
        while bytes > self.bytes().len() as u64 && !self.at_end {
            let before = self.bytes().len() as u64;
            self.consume_all();
            bytes -= before - self.bytes().len() as u64;
            self.grow()?;
        }
        self.consume(self.bytes().len().min(usize::try_from(bytes).unwrap_or(usize::MAX)));
        Ok(())
    }

    /// The line, from 1, on which the byte `at` of the window stands.
    pub(crate) fn line_at(&self, at: usize) -> u64 {
        self.lines + self.line_ends(0..at) + 1
    }

    /// The lines of places of which each is behind the one before.
    pub(crate) fn lines_at(&self, places: &[usize]) -> Vec<u64> {
        let (mut before, mut line) = (0, self.lines + 1);
        let mut line_at = |place| {
            line += self.line_ends(before..place);
            before = place;
            line
        };
        places.iter().map(|place| line_at(*place)).collect()
    }

    /// Line terminators that end within a part of the window.
    pub(crate) fn line_ends(&self, part: Range<usize>) -> u64 {
        let bytes = self.bytes();
        let (from, part) = (part.start, &bytes[part]);
        let feeds = memchr::memchr_iter(b'\n', part).count();
        if !self.cr_ends_lines {
            return feeds as u64;
        }
        let lone = memchr::memchr_iter(b'\r', part).filter(|at| bytes.get(from + at + 1) != Some(&b'\n')).count();
        (feeds + lone) as u64
    }

    /// The error for the window's bad byte, which stands at `at`.
    pub(crate) fn bad_byte(&self, at: usize) -> DataError {
        let encoding = self.encoding();
        let malformed = self.decoding.as_ref().and_then(Decoding::malformed);
        let offset = malformed.unwrap_or(self.offset + at as u64);
        let is_utf16 = [UTF_16LE, UTF_16BE].contains(&encoding.get());
        let (code, found) = match () {
            () if encoding.is_utf8() => (FailureCode::InvalidUtf8, "another byte"),
            () if is_utf16 => (FailureCode::InvalidUtf16, "half of a character"),
            () => (FailureCode::InvalidUtf8, "bytes that are no character"),
        };
        let which = if encoding.is_utf8() || is_utf16 { "which" } else { "which other" };
        let message = format!(
            "expected {}, found {found} at offset {offset} of the file; say in {which} encoding it is written, or save it as UTF-8",
            encoding.get().name()
        );
        DataError::new(code, message).at_line(self.line_at(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_whatever_ends_them() {
        for chunk in 1..8 {
            let mut window = Window::new(&b"a\r\nb\rc\n\n\xC3\xA9"[..], chunk);
            while !window.at_end() {
                window.grow().unwrap();
            }
            let lines: Vec<u64> = (0..10).map(|at| window.line_at(at)).collect();
            assert_eq!(lines, [1, 1, 1, 2, 2, 3, 3, 4, 5, 5], "chunks of {chunk}");
            assert_eq!(window.bad(), None);
        }
    }

    #[test]
    fn the_first_bad_byte_is_found_at_every_chunk_size() {
        for (file, expected) in
            [(&b"ab\xE9cd"[..], Some(2)), (b"a\0\xFF", Some(2)), (b"ab\xC3", Some(2)), ("aé😀z".as_bytes(), None)]
        {
            for chunk in 1..8 {
                let mut window = Window::new(file, chunk);
                while !window.at_end() {
                    window.grow().unwrap();
                }
                assert_eq!(window.bad(), expected, "{file:?} in chunks of {chunk}");
            }
        }
    }
}
