//! Base64 out of a JSON string, without a copy of the text.
//!
//! The string is looked at as it stands in the body, escapes and all, and
//! decoded piece by piece into the file: the body and the file are all that is
//! ever held. Base64 is strict (padded, canonical, standard alphabet), but
//! for the line breaks that `base64 FILE` and MIME encoders write.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use dataset_core::upload::MAX_FILE_BYTES;
use dataset_core::{Error, Result, upload};

/// Symbols that are decoded at once; a multiple of four.
const WINDOW: usize = 64 << 10;

/// Decodes what stands between the quotes of a JSON string that is known to
/// be well formed.
///
/// # Errors
/// `invalid_base64` with the offset of the first wrong character in the text
/// that the string stands for; `empty_file`; `file_too_large`.
pub(crate) fn decode(string: &[u8]) -> Result<Vec<u8>> {
    let most = usize::try_from(MAX_FILE_BYTES).unwrap_or(usize::MAX) + 1;
    let mut decoder = Decoder {
        file: Vec::with_capacity((string.len() / 4 * 3 + 3).min(most + WINDOW)),
        quad: [0; 4],
        quad_length: 0,
        offset: 0,
        padded: false,
    };
    let mut rest = string;
    while !rest.is_empty() {
        let plain = rest.iter().position(|b| *b == b'\\').unwrap_or(rest.len());
        decoder.push(&rest[..plain])?;
        rest = &rest[plain..];
        if !rest.is_empty() {
            let (symbol, length) = unescape(rest);
            match symbol {
                Some(b'\r' | b'\n') => decoder.offset += 1,
                Some(symbol) => decoder.push(&[symbol])?,
                None => return Err(invalid(decoder.offset, "is not in the base64 alphabet")),
            }
            rest = &rest[length..];
        }
    }
    decoder.finish()
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

struct Decoder {
    file: Vec<u8>,
    /// Symbols that don't make up four yet.
    quad: [u8; 4],
    quad_length: usize,
    /// How far the text has been read, line breaks counted, in characters.
    offset: usize,
    /// Padding has been seen, so nothing may follow.
    padded: bool,
}

impl Decoder {
    fn push(&mut self, mut symbols: &[u8]) -> Result<()> {
        while self.quad_length > 0 && !symbols.is_empty() {
            self.quad[self.quad_length] = symbols[0];
            self.quad_length += 1;
            symbols = &symbols[1..];
            self.offset += 1;
            if self.quad_length == 4 {
                self.quad_length = 0;
                let quad = self.quad;
                self.offset -= 4;
                self.decode(&quad)?;
            }
        }
        let whole = symbols.len() / 4 * 4;
        for window in symbols[..whole].chunks(WINDOW) {
            self.decode(window)?;
        }
        let left = &symbols[whole..];
        // Only where `quad` is empty is anything left.
        self.quad[..left.len()].copy_from_slice(left);
        self.quad_length += left.len();
        self.offset += left.len();
        Ok(())
    }

    /// Decodes symbols, a multiple of four, that start at `offset`.
    fn decode(&mut self, symbols: &[u8]) -> Result<()> {
        if self.padded {
            return Err(invalid(self.offset, "follows the padding, which must be the end"));
        }
        let start = self.file.len();
        self.file.resize(start + symbols.len() / 4 * 3, 0);
        let written = STANDARD.decode_slice_unchecked(symbols, &mut self.file[start..]);
        let written = written.map_err(|error| self.error(&error))?;
        self.file.truncate(start + written);
        self.padded = symbols.ends_with(b"=");
        self.offset += symbols.len();
        if self.file.len() as u64 > MAX_FILE_BYTES {
            return Err(upload::too_large(self.file.len() as u64));
        }
        Ok(())
    }

    fn error(&self, error: &DecodeError) -> Error {
        match *error {
            DecodeError::InvalidByte(at, _) => {
                invalid(self.offset + at, "is not in the base64 alphabet, or is padding before the end")
            }
            DecodeError::InvalidLastSymbol { offset, .. } => {
                invalid(self.offset + offset, "is not how an encoder ends the text; the text may have been cut")
            }
            _ => invalid(self.offset, "does not belong to a whole group of four; the text may have been cut"),
        }
    }

    fn finish(self) -> Result<Vec<u8>> {
        if self.quad_length > 0 {
            let message = "ends the text within a group of four; padding is missing, or the text has been cut";
            return Err(invalid(self.offset, message));
        }
        upload::check_size(self.file.len() as u64)?;
        Ok(self.file)
    }
}

fn invalid(offset: usize, what: &str) -> Error {
    Error::invalid(
        "invalid_base64",
        format!("file_content_base64 is not valid base64: the character at offset {offset} {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
                    assert_eq!(error.code(), code, "{text}");
                    if let Some(offset) = offset {
                        assert!(error.to_string().contains(&format!("offset {offset} ")), "{text}: {error}");
                    }
                }
                (got, expected) => panic!("{text}: {got:?}, expected {expected:?}"),
            }
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
        assert_eq!(decode(text.as_bytes()).unwrap_err().code(), "file_too_large");
    }
}
