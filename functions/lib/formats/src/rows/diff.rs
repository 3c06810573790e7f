//! Compares two versions.
//!
//! Every row becomes two hashes: one of what tells it from others (its key, or all of it) and one of the
//! rest. Both versions are read once, side by side.

mod canonical;
mod tally;

use super::batch::Batch;
use super::reader::Ranges;
use super::table::Table;
use super::taken::Taken;
use crate::error::{Error, Result};
use crate::writer::ColumnType;
use ahash::RandomState;
use canonical::{write_as_in_csv, write_canonical};
use dataset_types::ErrorCode;
use dataset_types::rows::CellValue;
use futures::TryStreamExt;
use std::collections::HashMap;
use std::mem;
use tally::{Entry, Found, Keyed, Refused, Row, Side, Surplus, Tally};

/// Rows whose hashes are in memory at a time: 17 bytes each, 21 with a key, as many as go into a map of 2^17
/// places, which is as much as the processor's cache takes.
const ROWS_IN_MEMORY: usize = (1 << 17) / 8 * 7;

/// What is not the same in two versions.
#[derive(Clone, Debug)]
pub struct Difference {
    pub columns_added: Vec<String>,
    pub columns_removed: Vec<String>,
    /// Columns of both whose type is another now.
    pub columns_retyped: Vec<Retyped>,
    pub added: u64,
    pub removed: u64,
    /// Rows of the same key that are not the same otherwise.
    pub changed: u64,
    pub unchanged: u64,
    /// The first that were added, as the new version has them; of several that are alike, one.
    pub added_examples: Vec<Vec<CellValue>>,
    /// The first that were removed, as the old version has them; of several that are alike, one.
    pub removed_examples: Vec<Vec<CellValue>>,
    pub changed_examples: Vec<Change>,
}

/// A column with another type. Where one of the versions is from CSV, cells are the same if they are alike in CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retyped {
    pub name: String,
    pub old: ColumnType,
    pub new: ColumnType,
}

/// A row in both versions.
#[derive(Clone, Debug)]
pub struct Change {
    pub before: Vec<CellValue>,
    pub after: Vec<CellValue>,
}

/// How much a comparison shows.
#[derive(Clone, Copy, Debug)]
pub struct Examples {
    /// Rows of each sort: added, removed, changed.
    pub rows: usize,
    /// Of all of them together.
    pub max_bytes: usize,
}

/// What `new` has that `old` has not, and the other way round.
///
/// Rows are compared by the columns that both have. With a `key`, rows with the same value in that column are
/// one row, before and after. Without one, a row that was changed counts as one removed and one added.
///
/// # Errors
/// [`Error::Key`] if the key can't tell rows apart, and [`Error::PageTooLarge`] if the examples have
/// too many cells, even where long ones are cut.
pub async fn diff<F: Ranges + 'static>(
    old: &Table<F>,
    new: &Table<F>,
    key: Option<&str>,
    examples: Examples,
) -> Result<Difference> {
    diff_within(old, new, key, examples, ROWS_IN_MEMORY).await
}

async fn diff_within<F: Ranges + 'static>(
    old: &Table<F>,
    new: &Table<F>,
    key: Option<&str>,
    examples: Examples,
    rows_in_memory: usize,
) -> Result<Difference> {
    let plan = Plan::new(old, new, key)?;
    let found = if plan.has_nothing_in_common() {
        let mut found = Found::new(examples.rows);
        found.removed.keep_all(old.row_count() as u32);
        found.added.keep_all(new.row_count() as u32);
        found
    } else {
        let mut found = Found::new(examples.rows);
        if key.is_some() {
            plan.count(old, new, Tally::<Keyed>::new(rows_in_memory), &mut found).await?;
        } else {
            plan.count(old, new, Tally::<Surplus>::new(rows_in_memory), &mut found).await?;
        }
        found
    };
    let mut taken = Taken::new(examples.max_bytes);
    let (added, removed, changed) = (found.added.examples(), found.removed.examples(), found.changed.examples());
    let added_examples = by_number(new, &added, &mut taken).await?;
    let removed_examples = by_number(old, &removed, &mut taken).await?;
    let before = by_number(old, &changed.iter().map(|change| change.1).collect::<Vec<_>>(), &mut taken).await?;
    let after = by_number(new, &changed.iter().map(|change| change.0).collect::<Vec<_>>(), &mut taken).await?;
    let mut rows = taken.rows;
    let mut rows = |places: Vec<usize>| places.into_iter().map(|place| mem::take(&mut rows[place])).collect::<Vec<_>>();
    let [added_examples, removed_examples, before, after] =
        [added_examples, removed_examples, before, after].map(&mut rows);
    let names = |table: &Table<F>, other: &Table<F>| {
        let others: Vec<&str> = other.columns().collect();
        table.columns().filter(|name| !others.contains(name)).map(str::to_owned).collect()
    };
    Ok(Difference {
        columns_added: names(new, old),
        columns_removed: names(old, new),
        columns_retyped: retyped(old, new),
        added: found.added.count,
        removed: found.removed.count,
        changed: found.changed.count,
        unchanged: new.row_count() - found.added.count - found.changed.count,
        added_examples,
        removed_examples,
        changed_examples: before.into_iter().zip(after).map(|(before, after)| Change { before, after }).collect(),
    })
}

/// Takes the rows of these numbers. Returns their places among what was taken, in the order of the numbers as they
/// are given.
async fn by_number<F: Ranges + 'static>(table: &Table<F>, numbers: &[u32], taken: &mut Taken) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by_key(|index| numbers[*index]);
    let ranges: Vec<_> = order.iter().map(|index| numbers[*index].into()..u64::from(numbers[*index]) + 1).collect();
    let first = taken.rows.len();
    table.take(&ranges, taken).await?;
    let mut places: Vec<(usize, usize)> = order.into_iter().zip(first..).collect();
    places.sort_unstable();
    Ok(places.into_iter().map(|(_, place)| place).collect())
}

/// Which columns are compared, and how rows are hashed.
struct Plan<'a> {
    key: Option<&'a str>,
    old: Places,
    new: Places,
    /// Seeded at random, so that no file can be made to collide.
    hasher: RandomState,
}

/// Where the columns are in one of the versions.
struct Places {
    key: Option<Place>,
    /// In the same order on both sides, without the key.
    compared: Vec<Place>,
}

/// A column of one of the versions.
#[derive(Clone, Copy)]
struct Place {
    column: usize,
    /// Whether its cells are compared as they are in CSV, since one of the versions is from CSV alone.
    is_as_in_csv: bool,
}

/// The columns that both have, under other types.
fn retyped<F: Ranges + 'static>(old: &Table<F>, new: &Table<F>) -> Vec<Retyped> {
    let kinds: HashMap<&str, ColumnType> = old.columns().zip(old.kinds()).collect();
    let now = new.columns().zip(new.kinds());
    let changed = now.filter_map(|(name, now)| {
        let old = *kinds.get(name).filter(|old| **old != now)?;
        Some(Retyped { name: name.to_owned(), old, new: now })
    });
    changed.collect()
}

impl<'a> Plan<'a> {
    fn new<F: Ranges + 'static>(old: &Table<F>, new: &Table<F>, key: Option<&'a str>) -> Result<Self> {
        let places: HashMap<&str, usize> = old.columns().zip(0..).collect();
        let found = key.map(|key| {
            let place = |table: &Table<F>| table.columns().position(|name| name == key);
            place(old).zip(place(new)).ok_or_else(|| Error::Key {
                code: ErrorCode::KeyNotFound,
                message: format!(
                    "there is no column {:?} in both versions; a key is a column that both have",
                    key.chars().take(100).collect::<String>()
                ),
            })
        });
        let found = found.transpose()?;
        let (old_of_csv, new_of_csv) = (old.are_of_csv(), new.are_of_csv());
        let place = |(before, after): (usize, usize)| {
            let is_as_in_csv = old_of_csv[before] != new_of_csv[after];
            [before, after].map(|column| Place { column, is_as_in_csv })
        };
        let common = new.columns().enumerate().filter_map(|(after, name)| Some((*places.get(name)?, after)));
        let common = common.filter(|common| Some(*common) != found).map(place);
        let (before, after) = common.map(|[before, after]| (before, after)).unzip();
        let key_places = found.map(place);
        Ok(Self {
            key,
            old: Places { key: key_places.map(|[before, _]| before), compared: before },
            new: Places { key: key_places.map(|[_, after]| after), compared: after },
            hasher: RandomState::new(),
        })
    }

    fn has_nothing_in_common(&self) -> bool {
        self.key.is_none() && self.old.compared.is_empty()
    }

    /// Counts the rows of both, in turns.
    async fn count<F: Ranges + 'static, E: Entry>(
        &self,
        old: &Table<F>,
        new: &Table<F>,
        mut tally: Tally<E>,
        found: &mut Found,
    ) -> Result<()> {
        let (mut before, mut after) = (old.scan(0), new.scan(0));
        let (mut old_rows, mut new_rows) = (0, 0);
        loop {
            // The version of which less has been read goes on.
            let is_behind = u128::from(old_rows) * u128::from(new.row_count())
                <= u128::from(new_rows) * u128::from(old.row_count());
            let side = if old_rows < old.row_count() && (is_behind || new_rows == new.row_count()) {
                Side::Old
            } else {
                Side::New
            };
            let (batches, rows) =
                if side == Side::Old { (&mut before, &mut old_rows) } else { (&mut after, &mut new_rows) };
            let Some(batch) = batches.try_next().await? else {
                return tally.end(found).map_err(|refused| self.refusal(refused));
            };
            let counted = self.hashed(&batch, side, *rows).try_for_each(|row| tally.count(&row, found));
            counted.map_err(|refused| self.refusal(refused))?;
            *rows += batch.rows as u64;
        }
    }

    fn refusal(&self, refused: Refused) -> Error {
        let (side, [first, second]) = match refused {
            Refused::Twice(side, rows) => (side, rows.map(|row| u64::from(row) + 1)),
            Refused::Io(error) => return error.into(),
        };
        let (version, key) = (if side == Side::Old { "older" } else { "newer" }, self.key.unwrap_or_default());
        Error::Key {
            code: ErrorCode::KeyNotUnique,
            message: format!(
                "rows {first} and {second} of the {version} version have the same value in column {key:?}; a key must be different in every row"
            ),
        }
    }

    /// The hashes of a batch that begins with row `first`.
    fn hashed<'b>(&'b self, batch: &'b Batch, side: Side, first: u64) -> impl Iterator<Item = Row> + 'b {
        let places = if side == Side::Old { &self.old } else { &self.new };
        let (mut identity, mut rest) = (Vec::new(), Vec::new());
        let write = move |place: Place, row: usize, out: &mut Vec<u8>| {
            let cell = batch.columns[place.column].cell(row);
            if place.is_as_in_csv { write_as_in_csv(cell, out) } else { write_canonical(cell, out) }
        };
        (0..batch.rows).map(move |row| {
            identity.clear();
            rest.clear();
            if let Some(key) = places.key {
                write(key, row, &mut identity);
            }
            let compared = if places.key.is_some() { &mut rest } else { &mut identity };
            places.compared.iter().for_each(|place| write(*place, row, compared));
            Row {
                side,
                number: (first + row as u64) as u32,
                identity: self.hasher.hash_one(&identity),
                rest: if places.key.is_some() { self.hasher.hash_one(&rest) } else { 0 },
            }
        })
    }
}

#[cfg(test)]
mod tests;
