//! Values, by the type of column that holds them.

use super::scan::{TokenKind, Value, unescape};
use crate::writer::{Cells, Column, ColumnType, Text, is_short};

/// The largest integer up to which a double holds every one.
const MAX_EXACT_INT: u64 = 1 << 53;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Parsed {
    Null,
    Bool(bool),
    Int(i64),
    /// Beyond `i64`.
    UInt(u64),
    /// It gives the number back as it was written, up to its form.
    Double(f64),
    String,
    /// A number that no type here holds, or a nested value.
    Other,
}

impl Parsed {
    pub(crate) fn of(text: &[u8], value: &Value) -> Self {
        match value.kind {
            TokenKind::Null => Parsed::Null,
            TokenKind::Bool(value) => Parsed::Bool(value),
            TokenKind::String { .. } => Parsed::String,
            TokenKind::Nested => Parsed::Other,
            TokenKind::Number => number(std::str::from_utf8(&text[value.start..value.end]).unwrap_or_default()),
        }
    }

    /// Whether a double would change it.
    pub(super) fn is_beyond_double(self) -> bool {
        match self {
            Parsed::Int(value) => value.unsigned_abs() > MAX_EXACT_INT,
            Parsed::UInt(_) => true,
            _ => false,
        }
    }

    /// Appends the value to row `row` of `column`; `false` if the column's type can't hold it.
    pub(super) fn push(self, text: &[u8], value: &Value, row: usize, column: &mut Column) -> bool {
        let (kind, cells) = match (column.kind(), self) {
            // A column fills up with nulls by itself.
            (_, Parsed::Null) => return true,
            (kind, _) => (kind, column.value(row)),
        };
        match (kind, cells, self) {
            (ColumnType::Bool, Cells::Bool(cells), Parsed::Bool(value)) => cells.push(value),
            (ColumnType::Int, Cells::Int(cells), Parsed::Int(value)) if is_short(value) => cells.push(value),
            (ColumnType::Int, Cells::LongInt(cells), Parsed::Int(value)) => cells.push(value),
            (ColumnType::UInt, Cells::UInt(cells), Parsed::UInt(value)) => cells.push(value),
            (ColumnType::UInt, Cells::UInt(cells), Parsed::Int(value)) if value >= 0 => {
                cells.push(value.cast_unsigned());
            }
            (ColumnType::Double, Cells::Double(cells), Parsed::Double(value)) => cells.push(value),
            (ColumnType::Double, Cells::Double(cells), Parsed::Int(value)) if !self.is_beyond_double() => {
                cells.push(value as f64);
            }
            (ColumnType::Text, Cells::Text(cells), Parsed::String) => push_string(text, value, cells),
            (ColumnType::Json, Cells::Text(cells), _) => cells.push(text, value.start, value.end),
            _ => return false,
        }
        true
    }
}

fn push_string(text: &[u8], value: &Value, cells: &mut Text) {
    if value.kind == (TokenKind::String { escaped: false }) {
        cells.push(text, value.start + 1, value.end - 1);
    } else {
        let begin = cells.begin_cell();
        unescape(text, value.start + 1, value.end - 1, |piece, start, end| cells.append(piece, start, end));
        cells.end_cell(begin);
    }
}

/// What a number is by how it is written.
pub(crate) fn number(text: &str) -> Parsed {
    if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return exact(text).map_or(Parsed::Other, Parsed::Double);
    }
    // "-0" is an integer without its sign, as every reader of JSON has it.
    match (text.parse(), text.parse()) {
        (Ok(value), _) => Parsed::Int(value),
        (_, Ok(value)) => Parsed::UInt(value),
        _ => Parsed::Other,
    }
}

/// Any number of so many digits is found again in the double nearest to it.
const ALWAYS_EXACT_DIGITS: usize = 15;

/// The double that gives the number back as it was written, up to its form, if there is one.
fn exact(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    let digits = text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).filter(u8::is_ascii_digit).count();
    let is_normal = double.is_finite() && (1e-300..1e300).contains(&double.abs());
    if digits <= ALWAYS_EXACT_DIGITS && is_normal {
        return Some(double);
    }
    if !double.is_finite() {
        return None;
    }
    // Of two shortest forms that are equally near, others than Rust's own
    // formatting write the even one, as JSON is written here.
    let forms = [format!("{double:e}"), serde_json::to_string(&double).unwrap_or_default()];
    forms.iter().any(|form| decimal(text) == decimal(form)).then_some(double)
}

/// A number's digits without leading and trailing zeros, and the power of ten
/// that its first digit stands for.
pub(crate) fn decimal(text: &str) -> (String, i64) {
    let text = text.trim_start_matches('-');
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let significant = digits.trim_matches('0').to_owned();
    if significant.is_empty() {
        return (significant, 0);
    }
    let exponent: i64 = exponent.parse().unwrap_or(i64::MAX / 2);
    (significant, exponent.saturating_add(whole.len() as i64).saturating_sub(leading as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_is_used_only_where_it_loses_nothing() {
        for (text, is_exact) in [
            ("0.1", true),
            ("1.10", true),
            ("-0.0", true),
            ("0e99999999999", true),
            ("0.001e-9223372036854775808", false),
            ("0.001e9223372036854775807", false),
            ("1e3", true),
            ("1E+3", true),
            ("123456789.125", true),
            ("0.1000000000000000055511151231257827", false),
            ("0.1234567890123456789", false),
            ("9007199254740993.0", false),
            ("9007199254740992.0", true),
            ("1e400", false),
            ("1e-400", false),
            ("4.9e-324", false),
            ("5e-324", true),
            // As Python and JavaScript write it, and as Rust does.
            ("1684986307663784.2", true),
            ("1684986307663784.3", true),
            ("1684986307663784.25", false),
            ("1e99999999999999999999", false),
        ] {
            assert_eq!(exact(text).is_some(), is_exact, "{text}");
        }
    }

    #[test]
    fn integers_stay_what_they_are() {
        for (text, expected) in [
            ("-9223372036854775808", Parsed::Int(i64::MIN)),
            ("9223372036854775807", Parsed::Int(i64::MAX)),
            ("9223372036854775808", Parsed::UInt(1 << 63)),
            ("18446744073709551615", Parsed::UInt(u64::MAX)),
            ("18446744073709551616", Parsed::Other),
            ("-9223372036854775809", Parsed::Other),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }
}
