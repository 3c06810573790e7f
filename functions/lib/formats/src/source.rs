//! Sources of files, and how text files are opened.

use crate::error::{DataError, Result};
use crate::limits::Limits;
use crate::utf16::Utf16;
use crate::window::Window;
use dataset_types::{FailureCode, Format};
use std::io::{self, Read};
use std::ops::Range;

/// A file that can be opened several times: JSON is read twice if later rows do not
/// fit the columns of the first ones.
pub trait Source {
    type Reader: Read;

    fn open(&mut self) -> io::Result<Self::Reader>;

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

/// A window at the start of a text, after its byte order mark.
pub(crate) fn open_text<R: Read>(input: R, format: Format, limits: &Limits) -> Result<Window<R>> {
    let mut window = Window::new(input, limits.chunk_bytes);
    window.fill(SIGNATURE_BYTES)?;
    let start = window.bytes();
    check_signature(start, format)?;
    if start.starts_with(UTF16_LITTLE_ENDIAN) {
        window.decode(Utf16::little_endian());
    } else if start.starts_with(UTF16_BIG_ENDIAN) {
        window.decode(Utf16::big_endian());
    }
    window.skip_bom();
    Ok(window)
}

/// Bytes at the start of a file that identify its format.
const SIGNATURE_BYTES: usize = 8;

const UTF16_LITTLE_ENDIAN: &[u8] = b"\xFF\xFE";
const UTF16_BIG_ENDIAN: &[u8] = b"\xFE\xFF";

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
    // Spreadsheets write UTF-16; JSON must be UTF-8 by its standard.
    if format == Format::Json && (start.starts_with(UTF16_LITTLE_ENDIAN) || start.starts_with(UTF16_BIG_ENDIAN)) {
        let message = "expected JSON, which is UTF-8, found UTF-16; save the file as UTF-8 and upload that";
        return Err(DataError::new(FailureCode::UnsupportedEncoding, message));
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
