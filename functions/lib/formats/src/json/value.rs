//! Values, by the type of column that holds them.

use super::number::{decimal, integer};
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
            TokenKind::Number { is_integer } => {
                let text = std::str::from_utf8(&text[value.start..value.end]).unwrap_or_default();
                if is_integer { integer(text) } else { decimal(text) }
            }
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

    /// The type of a column that has no other value; `None` for null.
    fn narrowest(self) -> Option<ColumnType> {
        Some(match self {
            Parsed::Null => return None,
            Parsed::Bool(_) => ColumnType::Bool,
            Parsed::Int(_) => ColumnType::Int,
            Parsed::UInt(_) => ColumnType::UInt,
            Parsed::Double(_) => ColumnType::Double,
            Parsed::String => ColumnType::Text,
            Parsed::Other => ColumnType::Json,
        })
    }

    /// Appends the value to row `row` of `column`; `false` if the column's type can't hold it.
    pub(super) fn push(self, text: &[u8], value: &Value, row: usize, column: &mut Column) -> bool {
        let Some(kind) = self.narrowest() else {
            // A column fills up with nulls by itself.
            return true;
        };
        column.settle(kind, matches!(self, Parsed::Int(value) if !is_short(value)));
        let (kind, cells) = (column.kind(), column.value(row));
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
