//! The columns of the file, and the narrowest type for each.

use super::object::Object;
use super::scan::{Kind, Value};
use crate::error::{DataError, Result};
use crate::limits::Limits;
use arrow_schema::extension::Json;
use arrow_schema::{DataType, Field, Schema};
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int,
    /// Integers, none negative, some beyond `i64`.
    UInt,
    Double,
    Text,
    /// Values as they were written, in JSON.
    Json,
}

/// What has been seen in a column.
#[derive(Clone, Copy, Default)]
struct Seen {
    bools: bool,
    strings: bool,
    integers: bool,
    negatives: bool,
    /// Integers beyond `i64`, within `u64`.
    large: bool,
    /// Integers that a double would change.
    beyond_double: bool,
    /// Decimals that a double holds as they were written.
    doubles: bool,
    /// Numbers that no type here holds, and nested values.
    others: bool,
}

pub(super) struct Columns<'a> {
    limits: &'a Limits,
    names: Vec<String>,
    indexes: HashMap<String, usize>,
    seen: Vec<Seen>,
    /// For each column, the last row that had it.
    last_row: Vec<u64>,
    row: u64,
    names_bytes: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, names: vec![], indexes: HashMap::new(), seen: vec![], last_row: vec![], row: 0, names_bytes: 0 }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.indexes.get(name).copied()
    }

    /// Takes a row into account.
    pub(super) fn see(&mut self, object: &Object<'_>) -> Result<()> {
        self.row += 1;
        for (position, member) in object.members().iter().enumerate() {
            // Rows mostly have the same keys in the same order.
            let index = match self.names.get(position) {
                Some(name) if name == member.key() => position,
                _ => self.find_or_add(position, member.key())?,
            };
            if std::mem::replace(&mut self.last_row[index], self.row) == self.row {
                let message = "the object has the same key twice; give each value its own key";
                return Err(DataError::new("duplicate_key", message).at_column(index, Some(member.key())).into());
            }
            self.seen[index].add(member.value());
        }
        Ok(())
    }

    fn find_or_add(&mut self, position: usize, name: &str) -> Result<usize> {
        if let Some(index) = self.indexes.get(name) {
            return Ok(*index);
        }
        if name.trim().is_empty() {
            let message = "a key is empty; give it a name";
            return Err(DataError::new("empty_column_name", message).at_column(position, None).into());
        }
        let index = self.names.len();
        self.names_bytes += Limits::name_bytes(name);
        if index >= self.limits.max_columns || self.names_bytes > self.limits.max_names_bytes {
            let message = format!(
                "the rows have more than {} different keys, or their names more than {} bytes together",
                self.limits.max_columns, self.limits.max_names_bytes
            );
            return Err(DataError::new("too_many_columns", message).into());
        }
        self.names.push(name.to_owned());
        self.indexes.insert(name.to_owned(), index);
        self.seen.push(Seen::default());
        self.last_row.push(0);
        Ok(index)
    }

    pub(super) fn types(&self) -> impl Iterator<Item = Type> {
        self.seen.iter().map(|seen| seen.narrowest())
    }

    pub(super) fn schema(&self) -> Schema {
        let fields = self.names.iter().zip(self.types()).map(|(name, kind)| {
            let data_type = match kind {
                Type::Bool => DataType::Boolean,
                Type::Int => DataType::Int64,
                Type::UInt => DataType::UInt64,
                Type::Double => DataType::Float64,
                Type::Text | Type::Json => DataType::Utf8,
            };
            let field = Field::new(name, data_type, true);
            if kind == Type::Json { field.with_extension_type(Json::default()) } else { field }
        });
        Schema::new(fields.collect::<Vec<_>>())
    }
}

impl Seen {
    fn add(&mut self, value: &Value<'_>) {
        match value.kind {
            Kind::Null => {}
            Kind::Bool(_) => self.bools = true,
            Kind::String { .. } => self.strings = true,
            Kind::Nested => self.others = true,
            Kind::Number => self.add_number(value.raw),
        }
    }

    fn add_number(&mut self, raw: &[u8]) {
        let text = std::str::from_utf8(raw).unwrap_or_default();
        if !raw.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) {
            // "-0" is an integer without its sign, as every reader of JSON has it.
            if let Ok(integer) = text.parse::<i64>() {
                self.integers = true;
                self.negatives |= integer < 0;
                self.beyond_double |= integer.unsigned_abs() > 1 << 53;
                return;
            }
            if text.parse::<u64>().is_ok() {
                self.integers = true;
                self.large = true;
                self.beyond_double = true;
                return;
            }
        } else if is_exact(text) {
            self.doubles = true;
            return;
        }
        self.others = true;
    }

    fn narrowest(self) -> Type {
        let numbers = self.integers || self.doubles;
        match (self.bools, self.strings, numbers) {
            _ if self.others => Type::Json,
            (true, false, false) => Type::Bool,
            (false, false, true) if self.doubles => {
                if self.beyond_double {
                    Type::Json
                } else {
                    Type::Double
                }
            }
            (false, false, true) if !self.large => Type::Int,
            (false, false, true) if !self.negatives => Type::UInt,
            (false, false, true) => Type::Json,
            (false, _, false) => Type::Text,
            _ => Type::Json,
        }
    }
}

/// Whether a double gives the number back as it was written, up to its form.
fn is_exact(text: &str) -> bool {
    let Ok(double) = text.parse::<f64>() else {
        return false;
    };
    double.is_finite() && decimal(text) == decimal(&format!("{double:e}"))
}

/// A number's digits without leading and trailing zeros, and the power of ten
/// that its first digit stands for.
fn decimal(text: &str) -> (String, i64) {
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
    (significant, exponent + whole.len() as i64 - leading as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_is_used_only_where_it_loses_nothing() {
        for (text, exact) in [
            ("0.1", true),
            ("1.10", true),
            ("-0.0", true),
            ("1e3", true),
            ("1E+3", true),
            ("123456789.125", true),
            ("0.1234567890123456789", false),
            ("9007199254740993.0", false),
            ("1e400", false),
            ("1e-400", false),
            ("1e99999999999999999999", false),
        ] {
            assert_eq!(is_exact(text), exact, "{text}");
        }
    }
}
