//! A canonical form of values: equal values are equal bytes, whatever the type of
//! their column. 1, 1.0 and the JSON text `1` are one number.

use super::super::cell::CellRef;
use crate::json::{Parsed, all_digits, number, unescape};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const DOUBLE: u8 = 4;
const TEXT: u8 = 5;
const DECIMAL: u8 = 6;
const LIST: u8 = 7;
const OBJECT: u8 = 8;
/// Of a list or an object.
const END: u8 = 9;

/// Appends the value; none is the beginning of another.
pub(super) fn write_canonical(cell: CellRef<'_>, out: &mut Vec<u8>) {
    match cell {
        CellRef::Null => out.push(NULL),
        CellRef::Bool(value) => out.push(if value { TRUE } else { FALSE }),
        CellRef::Int(value) => write_integer(value.into(), out),
        CellRef::UInt(value) => write_integer(value.into(), out),
        CellRef::Double(value) => write_double(value, out),
        CellRef::Text(text) => write_text(TEXT, text.as_bytes(), out),
        CellRef::Json(text) => write_json(text, out),
    }
}

/// The same for the text that the value has in CSV.
pub(super) fn write_as_in_csv(cell: CellRef<'_>, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    // Only memory is written to.
    let _ = cell.write_csv(&mut text);
    write_text(TEXT, &text, out);
}

fn write_integer(value: i128, out: &mut Vec<u8>) {
    out.push(INTEGER);
    out.extend_from_slice(&value.to_le_bytes());
}

fn write_double(value: f64, out: &mut Vec<u8>) {
    // No integer type holds more.
    let is_integer = value.fract() == 0.0 && value.abs() < 2f64.powi(64);
    if is_integer {
        return write_integer(value as i128, out);
    }
    out.push(DOUBLE);
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

fn write_text(kind: u8, text: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&text.len().to_le_bytes());
    out.extend_from_slice(text);
}

/// Appends a value that has been checked when it was taken in. What is nested is compared by value, too: the
/// members of an object are in no order.
fn write_json(text: &str, out: &mut Vec<u8>) {
    let end = write_value(text, 0, out);
    debug_assert_eq!(text[end..].trim_ascii(), "", "one value");
}

/// Appends the value from `at` on, and returns where it ends.
fn write_value(text: &str, at: usize, out: &mut Vec<u8>) -> usize {
    let start = skip_space(text, at);
    match text.as_bytes().get(start) {
        Some(b'n') => word(NULL, start + "null".len(), out),
        Some(b'f') => word(FALSE, start + "false".len(), out),
        Some(b't') => word(TRUE, start + "true".len(), out),
        Some(b'"') => {
            let mut string = Vec::new();
            let end = read_string(text, start, &mut string);
            write_text(TEXT, &string, out);
            end
        }
        Some(b'[') => {
            out.push(LIST);
            let end = each_part(text, start, |at| write_value(text, at, out));
            out.push(END);
            end
        }
        Some(b'{') => {
            let mut members = Vec::new();
            let end = each_part(text, start, |at| {
                let (mut key, mut value) = (Vec::new(), Vec::new());
                let colon = skip_space(text, read_string(text, skip_space(text, at), &mut key));
                let end = write_value(text, colon + 1, &mut value);
                members.push((key, value));
                end
            });
            members.sort_unstable();
            out.push(OBJECT);
            for (key, value) in members {
                write_text(TEXT, &key, out);
                out.extend(value);
            }
            out.push(END);
            end
        }
        _ => {
            let rest = &text[start..];
            let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
            let length = rest.bytes().position(|byte| !is_part(byte)).unwrap_or(rest.len());
            write_number(&rest[..length], out);
            // Nothing is read twice, even of what should not be there.
            start + length.max(1)
        }
    }
}

fn word(tag: u8, end: usize, out: &mut Vec<u8>) -> usize {
    out.push(tag);
    end
}

fn skip_space(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len())
}

/// Appends what the string at `start` stands for, and returns where it ends.
fn read_string(text: &str, start: usize, out: &mut Vec<u8>) -> usize {
    let bytes = text.as_bytes();
    let mut end = start + 1;
    while let Some(length) = memchr::memchr2(b'"', b'\\', bytes.get(end..).unwrap_or_default()) {
        end += length;
        if bytes[end] == b'"' {
            break;
        }
        end += 2;
    }
    let end = end.min(bytes.len());
    unescape(bytes, (start + 1).min(end), end, |piece, start, end| out.extend_from_slice(&piece[start..end]));
    (end + 1).min(bytes.len())
}

/// Goes through the elements or members of what opens at `start`, and returns where it ends. `part` returns
/// where a part ends.
fn each_part(text: &str, start: usize, mut part: impl FnMut(usize) -> usize) -> usize {
    let mut at = skip_space(text, start + 1);
    loop {
        match text.as_bytes().get(at) {
            None => return text.len(),
            Some(b']' | b'}') => return at + 1,
            Some(b',') => at = skip_space(text, at + 1),
            Some(_) => at = skip_space(text, part(at)),
        }
    }
}

fn write_number(text: &str, out: &mut Vec<u8>) {
    match number(text) {
        Parsed::Int(value) => write_integer(value.into(), out),
        Parsed::UInt(value) => write_integer(value.into(), out),
        Parsed::Double(value) => write_double(value, out),
        _ => {
            let (digits, exponent) = all_digits(text);
            out.push(DECIMAL);
            out.push(u8::from(text.starts_with('-')));
            out.extend_from_slice(&exponent.to_le_bytes());
            write_text(TEXT, digits.as_bytes(), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_of_any_column_are_equal() {
        use CellRef::{Bool, Double, Int, Json, Null, Text, UInt};
        let classes: &[&[CellRef<'_>]] = &[
            &[Null, Json("null")],
            &[Bool(true), Json("true")],
            &[Bool(false), Json("false")],
            &[Int(0), UInt(0), Double(0.0), Double(-0.0), Json("0"), Json("-0"), Json("0.0")],
            &[Int(1), UInt(1), Double(1.0), Json("1"), Json("1.0"), Json("10e-1")],
            &[UInt(1 << 63), Double(2f64.powi(63)), Json("9223372036854775808")],
            &[UInt(u64::MAX), Json("18446744073709551615")],
            &[Double(2f64.powi(64))],
            &[Json("18446744073709551616"), Json("184467440737095516160e-1")],
            &[Json("1e400"), Json("10E+399")],
            &[Json("-1e400")],
            &[Double(1.5), Json("1.5"), Json("15e-1")],
            &[Json("0.1000000000000000055511151231257827")],
            &[Text("1"), Json("\"1\"")],
            &[Text("é\n"), Json(r#""\u00e9\n""#)],
            &[Text(""), Json("\"\"")],
            &[Text("[1]")],
            &[Json("[1]"), Json("[ 1\n]"), Json("[1.0]")],
            &[Json("[1,[2]]")],
            &[Json("[1,2]")],
            &[Json("[]"), Json(" [ ] ")],
            &[Json("{}")],
            &[Json("[[],[]]")],
            &[Json("[[[]]]")],
            &[Json(r#"{"a b":"c \" d "}"#), Json("{ \"a b\" : \"c \\\" d \" }")],
            &[Json(r#"{"ab":"c \" d "}"#)],
            &[Json(r#"{"a":1,"b":["café",{"c":null}]}"#), Json(r#"{"b":["caf\u00e9",{"c":null}],"\u0061":1e0}"#)],
            &[Json(r#"{"a":1,"b":["cafe",{"c":null}]}"#)],
            &[Json(r#"["\\","\ud83d\ude00"]"#), Json(r#"["\u005c","😀"]"#)],
            &[Json(r#"["\\\"]"]"#)],
        ];
        let written = |cell: &CellRef<'_>| {
            let mut out = Vec::new();
            write_canonical(*cell, &mut out);
            out
        };
        for (number, class) in classes.iter().enumerate() {
            for (other_number, other) in classes.iter().enumerate() {
                for (a, b) in class.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
                    assert_eq!(written(a) == written(b), number == other_number, "{a:?} and {b:?}");
                }
            }
        }
    }
}
