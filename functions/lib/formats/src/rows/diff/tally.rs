//! Counts rows that were added, removed and changed, and keeps examples.

use std::collections::BinaryHeap;

/// A row by its hashes, in the order by which the same rows meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// Of what tells it from others.
    pub(super) hash: u64,
    /// More of that hash.
    pub(super) check: u32,
    /// Its place in the version, from 0. A file has less than 2^32 rows.
    pub(super) number: u32,
    /// The hash of what is beside its key.
    pub(super) rest: u64,
}

impl Row {
    /// Whether nothing tells them apart.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }

    fn identity(&self) -> (u64, u32) {
        (self.hash, self.check)
    }
}

pub(super) struct Tally {
    /// By their place in the new version.
    pub(super) added: Kept<u32>,
    /// By their place in the old version.
    pub(super) removed: Kept<u32>,
    /// By their places in the new and in the old version.
    pub(super) changed: Kept<(u32, u32)>,
    pub(super) unchanged: u64,
}

impl Tally {
    /// Keeps so many examples of each sort.
    pub(super) fn new(examples: usize) -> Self {
        Self { added: Kept::new(examples), removed: Kept::new(examples), changed: Kept::new(examples), unchanged: 0 }
    }

    /// Both are sorted. Rows that are there several times pair up in order.
    pub(super) fn add(&mut self, old: &[Row], new: &[Row]) {
        let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
        while let Some(before) = old.peek() {
            while let Some(after) = new.next_if(|after| after.identity() < before.identity()) {
                self.added.keep(after.number);
            }
            match new.next_if(|after| after.is_same(before)) {
                None => self.removed.keep(before.number),
                Some(after) if after.rest == before.rest => self.unchanged += 1,
                Some(after) => self.changed.keep((after.number, before.number)),
            }
            old.next();
        }
        new.for_each(|after| self.added.keep(after.number));
    }
}

/// A count, and the first few of what was counted.
pub(super) struct Kept<T> {
    pub(super) count: u64,
    first: BinaryHeap<T>,
    limit: usize,
}

impl<T: Copy + Ord> Kept<T> {
    fn new(limit: usize) -> Self {
        Self { count: 0, first: BinaryHeap::new(), limit }
    }

    fn keep(&mut self, item: T) {
        self.count += 1;
        self.first.push(item);
        if self.first.len() > self.limit {
            self.first.pop();
        }
    }

    /// In order.
    pub(super) fn examples(&self) -> Vec<T> {
        self.first.clone().into_sorted_vec()
    }
}
