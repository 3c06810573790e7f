//! The names of columns: none empty, and as many and as long as the limits allow.

use crate::error::DataError;
use crate::limits::Limits;
use dataset_types::FailureCode;
use std::collections::HashMap;

pub(crate) struct Names<'a> {
    limits: &'a Limits,
    /// What to do about too many names.
    remedy: &'static str,
    names: Vec<String>,
    indexes: HashMap<String, usize>,
    bytes: usize,
}

impl<'a> Names<'a> {
    pub(crate) fn new(limits: &'a Limits, remedy: &'static str) -> Self {
        Self { limits, remedy, names: vec![], indexes: HashMap::new(), bytes: 0 }
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.indexes.get(name).copied()
    }

    /// Adds a name that is not there yet, found as number `place` where it stands.
    pub(crate) fn add(&mut self, name: &str, place: usize) -> Result<usize, DataError> {
        if name.trim().is_empty() {
            let message = format!("expected a name, found none for column {}; give it one", place + 1);
            return Err(DataError::new(FailureCode::EmptyColumnName, message).at_column(place, None));
        }
        let index = self.names.len();
        self.bytes += Limits::name_bytes(name);
        let Limits { max_columns, max_names_bytes, .. } = *self.limits;
        if index >= max_columns || self.bytes > max_names_bytes {
            let message = format!(
                "expected at most {max_columns} columns, whose names have at most {max_names_bytes} bytes together, found more; {}",
                self.remedy
            );
            return Err(DataError::new(FailureCode::TooManyColumns, message));
        }
        self.names.push(name.to_owned());
        self.indexes.insert(name.to_owned(), index);
        Ok(index)
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn into_vec(self) -> Vec<String> {
        self.names
    }
}
