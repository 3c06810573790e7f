//! Decodes base64 within a JSON string, in place.
//!
//! A file is never longer than its base64, so it is written over it, and the body is all that is held in
//! memory. Base64 is strict (padded, canonical, standard alphabet), but line breaks as `base64 FILE` and MIME
//! encoders write them are allowed.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use base64_simd::AsOut;
use dataset_core::{Error, ErrorCode, Result, upload};
use dataset_types::limits::MAX_FILE_BYTES;
use std::ops::Range;

/// Symbols decoded at once, a multiple of four.
const WINDOW: usize = 32 << 10;

/// Decodes `body[string]`, the inside of a well-formed JSON string, which is the value of `field`. Returns
/// where in `body` the file is now.
///
/// # Errors
/// `invalid_base64` with the offset of the first wrong character in the text that the string stands for;
/// `empty_file`; `file_too_large`.
pub(crate) fn decode(body: &mut [u8], string: Range<usize>, field: &str) -> Result<Range<usize>> {
    decode_inside(body, string).map_err(|error| match error.code() {
        ErrorCode::InvalidBase64 => Error::refused(ErrorCode::InvalidBase64, format!("{field} {error}")),
        _ => error,
    })
}

fn decode_inside(body: &mut [u8], string: Range<usize>) -> Result<Range<usize>> {
    let start = string.start;
    let mut decoder = Decoder {
        body: &mut body[string],
        written: 0,
        window: vec![0; WINDOW],
        quad: [0; 4],
        quad_length: 0,
        offset: 0,
        padded: false,
    };
    let mut at = 0;
    while at < decoder.body.len() {
        let plain = memchr::memchr(b'\\', &decoder.body[at..]).unwrap_or(decoder.body.len() - at);
        decoder.push(at..at + plain)?;
        at += plain;
        if at < decoder.body.len() {
            let (symbol, length) = unescape(&decoder.body[at..]);
            match symbol {
                Some(b'\r' | b'\n') => decoder.offset += 1,
                Some(symbol) => decoder.push_symbol(symbol)?,
                None => return Err(invalid(decoder.offset, "is not in the base64 alphabet")),
            }
            at += length;
        }
    }
    let length = decoder.finish()?;
    Ok(start..start + length)
}

/// The ASCII character that an escape stands for, and the escape's length.
fn unescape(escape: &[u8]) -> (Option<u8>, usize) {
    match escape.get(1) {
        Some(b'n') => (Some(b'\n'), 2),
        Some(b'r') => (Some(b'\r'), 2),
        Some(b'/') => (Some(b'/'), 2),
        Some(b'u') => {
            let code = escape.get(2..6).and_then(|hex| std::str::from_utf8(hex).ok());
            let code = code.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(u8::is_ascii);
            (code, 6)
        }
        _ => (None, 2),
    }
}

struct Decoder<'a> {
    /// The string; its start is overwritten with the file.
    body: &'a mut [u8],
    /// Bytes of the file so far.
    written: usize,
    /// A copy of the symbols to decode, since input and output may overlap.
    window: Vec<u8>,
    /// Symbols of an incomplete group of four.
    quad: [u8; 4],
    quad_length: usize,
    /// Characters read of the text, line breaks included.
    offset: usize,
    /// Padding has been seen, so nothing may follow.
    padded: bool,
}

impl Decoder<'_> {
    /// Takes the symbols that stand in `body[symbols]`.
    fn push(&mut self, mut symbols: Range<usize>) -> Result<()> {
        while self.quad_length > 0 && !symbols.is_empty() {
            self.push_symbol(self.body[symbols.start])?;
            symbols.start += 1;
        }
        while symbols.len() >= 4 {
            let length = symbols.len().min(WINDOW) / 4 * 4;
            self.window[..length].copy_from_slice(&self.body[symbols.start..symbols.start + length]);
            self.decode(length)?;
            symbols.start += length;
        }
        for at in symbols {
            self.push_symbol(self.body[at])?;
        }
        Ok(())
    }

    fn push_symbol(&mut self, symbol: u8) -> Result<()> {
        self.quad[self.quad_length] = symbol;
        self.quad_length += 1;
        self.offset += 1;
        if self.quad_length == 4 {
            self.quad_length = 0;
            self.offset -= 4;
            self.window[..4].copy_from_slice(&self.quad);
            self.decode(4)?;
        }
        Ok(())
    }

    /// Decodes the first symbols of the window, a multiple of four, that start at `offset`.
    fn decode(&mut self, length: usize) -> Result<()> {
        if self.padded {
            return Err(invalid(self.offset, "follows the padding, which must be the end"));
        }
        let symbols = &self.window[..length];
        let file = &mut self.body[self.written..self.written + length / 4 * 3];
        let decoded = base64_simd::STANDARD.decode(symbols, file.as_out()).map(|decoded| decoded.len());
        // `base64` says where an error is; `base64_simd` does not.
        let decoded = decoded.or_else(|_| STANDARD.decode_slice_unchecked(symbols, file));
        self.written += decoded.map_err(|error| self.error(&error))?;
        self.padded = symbols.ends_with(b"=");
        self.offset += length;
        if self.written as u64 > MAX_FILE_BYTES {
            return Err(upload::too_large());
        }
        Ok(())
    }

    fn error(&self, error: &DecodeError) -> Error {
        match *error {
            DecodeError::InvalidByte(at, byte) => {
                let at = self.offset + at;
                invalid(
                    at,
                    match byte {
                        b'-' | b'_' => "is of base64 for URLs; send standard base64, with + and /",
                        b':' if at == "data".len() => {
                            "looks like the start of a data: URL; send what stands behind its comma"
                        }
                        _ => "is not in the base64 alphabet, or is padding before the end",
                    },
                )
            }
            DecodeError::InvalidLastSymbol { offset, .. } => {
                invalid(self.offset + offset, "is not how an encoder ends the text; the text may have been cut")
            }
            _ => invalid(self.offset, "does not belong to a whole group of four; the text may have been cut"),
        }
    }

    fn finish(self) -> Result<usize> {
        if self.quad_length > 0 {
            let message = "ends the text within a group of four; padding is missing, or the text has been cut";
            return Err(invalid(self.offset, message));
        }
        upload::check_size(self.written as u64)?;
        Ok(self.written)
    }
}

fn invalid(offset: usize, what: &str) -> Error {
    Error::refused(ErrorCode::InvalidBase64, format!("is not valid base64: the character at offset {offset} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &[u8]) -> Result<Vec<u8>> {
        let mut body = [b"{\"f\":\"", text, b"\"}"].concat();
        let file = super::decode(&mut body, 6..6 + text.len(), "f")?;
        assert!(body.ends_with(b"\"}"), "what stands behind the string stays");
        Ok(body[file].to_vec())
    }

    #[test]
    fn strict_but_for_line_breaks() {
        for (text, expected) in [
            ("YQ==", Ok("a")),
            ("YWI=", Ok("ab")),
            ("YWJj", Ok("abc")),
            (r"YW\nJj\r\nZA==\n", Ok("abcd")),
            (r"\/\/8\u003d", Err(("invalid_base64", None))),
            (r"Pz8\/", Ok("???")),
            (r"Pz8\u002F", Ok("???")),
            ("YQ", Err(("invalid_base64", Some(2)))),
            ("YQ=", Err(("invalid_base64", Some(3)))),
            ("YR==", Err(("invalid_base64", Some(1)))),
            ("YQ ==", Err(("invalid_base64", Some(2)))),
            ("_-8=", Err(("invalid_base64", Some(0)))),
            ("data:text/csv;base64,YQ==", Err(("invalid_base64", Some(4)))),
            ("====", Err(("invalid_base64", Some(0)))),
            ("YQ==YQ==", Err(("invalid_base64", Some(2)))),
            (r"YQ==\nYQ==", Err(("invalid_base64", Some(5)))),
            ("ＹＱ", Err(("invalid_base64", Some(0)))),
            (r"Y\tQ==", Err(("invalid_base64", Some(1)))),
            ("", Err(("empty_file", None))),
            (r"\n", Err(("empty_file", None))),
        ] {
            match (decode(text.as_bytes()), expected) {
                (Ok(file), Ok(expected)) => assert_eq!(file, expected.as_bytes(), "{text}"),
                (Ok(file), Err(_)) if text.starts_with(r"\/") => assert_eq!(file, [0xFF, 0xFF]),
                (Err(error), Err((code, offset))) => {
                    assert_eq!(error.code().name(), code, "{text}");
                    if let Some(offset) = offset {
                        assert!(error.to_string().contains(&format!("offset {offset} ")), "{text}: {error}");
                    }
                }
                (got, expected) => panic!("{text}: {got:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn what_is_nearly_base64_is_told_as_what_it_is() {
        for (text, says) in
            [("_-8=", "base64 for URLs"), ("YWJj-w==", "base64 for URLs"), ("data:text/csv;base64,YQ==", "data: URL")]
        {
            assert!(decode(text.as_bytes()).unwrap_err().to_string().contains(says), "{text}");
        }
    }

    #[test]
    fn long_texts_with_and_without_line_breaks() {
        let file: Vec<u8> = (0..200_001u32).map(|n| (n * 31 % 251) as u8).collect();
        let text = STANDARD.encode(&file);
        assert_eq!(decode(text.as_bytes()).unwrap(), file);
        for (width, end) in [(76, r"\n"), (76, r"\r\n"), (75, r"\n"), (1, r"\n")] {
            let lines: Vec<&str> = text.as_bytes().chunks(width).map(|l| std::str::from_utf8(l).unwrap()).collect();
            assert_eq!(decode(lines.join(end).as_bytes()).unwrap(), file, "lines of {width}");
        }
    }

    #[test]
    fn exactly_the_limit_is_taken_and_a_byte_more_is_not() {
        let most = usize::try_from(MAX_FILE_BYTES).unwrap();
        let text = STANDARD.encode(vec![b'x'; most]);
        assert_eq!(decode(text.as_bytes()).unwrap().len(), most);
        let text = STANDARD.encode(vec![b'x'; most + 1]);
        assert_eq!(decode(text.as_bytes()).unwrap_err().code(), ErrorCode::FileTooLarge);
    }
}
