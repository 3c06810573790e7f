//! The violations of a file: the first of them with their places, and how many there are.

use super::words::{MISSING, expected};
use crate::error::{DataError, Violations, shortened};
use dataset_types::FailureCode;
use dataset_types::dataset::Column;
use dataset_types::schema::{MAX_VIOLATIONS, Violation};
use jsonschema::ValidationError;

#[derive(Default)]
pub(super) struct Found {
    first: Vec<Violation>,
    count: u64,
}

/// Where in a file something is.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) row: Option<u64>,
    pub(super) line: Option<u64>,
}

impl Found {
    /// Whether what is found now is only counted.
    pub(super) fn is_full(&self) -> bool {
        self.first.len() == MAX_VIOLATIONS
    }

    /// Counts some, of which nothing more is kept.
    pub(super) fn count(&mut self, violations: usize) {
        self.count += violations as u64;
    }

    pub(super) fn add(&mut self, place: Place, column: Option<&str>, keyword: &str, message: String, pointer: &str) {
        self.count += 1;
        if !self.is_full() {
            self.first.push(Violation {
                row: place.row,
                line: place.line,
                column: column.map(|name| Column::Name(shortened(name))),
                keyword: keyword.to_owned(),
                message,
                schema_path: shortened(pointer),
            });
        }
    }

    /// Adds what the validator says. `pointer` is where the schema has what it was made of.
    pub(super) fn add_error(&mut self, place: Place, column: Option<&str>, error: &ValidationError<'_>, pointer: &str) {
        if self.is_full() {
            return self.count(1);
        }
        let path = format!("{pointer}{}", error.evaluation_path().as_str());
        self.add(place, column, error.kind().keyword(), expected(error), &path);
    }

    /// Puts others among them, of which only the first are given.
    pub(super) fn merge(&mut self, others: impl Iterator<Item = Violation>, count: u64) {
        self.count += count;
        self.first.extend(others);
        self.first.sort_by_key(|violation| violation.row);
        self.first.truncate(MAX_VIOLATIONS);
    }

    pub(super) fn missing(&mut self, place: Place, name: &str) {
        self.add(place, Some(name), "required", MISSING.to_owned(), "/required");
    }

    pub(super) fn not_allowed(&mut self, place: Place, name: &str) {
        let message = "expected no other properties than the schema has".to_owned();
        self.add(place, Some(name), "additionalProperties", message, "/additionalProperties");
    }

    pub(super) fn into_result(self) -> Result<(), DataError> {
        let Some(first) = self.first.first() else { return Ok(()) };
        let found = match self.count {
            1 => "one violation of it".to_owned(),
            count => format!("{count} violations of it, first"),
        };
        let message = format!(
            "expected rows that fulfil the schema, found {found}: {}; mend the file, or change the schema",
            first.message
        );
        Err(DataError {
            row: first.row,
            line: first.line,
            column_name: match &first.column {
                Some(Column::Name(name)) => Some(name.as_str().into()),
                _ => None,
            },
            violations: Some(Box::new(Violations { first: self.first, count: self.count })),
            ..DataError::new(FailureCode::SchemaViolation, message)
        })
    }
}
