//! Checks the rows of a CSV file, as they lie in columns.

use super::cell::{Reading, set_text};
use super::found::{Found, Place};
use super::unique::Unique;
use super::{Cell, Property, RowSchema, UNIQUE};
use crate::error::Result;
use crate::writer::Column;
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};
use std::cell::LazyCell;

const NO_COLUMN: &str = "expected a column of this name, found none";

pub(crate) struct Rows<'a> {
    schema: &'a RowSchema,
    names: &'a [String],
    /// The property of each column.
    properties: Vec<Option<usize>>,
    /// How each column is read where rows are asked as a whole.
    readings: Vec<Reading>,
    found: Found,
    unique: Option<(Unique<'a>, Vec<usize>)>,
    /// Rows of a turn and their columns that do not fulfil it.
    failing: Vec<(u32, u32)>,
    /// What a cell is read into, in a buffer that is used again.
    value: Value,
}

impl<'a> Rows<'a> {
    /// Begins with the header, which stands on this line.
    pub(crate) fn new(schema: &'a RowSchema, names: &'a [String], line: u64) -> Self {
        let properties: Vec<_> = names.iter().map(|name| schema.property(name)).collect();
        let whole = names.iter().filter(|_| !schema.is_of_properties);
        let readings = whole.map(|name| schema.reading_of(name)).collect();
        let mut found = Found::default();
        let place = Place { row: None, line: Some(line) };
        // A column that is missing is one violation, and not one a row.
        for name in schema.required.iter().filter(|name| !names.contains(name)) {
            found.add(place, Some(name), "required", NO_COLUMN.to_owned(), "/required");
        }
        let unique: Option<Vec<usize>> =
            schema.unique.iter().map(|name| names.iter().position(|column| column == name)).collect();
        let unique = match unique {
            Some(columns) if !columns.is_empty() => Some((Unique::new(&schema.unique), columns)),
            Some(_) => None,
            None => {
                // What is required is told of already.
                let told = |name: &&String| names.contains(name) || schema.required.contains(name);
                for name in schema.unique.iter().filter(|name| !told(name)) {
                    found.add(place, Some(name), UNIQUE, NO_COLUMN.to_owned(), &format!("/{UNIQUE}"));
                }
                None
            }
        };
        if schema.is_closed {
            for (name, _) in names.iter().zip(&properties).filter(|(_, property)| property.is_none()) {
                let message = "expected no column of this name".to_owned();
                found.add(place, Some(name), "additionalProperties", message, "/additionalProperties");
            }
        }
        Self { schema, names, properties, readings, found, unique, failing: vec![], value: Value::Object(Map::new()) }
    }

    /// Checks the last rows of the table. `first` is the number of the first of them, and `lines` tells on which lines
    /// they begin.
    ///
    /// # Errors
    /// If there is no room for what must be unique.
    pub(crate) fn check(
        &mut self,
        columns: &mut [Column],
        rows: usize,
        first: u64,
        lines: impl FnOnce() -> Vec<u64>,
    ) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        let lines = LazyCell::new(lines);
        let place = |row: usize| Place { row: Some(first + row as u64), line: lines.get(row).copied() };
        if self.schema.is_of_properties {
            self.check_columns(columns, rows, place);
        } else {
            self.check_objects(columns, rows, place);
        }
        let Some((unique, of)) = &mut self.unique else { return Ok(()) };
        let columns = columns.iter_mut().enumerate().filter(|(column, _)| of.contains(column));
        let mut cells: Vec<_> = columns.filter_map(|(_, column)| Some(column.texts()?.tail(rows))).collect();
        let mut values = Vec::with_capacity(of.len());
        for (row, line) in (first..).zip(lines.iter()) {
            values.clear();
            values.extend(cells.iter_mut().filter_map(Iterator::next).filter(|cell| !cell.is_empty()));
            // What is empty is not the same as anything.
            if values.len() == of.len() {
                unique.take(&values, row, *line)?;
            }
        }
        Ok(())
    }

    /// # Errors
    /// If the rows do not fulfil the schema.
    pub(crate) fn finish(mut self) -> Result<()> {
        if let Some((unique, _)) = self.unique {
            unique.finish(&mut self.found)?;
        }
        Ok(self.found.into_result()?)
    }

    fn check_columns(&mut self, columns: &mut [Column], rows: usize, place: impl Fn(usize) -> Place) {
        for (column, property) in self.properties.iter().enumerate() {
            let Some(property) = property.map(|property| &self.schema.properties[property]) else { continue };
            if property.is_any_text {
                continue;
            }
            let Some(texts) = columns[column].texts() else { continue };
            for (row, cell) in texts.tail(rows).enumerate() {
                match property.read(cell, &mut self.value) {
                    Cell::Valid => {}
                    Cell::Absent if !property.is_required => {}
                    Cell::Absent if self.found.is_full() => self.found.count(1),
                    Cell::Invalid if self.found.is_full() => self.found.count(errors(property, &self.value).count()),
                    Cell::Absent | Cell::Invalid => self.failing.push((row as u32, column as u32)),
                }
            }
        }
        if self.failing.is_empty() {
            return;
        }
        self.failing.sort_unstable();
        let tails: Vec<Vec<&[u8]>> = columns
            .iter_mut()
            .zip(0..)
            .map(|(column, index)| match self.failing.iter().any(|(_, failing)| *failing == index) {
                true => column.texts().map(|texts| texts.tail(rows).collect()).unwrap_or_default(),
                false => vec![],
            })
            .collect();
        for (row, column) in self.failing.drain(..) {
            let (row, column) = (row as usize, column as usize);
            let Some(property) = self.properties[column].map(|property| &self.schema.properties[property]) else {
                continue;
            };
            let (name, is_full) = (&self.names[column], self.found.is_full());
            let place = if is_full { Place::default() } else { place(row) };
            if property.read(tails[column][row], &mut self.value) == Cell::Absent {
                self.found.missing(place, name);
                continue;
            }
            for error in errors(property, &self.value) {
                self.found.add_error(place, Some(name), &error, &property.pointer);
            }
        }
    }

    fn check_objects(&mut self, columns: &mut [Column], rows: usize, place: impl Fn(usize) -> Place) {
        let Self { schema, names, readings, found, value, .. } = self;
        let mut tails: Vec<_> = columns.iter_mut().filter_map(Column::texts).map(|texts| texts.tail(rows)).collect();
        let mut cells = Vec::with_capacity(names.len());
        for row in 0..rows {
            cells.clear();
            cells.extend(tails.iter_mut().filter_map(Iterator::next));
            let columns = || names.iter().zip(&*readings).zip(&cells);
            for ((name, reading), cell) in columns() {
                put(value, name, |value| reading.read(cell, value));
            }
            if schema.whole.is_valid(value) {
                continue;
            }
            // What looks like a number may be meant as text.
            let typed = value.clone();
            for ((name, _), cell) in columns().filter(|((_, reading), _)| reading.may_be_text()) {
                if let Some(value) = value.get_mut(name).filter(|value| !value.is_null()) {
                    set_text(cell, value);
                }
            }
            if schema.whole.is_valid(value) {
                continue;
            }
            *value = typed;
            let place = if found.is_full() { Place::default() } else { place(row) };
            for error in schema.whole.iter_errors(value) {
                // A missing column has been told of.
                if missing(&error).is_some_and(|name| !names.iter().any(|column| column == name)) {
                    continue;
                }
                found.add_error(place, column_of(&error).as_deref(), &error, "");
            }
        }
    }
}

/// Puts a member of an object, or removes it if there is none to be put.
fn put(object: &mut Value, name: &str, read: impl FnOnce(&mut Value) -> bool) {
    let Value::Object(object) = object else { return };
    match object.get_mut(name) {
        Some(value) => {
            if !read(value) {
                object.remove(name);
            }
        }
        None => {
            let mut value = Value::Null;
            if read(&mut value) {
                object.insert(name.to_owned(), value);
            }
        }
    }
}

fn errors<'a>(property: &'a Property, value: &'a Value) -> impl Iterator<Item = ValidationError<'a>> {
    property.validator.iter_errors(value)
}

/// The property that a row must have, and has not, by the schema's own `required`.
fn missing<'a>(error: &'a ValidationError<'_>) -> Option<&'a str> {
    match error.kind() {
        ValidationErrorKind::Required { property } if error.evaluation_path().as_str() == "/required" => {
            property.as_str()
        }
        _ => None,
    }
}

/// The column that a row is wrong in.
pub(super) fn column_of(error: &ValidationError<'_>) -> Option<String> {
    match (error.instance_path().as_str().strip_prefix('/'), error.kind()) {
        (Some(path), _) => {
            let name = path.split_once('/').map_or(path, |(name, _)| name);
            Some(name.replace("~1", "/").replace("~0", "~"))
        }
        (None, ValidationErrorKind::Required { property }) => property.as_str().map(str::to_owned),
        (
            None,
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected },
        ) => unexpected.first().cloned(),
        _ => None,
    }
}
