//! Compares two versions.
//!
//! Every row becomes two hashes: one of what tells it from others (its key, or all of it) and one of the
//! rest. Sorted by the first, the same rows of both versions meet. Where there are more rows than hashes fit
//! in memory, the versions are gone through several times, each time for another share of the hashes.

mod canonical;
mod tally;

use super::cell::Column;
use super::reader::Ranges;
use super::table::{Table, Taken};
use crate::error::{Error, Result};
use ahash::RandomState;
use canonical::write_canonical;
use dataset_types::ErrorCode;
use dataset_types::rows::CellValue;
use futures::TryStreamExt;
use std::collections::HashMap;
use tally::{Row, Tally};

/// Rows of both versions whose hashes are in memory at a time: 24 bytes each.
const ROWS_IN_MEMORY: u64 = 8 << 20;

/// What is not the same in two versions.
#[derive(Clone, Debug)]
pub struct Difference {
    pub columns_added: Vec<String>,
    pub columns_removed: Vec<String>,
    pub added: u64,
    pub removed: u64,
    /// Rows of the same key that are not the same otherwise.
    pub changed: u64,
    pub unchanged: u64,
    /// The first that were added, as the new version has them.
    pub added_examples: Vec<Vec<CellValue>>,
    /// The first that were removed, as the old version has them.
    pub removed_examples: Vec<Vec<CellValue>>,
    pub changed_examples: Vec<Change>,
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
/// [`Error::Key`] if the key can't tell rows apart, and [`Error::PageTooLarge`] if the examples are too
/// large.
pub async fn diff<F: Ranges + 'static>(
    old: &Table<F>,
    new: &Table<F>,
    key: Option<&str>,
    examples: Examples,
) -> Result<Difference> {
    diff_in_shares(old, new, key, examples, ROWS_IN_MEMORY).await
}

async fn diff_in_shares<F: Ranges + 'static>(
    old: &Table<F>,
    new: &Table<F>,
    key: Option<&str>,
    examples: Examples,
    rows_in_memory: u64,
) -> Result<Difference> {
    let plan = Plan::new(old, new, key)?;
    let of = (old.row_count() + new.row_count()).div_ceil(rows_in_memory).max(1);
    let mut tally = Tally::new(examples.rows);
    for share in 0..of {
        let before = plan.rows(old, &plan.old, share, of).await?;
        let after = plan.rows(new, &plan.new, share, of).await?;
        if let Some(key) = key {
            ensure_unique(&before, key, "older")?;
            ensure_unique(&after, key, "newer")?;
        }
        tally.add(&before, &after);
    }
    let mut taken = Taken::new(examples.max_bytes);
    let (added, removed, changed) = (tally.added.examples(), tally.removed.examples(), tally.changed.examples());
    let added_examples = by_number(new, &added, &mut taken).await?;
    let removed_examples = by_number(old, &removed, &mut taken).await?;
    let before = by_number(old, &changed.iter().map(|change| change.1).collect::<Vec<_>>(), &mut taken).await?;
    let after = by_number(new, &changed.iter().map(|change| change.0).collect::<Vec<_>>(), &mut taken).await?;
    let names = |table: &Table<F>, other: &Table<F>| {
        let others: Vec<&str> = other.columns().collect();
        table.columns().filter(|name| !others.contains(name)).map(str::to_owned).collect()
    };
    Ok(Difference {
        columns_added: names(new, old),
        columns_removed: names(old, new),
        added: tally.added.count,
        removed: tally.removed.count,
        changed: tally.changed.count,
        unchanged: tally.unchanged,
        added_examples,
        removed_examples,
        changed_examples: before.into_iter().zip(after).map(|(before, after)| Change { before, after }).collect(),
    })
}

/// The rows of these numbers, in the order of the numbers as they are given.
async fn by_number<F: Ranges + 'static>(
    table: &Table<F>,
    numbers: &[u32],
    taken: &mut Taken,
) -> Result<Vec<Vec<CellValue>>> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by_key(|index| numbers[*index]);
    let ranges: Vec<_> = order.iter().map(|index| numbers[*index].into()..u64::from(numbers[*index]) + 1).collect();
    let rows = table.take(&ranges, taken).await?;
    let mut placed: Vec<(usize, Vec<CellValue>)> = order.into_iter().zip(rows).collect();
    placed.sort_by_key(|(index, _)| *index);
    Ok(placed.into_iter().map(|(_, row)| row).collect())
}

fn ensure_unique(rows: &[Row], key: &str, version: &str) -> Result<()> {
    let Some(twice) = rows.windows(2).find(|pair| pair[0].is_same(&pair[1])) else {
        return Ok(());
    };
    let (first, second) = (u64::from(twice[0].number) + 1, u64::from(twice[1].number) + 1);
    Err(Error::Key {
        code: ErrorCode::KeyNotUnique,
        message: format!(
            "rows {first} and {second} of the {version} version have the same value in column {key:?}; a key must be different in every row"
        ),
    })
}

/// Which columns are compared, and how rows are hashed.
struct Plan {
    old: Side,
    new: Side,
    /// Seeded at random, so that no file can be made to collide.
    hashers: [RandomState; 2],
}

/// Where the columns are in one of the versions.
struct Side {
    key: Option<usize>,
    /// In the same order on both sides, without the key.
    compared: Vec<usize>,
    /// Where there is nothing to compare, no row is like one of the other side.
    stands_apart: Option<u8>,
}

impl Plan {
    fn new<F: Ranges + 'static>(old: &Table<F>, new: &Table<F>, key: Option<&str>) -> Result<Self> {
        let places: HashMap<&str, usize> = old.columns().zip(0..).collect();
        let key = key.map(|key| {
            let place = |table: &Table<F>| table.columns().position(|name| name == key);
            place(old).zip(place(new)).ok_or_else(|| Error::Key {
                code: ErrorCode::KeyNotFound,
                message: format!("there is no column {key:?} in both versions; a key is a column that both have"),
            })
        });
        let key = key.transpose()?;
        let common = new.columns().enumerate().filter_map(|(after, name)| Some((*places.get(name)?, after)));
        let (before, after): (Vec<_>, Vec<_>) = common.filter(|common| Some(*common) != key).unzip();
        let stands_apart = key.is_none() && before.is_empty();
        let side = |key, compared, number| Side { key, compared, stands_apart: stands_apart.then_some(number) };
        Ok(Self {
            old: side(key.map(|key| key.0), before, 0),
            new: side(key.map(|key| key.1), after, 1),
            hashers: [RandomState::new(), RandomState::new()],
        })
    }

    /// The rows whose hash is of this share, sorted.
    async fn rows<F: Ranges + 'static>(&self, table: &Table<F>, side: &Side, share: u64, of: u64) -> Result<Vec<Row>> {
        let mut rows = Vec::with_capacity(usize::try_from(table.row_count() / of).unwrap_or(0));
        let (mut identity, mut rest) = (Vec::new(), Vec::new());
        let mut number = 0;
        let mut batches = table.scan();
        while let Some(batch) = batches.try_next().await? {
            let columns = Column::all(&batch)?;
            for row in 0..batch.num_rows() {
                identity.clear();
                rest.clear();
                identity.extend(side.stands_apart);
                if let Some(key) = side.key {
                    write_canonical(columns[key].cell(row), &mut identity);
                }
                let compared = if side.key.is_some() { &mut rest } else { &mut identity };
                side.compared.iter().for_each(|column| write_canonical(columns[*column].cell(row), compared));
                let [first, second] = &self.hashers;
                let hash = first.hash_one(&identity);
                if hash % of == share {
                    // Half of the second hash makes it 96 bits: no two rows share one.
                    let check = second.hash_one(&identity) as u32;
                    rows.push(Row { hash, check, number, rest: first.hash_one(&rest) });
                }
                number += 1;
            }
        }
        rows.sort_unstable();
        Ok(rows)
    }
}

#[cfg(test)]
mod tests;
