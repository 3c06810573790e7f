//! The columns of a JSON file, with the narrowest type for each.

use super::object::Key;
use super::rows::Row;
use super::value::Parsed;
use crate::error::DataError;
use crate::limits::Limits;
use crate::names::Names;
use crate::summary::ColumnSummary;
use crate::writer::{Column, ColumnType, Field, is_short};
use dataset_types::FailureCode;

/// The types of values seen in a column.
#[derive(Clone, Copy, Default, PartialEq)]
struct Seen {
    bools: bool,
    strings: bool,
    integers: bool,
    negatives: bool,
    /// Integers that are not [`is_short`].
    long: bool,
    /// Integers beyond `i64`, within `u64`.
    large: bool,
    /// Integers that a double would change.
    beyond_double: bool,
    /// Decimals that a double holds as they were written.
    doubles: bool,
    /// Numbers that no type here holds, and nested values.
    others: bool,
}

/// A column as it is written.
pub(super) struct Expected {
    name: String,
    seen: Seen,
}

impl Expected {
    pub(super) fn field(&self) -> Field<'_> {
        let Self { name, seen } = self;
        Field { name, kind: seen.narrowest(), is_open: seen.is_nothing(), is_nullable: true, has_long: seen.long }
    }
}

pub(super) struct Columns<'a> {
    limits: &'a Limits,
    names: Names<'a>,
    seen: Vec<Seen>,
    /// For each column, the last row that had it.
    last_row: Vec<u64>,
    row: u64,
}

impl<'a> Columns<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        let names = Names::new(limits, "nest what varies under one key");
        Self { limits, names, seen: vec![], last_row: vec![], row: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Takes a row into account.
    pub(super) fn see(&mut self, row: &Row<'_>) -> Result<(), DataError> {
        self.walk(row, |_, _, _| ())
    }

    /// Takes a row into account and writes it as row `at` of the row group; `false` if it has a column that
    /// is not there, or a value that its column can't hold.
    pub(super) fn write(&mut self, row: &Row<'_>, at: usize, table: &mut [Column]) -> Result<bool, DataError> {
        let mut fits = true;
        self.walk(row, |index, member, parsed| {
            fits = fits
                && table
                    .get_mut(index)
                    .is_some_and(|column| parsed.push(row.text, &row.members[member].value, at, column));
        })?;
        Ok(fits)
    }

    /// Goes through a row's members: their columns, their numbers, their values.
    fn walk(&mut self, row: &Row<'_>, mut each: impl FnMut(usize, usize, Parsed)) -> Result<(), DataError> {
        self.row += 1;
        if self.row.saturating_mul(self.seen.len() as u64) > self.limits.max_cells {
            let message = format!(
                "expected at most {} cells (rows times columns, keys that an object lacks included), found more; split the file, or nest what few rows have under one key",
                self.limits.max_cells
            );
            return Err(DataError::new(FailureCode::TooManyCells, message));
        }
        let mut next = 0;
        for (number, member) in row.members.iter().enumerate() {
            // Rows mostly have the same keys in the same order.
            let index = match self.names.as_slice().get(next) {
                Some(name) if member.key.is(row.text, name) => next,
                _ => self.find_or_add(number, &member.key, row.text)?,
            };
            next = index + 1;
            if std::mem::replace(&mut self.last_row[index], self.row) == self.row {
                let message = "expected each key once, found one twice in the object; give each value its own key";
                let name = Some(self.names.as_slice()[index].as_str());
                return Err(DataError::new(FailureCode::DuplicateKey, message).at_column(index, name));
            }
            let parsed = Parsed::of(row.text, &member.value);
            self.seen[index].add(parsed);
            each(index, number, parsed);
        }
        Ok(())
    }

    fn find_or_add(&mut self, position: usize, key: &Key, text: &[u8]) -> Result<usize, DataError> {
        let name = key.of(text);
        if let Some(index) = self.names.find(&name) {
            return Ok(index);
        }
        let index = self.names.add(&name, position)?;
        self.seen.push(Seen::default());
        self.last_row.push(0);
        Ok(index)
    }

    /// The columns if the other rows are as these are, and as those at the end if they have been looked at.
    pub(super) fn expect(&self, end: Option<&Columns<'_>>) -> Vec<Expected> {
        let at_end = |name: &str| end.and_then(|end| Some(end.seen[end.names.find(name)?])).unwrap_or_default();
        let known = self.names.as_slice().iter().zip(&self.seen);
        let known = known.map(|(name, seen)| Expected { name: name.clone(), seen: seen.or(at_end(name)) });
        let added = end.into_iter().flat_map(|end| end.names.as_slice().iter().zip(&end.seen));
        let added = added.filter(|(name, _)| self.names.find(name).is_none());
        known.chain(added.map(|(name, seen)| Expected { name: name.clone(), seen: *seen })).collect()
    }

    /// Whether they have turned out as expected.
    pub(super) fn are(&self, expected: &[Expected]) -> bool {
        self.seen.len() == expected.len()
            && self.names.as_slice().iter().zip(&self.seen).zip(expected).all(|((name, seen), expected)| {
                let is_settled = expected.seen.is_nothing() || seen.narrowest() == expected.seen.narrowest();
                *name == expected.name && is_settled
            })
    }

    /// Whether a row is likely one of theirs: about as many keys are in both as in one alone.
    pub(super) fn are_of(&self, row: &Row<'_>) -> bool {
        let known = row.members.iter().filter(|member| self.names.find(&member.key.of(row.text)).is_some()).count();
        known > 0 && known * 2 >= row.members.len().max(self.seen.len())
    }

    pub(super) fn summary(self, empty: &[u64]) -> Vec<ColumnSummary> {
        let columns = self.names.into_vec().into_iter().zip(&self.seen).zip(empty);
        columns.map(|((name, seen), empty)| ColumnSummary { name, kind: seen.narrowest(), empty: *empty }).collect()
    }

    /// Starts again at the first row, keeping the columns.
    pub(super) fn rewind(&mut self) {
        self.row = 0;
        self.last_row.fill(0);
    }
}

impl Seen {
    #[inline]
    fn add(&mut self, value: Parsed) {
        match value {
            Parsed::Null => {}
            Parsed::Bool(_) => self.bools = true,
            Parsed::String => self.strings = true,
            Parsed::Int(integer) => {
                self.integers = true;
                self.negatives |= integer < 0;
                self.long |= !is_short(integer);
                self.beyond_double |= value.is_beyond_double();
            }
            Parsed::UInt(_) => {
                self.integers = true;
                self.large = true;
                self.beyond_double = true;
            }
            Parsed::Double(_) => self.doubles = true,
            Parsed::Other => self.others = true,
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            bools: self.bools | other.bools,
            strings: self.strings | other.strings,
            integers: self.integers | other.integers,
            negatives: self.negatives | other.negatives,
            long: self.long | other.long,
            large: self.large | other.large,
            beyond_double: self.beyond_double | other.beyond_double,
            doubles: self.doubles | other.doubles,
            others: self.others | other.others,
        }
    }

    /// Whether there was no value but null.
    fn is_nothing(self) -> bool {
        self == Self::default()
    }

    fn narrowest(self) -> ColumnType {
        let numbers = self.integers || self.doubles;
        match (self.bools, self.strings, numbers) {
            _ if self.others => ColumnType::Json,
            (true, false, false) => ColumnType::Bool,
            (false, false, true) if self.doubles && self.beyond_double => ColumnType::Json,
            (false, false, true) if self.doubles => ColumnType::Double,
            (false, false, true) if !self.large => ColumnType::Int,
            (false, false, true) if !self.negatives => ColumnType::UInt,
            (false, false, true) => ColumnType::Json,
            (false, _, false) => ColumnType::Text,
            _ => ColumnType::Json,
        }
    }
}
