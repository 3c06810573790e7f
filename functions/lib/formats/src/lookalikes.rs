//! Files of text that are no table, whatever their name says.

use crate::error::DataError;
use dataset_types::{FailureCode, Format};

/// Refuses JSON that is called CSV, and a file that is base64 of the file that was meant. `is_whole` is that no more
/// comes behind `start`.
pub(crate) fn check(start: &[u8], is_whole: bool, format: Format) -> Result<(), DataError> {
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
    if format == Format::Csv && is_json(start) {
        let message = "expected CSV, found JSON by its first characters; give the file a name that ends with .json";
        return Err(DataError::new(FailureCode::JsonInCsv, message));
    }
    if is_base64_of_text(start, is_whole) {
        let message = format!("expected {}, found a file that is base64 of a text; encode it once only", format.name());
        return Err(DataError::new(FailureCode::Base64InFile, message));
    }
    Ok(())
}

/// Refuses a page of the web, which no delimiter divides into fields.
pub(crate) fn check_web_page(start: &[u8]) -> Result<(), DataError> {
    let starts = |mark: &[u8]| start.len() >= mark.len() && start[..mark.len()].eq_ignore_ascii_case(mark);
    if starts(b"<!doctype") || starts(b"<html") {
        let message = "expected CSV, found a web page, perhaps one that asks to sign in; download the file itself";
        return Err(DataError::new(FailureCode::WebPage, message).at_line(1));
    }
    Ok(())
}

fn is_json(start: &[u8]) -> bool {
    let mut bytes = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    matches!((bytes.next(), bytes.next()), (Some(b'{'), Some(b'"')) | (Some(b'['), Some(b'{')))
}

/// Fewer symbols than this can be a word.
const MIN_SYMBOLS: usize = 16;

fn is_base64_of_text(start: &[u8], is_whole: bool) -> bool {
    let lines: Vec<&[u8]> =
        start.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    // Encoders break lines after so many symbols, but for the last.
    let Some((last, others)) = lines.split_last() else { return false };
    let whole: &[&[u8]] = if is_whole && !last.is_empty() { &lines } else { others };
    let is_broken_evenly = whole.split_last().is_none_or(|(end, before)| {
        before.iter().all(|line| line.len() == before[0].len() && line.len() % 4 == 0)
            && before.first().is_none_or(|line| end.len() <= line.len())
    });
    let symbols: Vec<u8> = lines.concat();
    if !is_broken_evenly || symbols.len() < MIN_SYMBOLS {
        return false;
    }
    // Of a file that goes on, the last four symbols may be cut.
    let end = if is_whole { symbols.len() } else { symbols.len() / 4 * 4 };
    let Some(text) = decoded(&symbols[..end]) else { return false };
    let is_text = |byte: &u8| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\r' | b'\n');
    let is_table = text.contains(&b'\n') || text.iter().any(|byte| matches!(byte, b',' | b';' | b'\t' | b'{'));
    is_table && text.iter().all(is_text) && without_cut_character(&text)
}

/// The bytes that base64 stands for, if it is that.
fn decoded(symbols: &[u8]) -> Option<Vec<u8>> {
    base64_simd::STANDARD.decode_to_vec(symbols).ok()
}

fn without_cut_character(text: &[u8]) -> bool {
    simdutf8::compat::from_utf8(text).map_or_else(|error| error.error_len().is_none(), |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_table() {
        let encoded = base64_simd::STANDARD.encode_to_string("id,text\r\n1,alpha\r\n2,caf\u{e9}\r\n");
        let wrapped = format!("{}\r\n{}\n", &encoded[..20], &encoded[20..]);
        let json = base64_simd::STANDARD.encode_to_string("[{\"a\":1,\"b\":2}]");
        for (start, format, expected) in [
            (encoded.as_str(), Format::Csv, Some(FailureCode::Base64InFile)),
            (&wrapped, Format::Csv, Some(FailureCode::Base64InFile)),
            (&json, Format::Json, Some(FailureCode::Base64InFile)),
            ("{\"a\":1}\n{\"a\":2}\n", Format::Csv, Some(FailureCode::JsonInCsv)),
            ("[\n {\"a\":1}]", Format::Csv, Some(FailureCode::JsonInCsv)),
            ("\u{FEFF}[{\"a\":1}]", Format::Csv, Some(FailureCode::JsonInCsv)),
            ("{\"a\":1}", Format::Json, None),
            ("text\nyes\nno\nmaybe\nperhaps\n", Format::Csv, None),
            ("words\nabcdefgh\nijklmnop\nqrstuvwx\n", Format::Csv, None),
            ("question\nWhat?\n", Format::Csv, None),
            ("", Format::Csv, None),
        ] {
            let found = check(start.as_bytes(), true, format).err().map(|error| error.code);
            assert_eq!(found, expected, "{start:?}");
        }
        for (start, is_page) in [("<!DOCTYPE html>", true), ("<HTML lang=\"en\">", true), ("<b>,x", false)] {
            assert_eq!(check_web_page(start.as_bytes()).is_err(), is_page, "{start:?}");
        }
    }
}
