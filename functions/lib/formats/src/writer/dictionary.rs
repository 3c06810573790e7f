//! A dictionary of a column's distinct texts.

use super::cells::Text;
use super::delta::{pack, varint};
use std::collections::{HashMap, HashSet};

/// Cells that are sampled to decide whether a dictionary pays.
const SAMPLE_CELLS: usize = 4_096;

/// A dictionary that has outgrown these no longer pays.
const MAX_ENTRIES: usize = 1 << 15;
const MAX_BYTES: usize = 256 << 10;

/// Whether at least half of the first cells are repeats.
pub(super) fn pays(text: &Text) -> bool {
    let sample = text.lengths().len().min(SAMPLE_CELLS);
    let distinct: HashSet<&[u8], ahash::RandomState> = text.iter().take(sample).collect();
    distinct.len() * 2 < sample
}

#[derive(Default)]
pub(super) struct Dictionary {
    /// The number of each text, in order of first sight.
    numbers: HashMap<Box<[u8]>, u32, ahash::RandomState>,
    /// The texts as Parquet's PLAIN has them.
    plain: Vec<u8>,
    /// The cells that are not in a page yet.
    cells: Vec<u64>,
}

impl Dictionary {
    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    pub(super) fn entries(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn is_outgrown(&self) -> bool {
        self.numbers.len() > MAX_ENTRIES || self.plain.len() > MAX_BYTES
    }

    /// Whether there are cells that are not in a page yet.
    pub(super) fn has_cells(&self) -> bool {
        !self.cells.is_empty()
    }

    /// What they take in memory.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.cells[..])
    }

    pub(super) fn take(&mut self, text: &Text) {
        for cell in text.iter() {
            let number = match self.numbers.get(cell) {
                Some(number) => *number,
                None => self.add(cell),
            };
            self.cells.push(u64::from(number));
        }
    }

    fn add(&mut self, cell: &[u8]) -> u32 {
        let number = self.numbers.len() as u32;
        self.numbers.insert(cell.into(), number);
        self.plain.extend_from_slice(&(cell.len() as u32).to_le_bytes());
        self.plain.extend_from_slice(cell);
        number
    }

    /// RLE_DICTIONARY: the cells as numbers of as many bits as the largest takes.
    pub(super) fn encode_cells(&mut self, out: &mut Vec<u8>) {
        let width = u64::BITS - (self.numbers.len() as u64 - 1).max(1).leading_zeros();
        out.push(width as u8);
        self.cells.resize(self.cells.len().next_multiple_of(8), 0);
        varint((self.cells.len() as u64 / 8) << 1 | 1, out);
        pack(&self.cells, width, out);
        self.cells.clear();
    }

    /// The dictionary page.
    pub(super) fn encode_entries(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.plain);
    }
}
