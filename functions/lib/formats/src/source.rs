//! Sources of files, and how text files are opened.

use crate::encoding;
use crate::error::{DataError, Result};
use crate::limits::Limits;
use crate::lookalikes;
use crate::window::Window;
use dataset_types::dialect::Encoding;
use dataset_types::{FailureCode, Format};
use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A file that can be opened several times: JSON is read twice if later rows do not
/// fit the columns of the first ones.
pub trait Source {
    type Reader: Read;

    fn open(&mut self) -> io::Result<Self::Reader>;

    /// Whether what is read is the whole file. Of its head, the last row may be cut and is left out.
    fn is_whole(&self) -> bool {
        true
    }

    /// The last bytes of a file of at least `length` bytes, if they can be had without reading the rest.
    fn tail(&mut self, bytes: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
        let _ = (bytes, length);
        Ok(None)
    }
}

/// A file on this machine.
pub struct OnDisk<'a>(pub &'a Path);

impl Source for OnDisk<'_> {
    type Reader = File;

    fn open(&mut self) -> io::Result<File> {
        File::open(self.0)
    }

    fn tail(&mut self, bytes: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
        let mut file = self.open()?;
        let size = file.metadata()?.len();
        if size < length {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(size.saturating_sub(bytes)))?;
        let mut tail = Vec::new();
        file.take(bytes).read_to_end(&mut tail)?;
        Ok(Some(tail))
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
