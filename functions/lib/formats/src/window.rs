//! A window that moves over the bytes of a file.

use crate::error::{DataError, Result};
use crate::utf16::Utf16;
use dataset_types::FailureCode;
use std::io::{self, Read};

/// Bytes that are not allowed in a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadByte {
    NotUtf8,
    /// In a file of UTF-16, which the window holds as UTF-8.
    NotUtf16,
    Nul,
}

/// The part of the file that is being looked at. It grows while a row is
/// incomplete and moves on when rows have been consumed, counting lines.
pub(crate) struct Window<R> {
    input: R,
    /// Where the file is UTF-16.
    decoder: Option<Utf16>,
    buffer: Vec<u8>,
    /// The window is `buffer[start..end]`.
    start: usize,
    end: usize,
    /// `buffer[start..checked]` is UTF-8.
    checked: usize,
    bad: Option<(usize, BadByte)>,
    at_end: bool,
    chunk_bytes: usize,
    /// Where in the file the window starts, in bytes.
    offset: u64,
    /// Line terminators before the window.
    lines: u64,
}

impl<R: Read> Window<R> {
    pub(crate) fn new(input: R, chunk_bytes: usize) -> Self {
        Self {
            input,
            decoder: None,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            checked: 0,
            bad: None,
            at_end: false,
            chunk_bytes,
            offset: 0,
            lines: 0,
        }
    }

    /// The bytes in the window, without an incomplete character at its end.
    pub(crate) fn bytes(&self) -> &[u8] {
        let end = if self.bad.is_some() { self.end } else { self.checked };
        &self.buffer[self.start..end]
    }

    /// Whether nothing follows the window.
    pub(crate) fn at_end(&self) -> bool {
        self.at_end
    }

    /// The first byte of the window that is not allowed.
    pub(crate) fn bad(&self) -> Option<(usize, BadByte)> {
        self.bad.map(|(at, kind)| (at - self.start, kind))
    }

    /// Reads at least a chunk more, and at least as much as the window has, so that
    /// a row of many chunks costs no more than twice its length.
    pub(crate) fn grow(&mut self) -> Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.checked -= self.start;
            self.bad = self.bad.map(|(at, kind)| (at - self.start, kind));
            self.start = 0;
        }
        let wanted = self.end + self.chunk_bytes.max(self.end);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        match self.decoder.take() {
            None => {
                while self.end < wanted && !self.at_end {
                    let length = self.read_to(wanted)?;
                    self.end += length;
                }
            }
            Some(mut decoder) => {
                while self.end < wanted && !self.at_end {
                    let length = self.read_to(wanted)?;
                    let units = &self.buffer[self.end..self.end + length];
                    let mut text = Vec::with_capacity(length * 2);
                    decoder.decode(units, self.at_end, &mut text);
                    self.append(&text);
                }
                self.decoder = Some(decoder);
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

    /// Decodes the window, and what follows, as UTF-16.
    pub(crate) fn decode(&mut self, mut decoder: Utf16) {
        let mut text = Vec::new();
        decoder.decode(&self.buffer[self.start..self.end], self.at_end, &mut text);
        self.decoder = Some(decoder);
        (self.start, self.end, self.checked, self.bad) = (0, 0, 0, None);
        self.append(&text);
        self.check();
    }

    /// Reads until the window has so many bytes, or the file ends.
    pub(crate) fn fill(&mut self, bytes: usize) -> Result<()> {
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
        let nul = memchr::memchr(0, fresh).map(|at| (self.checked + at, BadByte::Nul));
        let (valid, bad) = match simdutf8::compat::from_utf8(fresh) {
            Ok(_) => (fresh.len(), None),
            // A character that is cut by the end of the chunk is checked again.
            Err(e) if e.error_len().is_none() && !self.at_end => (e.valid_up_to(), None),
            Err(e) => {
                let kind = if self.decoder.is_some() { BadByte::NotUtf16 } else { BadByte::NotUtf8 };
                (e.valid_up_to(), Some((self.checked + e.valid_up_to(), kind)))
            }
        };
        self.bad = match (nul, bad) {
            (Some(nul), Some(bad)) => Some(if nul.0 < bad.0 { nul } else { bad }),
            (nul, bad) => nul.or(bad),
        };
        self.checked += valid;
    }

    /// Moves the start of the window. If the consumed part ends in a CR, the next
    /// byte must be in the window, or the file must have ended.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.lines += self.line_ends(bytes);
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Consumes the whole window, without a CR at its end, which an LF may follow.
    pub(crate) fn consume_all(&mut self) {
        let bytes = self.bytes();
        let kept = usize::from(bytes.ends_with(b"\r") && !self.at_end);
        self.consume(bytes.len() - kept);
    }

    /// Skips a byte order mark, which is no part of any line.
    pub(crate) fn skip_bom(&mut self) {
        if self.bytes().starts_with(b"\xEF\xBB\xBF") {
            self.consume(3);
        }
    }

    /// The line, from 1, on which the byte `at` of the window stands.
    pub(crate) fn line_at(&self, at: usize) -> u64 {
        self.lines + self.line_ends(at) + 1
    }

    /// Line terminators that end within the first `length` bytes of the window.
    fn line_ends(&self, length: usize) -> u64 {
        let bytes = self.bytes();
        let part = &bytes[..length];
        let feeds = memchr::memchr_iter(b'\n', part).count();
        let lone = memchr::memchr_iter(b'\r', part).filter(|at| bytes.get(at + 1) != Some(&b'\n')).count();
        (feeds + lone) as u64
    }

    /// The error for the window's bad byte.
    pub(crate) fn bad_byte(&self, at: usize, kind: BadByte) -> DataError {
        let offset = self.offset + at as u64;
        let error = match kind {
            BadByte::NotUtf8 => DataError::new(
                FailureCode::InvalidUtf8,
                format!(
                    "expected UTF-8, found another byte at offset {offset}, as in Latin-1 or Windows-1252; save the file as UTF-8 and upload it again"
                ),
            ),
            BadByte::NotUtf16 => DataError::new(
                FailureCode::InvalidUtf16,
                "expected UTF-16, as the file's first bytes say, found half of a character; save the file as UTF-8 and upload it again",
            ),
            BadByte::Nul => DataError::new(
                FailureCode::NulByte,
                format!(
                    "expected text, found a NUL byte at offset {offset}, as in a binary file or UTF-16 without a byte order mark; save the file as UTF-8 and upload it again"
                ),
            ),
        };
        error.at_line(self.line_at(at))
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
        for (file, expected) in [
            (&b"ab\xE9cd"[..], Some((2, BadByte::NotUtf8))),
            (b"ab\0\xFF", Some((2, BadByte::Nul))),
            (b"ab\xFF\0", Some((2, BadByte::NotUtf8))),
            (b"ab\xC3", Some((2, BadByte::NotUtf8))),
            ("aé😀z".as_bytes(), None),
        ] {
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
