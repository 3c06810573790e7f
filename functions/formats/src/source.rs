//! A file as it comes in, and its first look.

use crate::error::{DataError, Result};
use crate::limits::Limits;
use crate::window::Window;
use std::io::{self, Read};

/// A file that can be read from its start as often as it takes: once for CSV,
/// twice for JSON, whose columns and their types are known only at its end.
pub trait Source {
    type Reader: Read;

    fn open(&mut self) -> io::Result<Self::Reader>;
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

/// A window at the start of a text: behind a byte order mark, if there is one.
pub(crate) fn open_text<R: Read>(input: R, limits: &Limits) -> Result<Window<R>> {
    let mut window = Window::new(input, limits.chunk_bytes);
    window.fill(SIGNATURE_BYTES)?;
    check_signature(window.bytes())?;
    window.skip_bom();
    Ok(window)
}

/// As many bytes as tell what a file is.
const SIGNATURE_BYTES: usize = 8;

/// Refuses, by its name, what is no text but is sent as if it were.
fn check_signature(start: &[u8]) -> Result<(), DataError> {
    const SIGNATURES: [(&[u8], &str, &str); 7] = [
        (b"\x1F\x8B", "gzip data", "unpack it first"),
        (b"PK\x03\x04", "a zip archive or an Excel workbook (.xlsx)", "export it as CSV"),
        (b"\xD0\xCF\x11\xE0", "an old Excel workbook (.xls)", "export it as CSV"),
        (b"%PDF-", "a PDF document", "export the table as CSV"),
        (b"PAR1", "a Parquet file", "export it as CSV or JSON"),
        (b"\xFF\xFE", "UTF-16 text", "save it as UTF-8"),
        (b"\xFE\xFF", "UTF-16 text", "save it as UTF-8"),
    ];
    for (signature, what, remedy) in SIGNATURES {
        if start.starts_with(signature) {
            let code = if what.starts_with("UTF-16") { "unsupported_encoding" } else { "unsupported_content" };
            return Err(DataError::new(code, format!("the file is {what}; {remedy} and upload that")));
        }
    }
    Ok(())
}
