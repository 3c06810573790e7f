//! Finds rows that have the same in certain columns as a row before, by the keyword `x-unique`.
//!
//! Of each row a hash is kept, with its place. What is too much for memory goes to a file in runs that are sorted by
//! the hash; at the end the runs are merged a slice of all hashes at a time.

use super::UNIQUE;
use super::found::Found;
use crate::error::shortened;
use ahash::RandomState;
use dataset_types::dataset::Column;
use dataset_types::in_words;
use dataset_types::schema::{MAX_VIOLATIONS, Violation};
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Rows that are held in memory, 24 bytes each.
const MAX_HELD: usize = 1 << 20;

/// Slices of the hashes, one of which is in memory while runs are merged.
const SLICES: usize = 64;

/// Bytes of a row in a run.
const ENTRY_BYTES: usize = 20;

/// A row by its hash and its place. Of twenty million rows, two share a hash by accident once in 10^14 files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: u64,
    more_hash: u32,
    row: u32,
    line: u32,
}

impl Entry {
    fn is_like(&self, other: &Self) -> bool {
        (self.hash, self.more_hash) == (other.hash, other.more_hash)
    }
}

/// A row, its line, and a row before that has the same.
type Repeat = (u32, u32, u32);

pub(super) struct Unique<'a> {
    columns: &'a [String],
    max_held: usize,
    hashers: [RandomState; 2],
    held: Vec<Entry>,
    runs: Option<Runs>,
    /// The first that were found.
    repeats: BinaryHeap<Repeat>,
    count: u64,
}

/// Sorted runs in a file, and where in each the slices begin and end, in entries.
struct Runs {
    file: File,
    entries: u64,
    slices: Vec<[u64; SLICES + 1]>,
}

impl<'a> Unique<'a> {
    pub(super) fn new(columns: &'a [String]) -> Self {
        let hashers = [1, 2].map(|seed| RandomState::with_seeds(seed, 3, 5, 7));
        Self { columns, max_held: MAX_HELD, hashers, held: vec![], runs: None, repeats: BinaryHeap::new(), count: 0 }
    }

    #[cfg(test)]
    pub(super) fn holding(max_held: usize, columns: &'a [String]) -> Self {
        Self { max_held, ..Self::new(columns) }
    }

    /// Takes a row, by what it has in the columns.
    pub(super) fn take(&mut self, values: &[impl AsRef<[u8]>], row: u64, line: u64) -> io::Result<()> {
        let [hash, more_hash] = [0, 1].map(|hasher: usize| {
            // A slice is hashed with its length, so that no two lists of values look alike.
            values.iter().fold(0, |hash: u64, value| self.hashers[hasher].hash_one((hash, value.as_ref())))
        });
        // A file has fewer rows and lines than bytes, and far fewer than 2^32 of those.
        self.held.push(Entry { hash, more_hash: more_hash as u32, row: row as u32, line: line as u32 });
        if self.held.len() == self.max_held { self.spill() } else { Ok(()) }
    }

    /// Keeps the first of each hash, and counts the others.
    fn settle(&mut self) {
        self.held.sort_unstable();
        let Self { held, repeats, count, .. } = self;
        held.dedup_by(|entry, first| {
            let is_repeat = entry.is_like(first);
            if is_repeat {
                *count += 1;
                repeats.push((entry.row, entry.line, first.row));
                if repeats.len() > MAX_VIOLATIONS {
                    repeats.pop();
                }
            }
            is_repeat
        });
    }

    fn spill(&mut self) -> io::Result<()> {
        self.settle();
        let runs = match &mut self.runs {
            Some(runs) => runs,
            none => none.insert(Runs { file: tempfile::tempfile()?, entries: 0, slices: vec![] }),
        };
        let mut ends = [runs.entries; SLICES + 1];
        let mut bytes = Vec::with_capacity(self.held.len() * ENTRY_BYTES);
        for entry in self.held.drain(..) {
            bytes.extend_from_slice(&entry.hash.to_le_bytes());
            bytes.extend([entry.more_hash, entry.row, entry.line].iter().flat_map(|word| word.to_le_bytes()));
            let slice = (entry.hash >> (u64::BITS - SLICES.ilog2())) as usize;
            ends[slice + 1..].iter_mut().for_each(|end| *end += 1);
        }
        runs.file.write_all(&bytes)?;
        runs.entries = ends[SLICES];
        runs.slices.push(ends);
        Ok(())
    }

    /// Adds what was found.
    pub(super) fn finish(mut self, found: &mut Found) -> io::Result<()> {
        if self.runs.is_some() && !self.held.is_empty() {
            self.spill()?;
        }
        match self.runs.take() {
            None => self.settle(),
            Some(mut runs) => {
                for slice in 0..SLICES {
                    runs.read(slice, &mut self.held)?;
                    self.settle();
                    self.held.clear();
                }
            }
        }
        let columns = in_words(self.columns.iter().map(|name| format!("{name:?}")), "and");
        let repeats = self.repeats.into_sorted_vec().into_iter().map(|(row, line, before)| Violation {
            row: Some(row.into()),
            line: Some(line.into()),
            column: self.columns.first().map(|name| Column::Name(shortened(name))),
            keyword: UNIQUE.to_owned(),
            message: format!("expected another {columns} in each row, found that of row {before} again"),
            schema_path: format!("/{UNIQUE}"),
        });
        found.merge(repeats, self.count);
        Ok(())
    }
}

impl Runs {
    fn read(&mut self, slice: usize, entries: &mut Vec<Entry>) -> io::Result<()> {
        for ends in &self.slices {
            let (from, to) = (ends[slice], ends[slice + 1]);
            let mut bytes = vec![0; (to - from) as usize * ENTRY_BYTES];
            self.file.seek(SeekFrom::Start(from * ENTRY_BYTES as u64))?;
            self.file.read_exact(&mut bytes)?;
            let (all, _) = bytes.as_chunks::<ENTRY_BYTES>();
            entries.extend(all.iter().map(|bytes| {
                let (words, _) = bytes.as_chunks::<4>();
                let word = |index: usize| u32::from_le_bytes(words[index]);
                let hash = u64::from(word(0)) | u64::from(word(1)) << 32;
                Entry { hash, more_hash: word(2), row: word(3), line: word(4) }
            }));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However much is held in memory, each row is found that a row before is like.
        #[test]
        fn each_repeat_is_found(ids in prop::collection::vec(0_u8..40, 0..300), max_held in 1_usize..50) {
            let columns = ["id".to_owned()];
            let mut unique = Unique::holding(max_held, &columns);
            for (row, id) in (1..).zip(&ids) {
                unique.take(&[[*id]], row, row + 1).unwrap();
            }
            let mut found = Found::default();
            unique.finish(&mut found).unwrap();
            let repeats: Vec<usize> = (0..ids.len()).filter(|at| ids[..*at].contains(&ids[*at])).collect();
            let error = found.into_result().err();
            let violations = error.and_then(|error| error.violations);
            let told = violations.as_ref().map_or(&[][..], |violations| &violations.first);
            prop_assert_eq!(violations.as_ref().map_or(0, |violations| violations.count), repeats.len() as u64);
            let rows: Vec<_> = told.iter().map(|violation| violation.row.unwrap() as usize - 1).collect();
            prop_assert_eq!(&rows, &repeats[..repeats.len().min(MAX_VIOLATIONS)]);
            for violation in told {
                prop_assert_eq!(violation.line, violation.row.map(|row| row + 1));
                let before = violation.message.split_once("of row ").unwrap().1.split(' ').next().unwrap();
                let before = before.parse::<usize>().unwrap() - 1;
                let row = violation.row.unwrap() as usize - 1;
                prop_assert!(before < row && ids[before] == ids[row]);
            }
        }
    }
}
