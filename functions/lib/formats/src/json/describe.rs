//! Messages for what is wrong with a JSON file.

use super::scan::Fault;
use crate::error::DataError;
use crate::limits::Limits;
use dataset_types::FailureCode;

/// `found` is the byte at which the scan stopped; `None` is the file's end.
pub(super) fn describe(fault: Fault, found: Option<u8>, limits: &Limits) -> DataError {
    let depth = limits.max_depth;
    if found == Some(0) {
        let message = "expected text, found a NUL byte; leave it out, or write it as an escape in a string";
        return DataError::new(FailureCode::NulByte, message);
    }
    let expected = |what: &str, remedy: &str| {
        let found = found.map_or("the end of the file", name);
        DataError::new(FailureCode::InvalidJson, format!("expected {what}, found {found}; {remedy}"))
    };
    let member = "write each member of an object as a key in double quotes, a colon and a value";
    match fault {
        Fault::ControlCharacter => expected(
            "the end of a string",
            "a line break or other control character in a string is written as an escape, such as \\n",
        ),
        Fault::Escape => DataError::new(
            FailureCode::InvalidJson,
            "expected a known escape after a backslash, found something else; a backslash itself is written as two",
        ),
        Fault::LoneSurrogate => DataError::new(
            FailureCode::LoneSurrogate,
            "expected both halves of a surrogate pair, found one, which stands for no character; export the file as UTF-8",
        ),
        Fault::Number => DataError::new(
            FailureCode::InvalidJson,
            "expected a number, found one that JSON does not allow; write it like -1.5e3, or as a string, and -Infinity as null",
        ),
        Fault::Literal | Fault::Value if matches!(found, Some(b'N' | b'I')) => DataError::new(
            FailureCode::InvalidJson,
            "expected a value, found one that JSON does not know, such as NaN or Infinity; write null, as pandas does with to_json and Python with json.dumps once such values are None",
        ),
        Fault::Literal | Fault::Value => expected(
            "a value",
            "a value is a string, number, object, array, true, false or null; NaN and comments are not JSON",
        ),
        Fault::Key => expected("a key in double quotes", member),
        Fault::Colon => expected("a colon after a key", member),
        Fault::CommaOrBracket => {
            expected("a comma or the end of the array", "put a comma between elements and close the array")
        }
        Fault::CommaOrBrace => {
            expected("a comma or the end of the object", "put a comma between members and close the object")
        }
        Fault::TrailingComma => expected("an element after a comma", "remove the comma"),
        Fault::TooDeep => DataError::new(
            FailureCode::TooDeep,
            format!("expected nesting of at most {depth}, found more; flatten the value, or write it as a string"),
        ),
        Fault::TooManyMembers => DataError::new(
            FailureCode::TooManyColumns,
            format!(
                "expected at most {} keys in an object, found more; nest what varies under one key",
                limits.max_columns
            ),
        ),
        Fault::NotAnObject => DataError::new(
            FailureCode::RowNotAnObject,
            format!(
                "expected an object, whose keys are the columns, found {}; make every element of the array an object",
                found.map_or("the end of the file", name)
            ),
        ),
        Fault::BadByte => {
            DataError::new(FailureCode::InvalidUtf8, "expected UTF-8, found another byte; save the file as UTF-8")
        }
        Fault::Truncated => DataError::new(
            FailureCode::Truncated,
            "expected the end of the rows, found the end of the file; it may have been cut, so export it again",
        ),
        Fault::TrailingText => DataError::new(
            FailureCode::TextAfterArray,
            "expected the end of the file after the array, found more; the file must be one array and nothing else",
        ),
        Fault::LoneObject => DataError::new(
            FailureCode::SingleObject,
            "expected an array of objects, found one object; say where in it the rows are with rows_at, or with json_lines that it is the only row",
        ),
        Fault::NotAnArray => DataError::new(
            FailureCode::NotAnArray,
            format!(
                "expected an array of objects, found {}; put the rows into an array",
                found.map_or("the end of the file", name)
            ),
        ),
    }
}

/// What a byte is, without telling which of its kind.
fn name(byte: u8) -> &'static str {
    match byte {
        b'{' => "an object",
        b'[' => "an array",
        b'}' => "a closing brace",
        b']' => "a closing bracket",
        b',' => "a comma",
        b':' => "a colon",
        b'"' => "a string",
        b'\'' => "a single quote",
        b'/' | b'#' => "a comment",
        b'\n' | b'\r' => "a line break",
        b'\t' => "a tab",
        0..=0x1F => "a control character",
        b'0'..=b'9' | b'-' | b'+' | b'.' => "a number",
        b'a'..=b'z' | b'A'..=b'Z' => "a word without quotes",
        _ => "another character",
    }
}
