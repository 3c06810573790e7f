//! Sources of files, and how text files are opened.

use crate::encoding;
use crate::error::{DataError, Result};
use crate::limits::Limits;
use crate::lookalikes;
use crate::window::Window;
use dataset_types::dialect::Encoding;
use dataset_types::{FailureCode, Format};
use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE};
use std::io::{self, Read};
use std::ops::Range;

/// A file that can be opened several times: JSON is read twice if later rows do not
/// fit the columns of the first ones.
pub trait Source {
    type Reader: Read;

    fn open(&mut self) -> io::Result<Self::Reader>;

    /// Whether what is read is the whole file. Of its head, the last row may be cut and is left out.
    fn is_whole(&self) -> bool {
        true
    }

    /// The length of the file in bytes. By default, it is read to its end.
    fn length(&mut self) -> io::Result<u64> {
        io::copy(&mut self.open()?, &mut io::sink())
    }

    /// Reads a range, for formats that have their index at the end. By default, the file is read up to there.
    fn read_range(&mut self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let mut reader = self.open()?;
        io::copy(&mut reader.by_ref().take(range.start), &mut io::sink())?;
        let mut part = Vec::new();
        reader.take(range.end - range.start).read_to_end(&mut part)?;
        Ok(part)
    }
}

impl<F, R> Source for F
where
    F: FnMut() -> io::Result<R>,
    R: Read,
{
    type Reader = R;

    fn open(&mut self) -> io::Result<R> {
        self()
    }
}

/// A file of which only the start may be there, in memory.
pub struct Head<'a> {
    pub bytes: &'a [u8],
    pub is_whole: bool,
}

impl<'a> Source for Head<'a> {
    type Reader = &'a [u8];

    fn open(&mut self) -> io::Result<&'a [u8]> {
        Ok(self.bytes)
    }

    fn is_whole(&self) -> bool {
        self.is_whole
    }
}

/// A window at the start of a text, behind its byte order mark. A mark counts more than the encoding that was
/// said; without either, UTF-16 is known by its first bytes.
pub(crate) fn open_text<S: Source>(
    source: &mut S,
    format: Format,
    encoding: Option<Encoding>,
    limits: &Limits,
) -> Result<Window<S::Reader>> {
    let mut window = Window::new(source.open()?, limits.chunk_bytes);
    if !source.is_whole() {
        window.expect_more();
    }
    window.fill(encoding::SAMPLE_BYTES)?;
    let start = window.raw();
    check_signature(start, format)?;
    lookalikes::check(start, window.is_complete(), format)?;
    let found = match start {
        [0xFF, 0xFE, ..] => Some((UTF_16LE.into(), 2)),
        [0xFE, 0xFF, ..] => Some((UTF_16BE.into(), 2)),
        [0xEF, 0xBB, 0xBF, ..] => Some((UTF_8.into(), 3)),
        start => encoding.or_else(|| encoding::utf16_without_a_mark(start)).map(|encoding| (encoding, 0)),
    };
    if let Some((encoding, mark)) = found {
        window.start_text(encoding, mark);
    }
    Ok(window)
}

/// Refuses files that are no text, and names what they are.
fn check_signature(start: &[u8], format: Format) -> Result<(), DataError> {
    const SIGNATURES: [(&[u8], &str, &str); 6] = [
        (b"\x1F\x8B", "gzip data", "unpack it first"),
        (b"PK\x03\x04", "a zip archive or an Excel workbook (.xlsx)", "export it as CSV"),
        (b"\xD0\xCF\x11\xE0", "an old Excel workbook (.xls)", "export it as CSV"),
        (b"%PDF-", "a PDF document", "export the table as CSV"),
        (b"PAR1\x15", "a Parquet file", "export it as CSV or JSON"),
        (b"\x28\xB5\x2F\xFD", "zstd data", "unpack it first"),
    ];
    let expected = format.name();
    for (signature, found, remedy) in SIGNATURES {
        if start.starts_with(signature) {
            let message = format!("expected {expected}, found {found}; {remedy} and upload that");
            return Err(DataError::new(FailureCode::UnsupportedContent, message));
        }
    }
    Ok(())
}

#[cfg(test)]
#[test]
fn the_length_and_ranges_of_what_is_read_from_its_start() {
    let mut source = || Ok(&b"0123456789"[..]);
    assert_eq!(source.length().expect("it is in memory"), 10);
    for (range, expected) in [(0..4, "0123"), (3..6, "345"), (8..12, "89"), (4..4, "")] {
        assert_eq!(source.read_range(range).expect("it is in memory"), expected.as_bytes());
    }
}
