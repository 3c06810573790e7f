//! Decodes base64 within a JSON string, in place.
//!
//! A file is never longer than its base64, so it is written over it, and the body is all that is held in memory.

use dataset_core::Result;
use dataset_core::base64::{Decoder, Target, of_field, unescape};
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
    let start = string.start;
    let length = decode_inside(&mut body[string]).map_err(|error| of_field(field, error))?;
    Ok(start..start + length)
}

/// The string, whose start is overwritten with the file.
struct InPlace<'a> {
    body: &'a mut [u8],
    written: usize,
}

impl Target for InPlace<'_> {
    fn room(&mut self, bytes: usize) -> &mut [u8] {
        &mut self.body[self.written..self.written + bytes]
    }

    fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
    }
}

fn decode_inside(body: &mut [u8]) -> Result<usize> {
    let (mut decoder, mut place) = (Decoder::default(), InPlace { body, written: 0 });
    // A copy of the symbols to decode, since input and output may overlap.
    let mut window = vec![0; WINDOW];
    let mut at = 0;
    while at < place.body.len() {
        let plain = memchr::memchr(b'\\', &place.body[at..]).unwrap_or(place.body.len() - at);
        let end = at + plain;
        while at < end {
            let length = WINDOW.min(end - at);
            window[..length].copy_from_slice(&place.body[at..at + length]);
            decoder.push(&window[..length], &mut place)?;
            at += length;
        }
        if at < place.body.len() {
            let (symbol, length) = unescape(&place.body[at..]);
            decoder.push_escaped(symbol, &mut place)?;
            at += length;
        }
    }
    decoder.finish()?;
    Ok(place.written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use dataset_core::ErrorCode;
    use dataset_types::limits::MAX_FILE_BYTES;

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
            ("YQ", Err(("invalid_base64", Some(0)))),
            ("YQ=", Err(("invalid_base64", Some(0)))),
            ("!!!", Err(("invalid_base64", Some(0)))),
            ("YWJjY!", Err(("invalid_base64", Some(5)))),
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
