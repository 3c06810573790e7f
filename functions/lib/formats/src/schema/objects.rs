//! Checks the rows of a JSON file, one object after another.

use super::RowSchema;
use super::cell::set_text;
use super::found::{Found, Place};
use super::table::column_of;
use super::unique::Unique;
use crate::error::Result;
use crate::json::{Parsed, Row, TokenKind};
use serde_json::Value;

pub(crate) struct Objects<'a> {
    schema: &'a RowSchema,
    /// By the place of a member in its row: its name, and its property. Rows mostly have the same keys in the same
    /// order.
    members: Vec<(String, Option<usize>)>,
    /// For each property, the last row that had it.
    last_row: Vec<u64>,
    found: Found,
    unique: Option<Unique<'a>>,
    /// What the row has of that, each as it is told from others.
    values: Vec<Vec<u8>>,
    value: Value,
}

impl<'a> Objects<'a> {
    pub(crate) fn new(schema: &'a RowSchema) -> Self {
        let last_row = vec![0; schema.properties.len()];
        let unique = (!schema.unique.is_empty()).then(|| Unique::new(&schema.unique));
        Self { schema, members: vec![], last_row, found: Found::default(), unique, values: vec![], value: Value::Null }
    }

    /// Checks row `number`, whose keys are known to be different. `line` tells on which line a byte of its text stands.
    ///
    /// # Errors
    /// If there is no room for what must be unique.
    pub(crate) fn check(&mut self, row: &Row<'_>, number: u64, line: impl Fn(usize) -> u64) -> Result<()> {
        if self.schema.is_of_properties {
            self.check_members(row, number, &line);
        } else {
            self.check_whole(row, number, &line);
        }
        self.check_unique(row, number, &line)
    }

    fn check_unique(&mut self, row: &Row<'_>, number: u64, line: impl Fn(usize) -> u64) -> Result<()> {
        let Self { schema, unique: Some(unique), values, value, .. } = self else { return Ok(()) };
        values.clear();
        for name in &schema.unique {
            let member = row.members.iter().position(|member| member.key.is_named(row.text, name));
            match member.map(|member| read(row, member, value)) {
                // What is not there is not the same as anything.
                None | Some(Err(_)) => return Ok(()),
                Some(Ok(())) if value.is_null() || *value == "" => return Ok(()),
                Some(Ok(())) => values.push(identity(value)),
            }
        }
        Ok(unique.take(values, number, line(row.start))?)
    }

    /// # Errors
    /// If the rows do not fulfil the schema.
    pub(crate) fn finish(mut self) -> Result<()> {
        if let Some(unique) = self.unique {
            unique.finish(&mut self.found)?;
        }
        Ok(self.found.into_result()?)
    }

    fn check_members(&mut self, row: &Row<'_>, number: u64, line: impl Fn(usize) -> u64) {
        let Self { schema, members, last_row, found, value, .. } = self;
        let place = |at: usize| Place { row: Some(number), line: Some(line(at)) };
        for (position, member) in row.members.iter().enumerate() {
            let (name, property) = match members.get(position) {
                Some(known) if member.key.is(row.text, &known.0) => known,
                _ => {
                    let name = member.key.of(row.text).into_owned();
                    let known = (schema.property(&name), name);
                    members.truncate(position);
                    members.push((known.1, known.0));
                    &members[position]
                }
            };
            let at = member.value.start;
            let Some(index) = *property else {
                if schema.is_closed {
                    found.not_allowed(place(at), name);
                }
                continue;
            };
            last_row[index] = number;
            let property = &schema.properties[index];
            if property.is_any_text && matches!(member.value.kind, TokenKind::String { .. }) {
                continue;
            }
            if let Err(message) = read(row, position, value) {
                found.add(place(at), Some(name), "type", message.to_owned(), &format!("{}/type", property.pointer));
                continue;
            }
            if property.is_fulfilled_by(value) {
                continue;
            }
            let place = if found.is_full() { Place::default() } else { place(at) };
            for error in property.validator.iter_errors(value) {
                found.add_error(place, Some(name), &error, &property.pointer);
            }
        }
        for (property, last) in schema.properties.iter().zip(last_row) {
            if property.is_required && *last != number {
                found.missing(place(row.start), &property.name);
            }
        }
        for name in schema.required.iter().filter(|name| schema.property(name).is_none()) {
            if !row.members.iter().any(|member| member.key.is_named(row.text, name)) {
                found.missing(place(row.start), name);
            }
        }
    }

    fn check_whole(&mut self, row: &Row<'_>, number: u64, line: impl Fn(usize) -> u64) {
        let place = || Place { row: Some(number), line: Some(line(row.start)) };
        let Ok(object) = serde_json::from_slice(&row.text[row.start..row.start + row.bytes]) else {
            return self.found.add(place(), None, "type", NO_DOUBLE.to_owned(), "/type");
        };
        if self.schema.whole.is_valid(&object) {
            return;
        }
        for error in self.schema.whole.iter_errors(&object) {
            self.found.add_error(place(), column_of(&error).as_deref(), &error, "");
        }
    }
}

const NO_DOUBLE: &str = "expected numbers that a double can hold, found a larger one";

/// Reads a member's value.
fn read(row: &Row<'_>, member: usize, value: &mut Value) -> Result<(), &'static str> {
    let found = &row.members[member].value;
    match (Parsed::of(row.text, found), found.kind) {
        (Parsed::Null, _) => *value = Value::Null,
        (Parsed::Bool(found), _) => *value = Value::Bool(found),
        (Parsed::Int(found), _) => *value = found.into(),
        (Parsed::UInt(found), _) => *value = found.into(),
        (Parsed::Double(found), _) => *value = found.into(),
        (_, TokenKind::String { escaped: false }) => set_text(&row.text[found.start + 1..found.end - 1], value),
        _ => *value = serde_json::from_slice(&row.text[found.start..found.end]).map_err(|_| NO_DOUBLE)?,
    }
    Ok(())
}

/// What a value is told from others by: its JSON, in which a number without a fraction is written without one.
fn identity(value: &Value) -> Vec<u8> {
    plain(value).to_string().into_bytes()
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        Value::Number(number) => match number.as_f64().filter(|double| number.is_f64() && double.fract() == 0.0) {
            Some(double) => serde_json::from_str(&format!("{double:.0}")).unwrap_or_else(|_| value.clone()),
            None => value.clone(),
        },
        other => other.clone(),
    }
}
