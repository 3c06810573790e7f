//! A canonical form of values: equal values are equal bytes, whatever the type of
//! their column. 1, 1.0 and the JSON text `1` are one number.

use super::super::cell::CellRef;
use crate::json::{Parsed, number};
use std::borrow::Cow;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const DOUBLE: u8 = 4;
const TEXT: u8 = 5;
const JSON: u8 = 6;

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

/// A column of mixed types has plain values too.
fn write_json(text: &str, out: &mut Vec<u8>) {
    let text = text.trim_ascii();
    match text.as_bytes().first() {
        Some(b'n') => out.push(NULL),
        Some(b'f') => out.push(FALSE),
        Some(b't') => out.push(TRUE),
        Some(b'"') => {
            let string: Result<Cow<'_, str>, _> = serde_json::from_str(text);
            write_text(TEXT, string.as_deref().unwrap_or(text).as_bytes(), out);
        }
        Some(b'-' | b'0'..=b'9') => match number(text) {
            Parsed::Int(value) => write_integer(value.into(), out),
            Parsed::UInt(value) => write_integer(value.into(), out),
            Parsed::Double(value) => write_double(value, out),
            _ => write_text(JSON, text.as_bytes(), out),
        },
        _ => write_text(JSON, &compact(text), out),
    }
}

/// JSON without the white space between its tokens.
fn compact(text: &str) -> Vec<u8> {
    let mut compacted = Vec::with_capacity(text.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        if in_string {
            in_string = is_escaped || byte != b'"';
            is_escaped = !is_escaped && byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_string = byte == b'"';
        }
        compacted.push(byte);
    }
    compacted
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
            &[Json("18446744073709551616")],
            &[Double(1.5), Json("1.5"), Json("15e-1")],
            &[Json("0.1000000000000000055511151231257827")],
            &[Text("1"), Json("\"1\"")],
            &[Text("é\n"), Json(r#""\u00e9\n""#)],
            &[Text(""), Json("\"\"")],
            &[Text("[1]")],
            &[Json("[1]"), Json("[ 1\n]")],
            &[Json(r#"{"a b":"c \" d "}"#), Json("{ \"a b\" : \"c \\\" d \" }")],
            &[Json(r#"{"ab":"c \" d "}"#)],
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
