//! A dictionary of a column's distinct texts.

use super::cells::{ShortText, Text};
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

/// The numbers of texts are in order of first sight. Short texts are found by value: a box of no bytes points to no page,
/// and to compare them there takes glibc's `memcmp` for AVX-512 90 ns.
#[derive(Default)]
pub(super) struct Dictionary {
    short: HashMap<ShortText, u32, ahash::RandomState>,
    long: HashMap<Box<[u8]>, u32, ahash::RandomState>,
    /// The texts as Parquet's PLAIN has them.
    plain: Vec<u8>,
    /// The cells that are not in a page yet.
    cells: Vec<u64>,
}

impl Dictionary {
    pub(super) fn is_empty(&self) -> bool {
        self.entries() == 0
    }

    pub(super) fn entries(&self) -> usize {
        self.short.len() + self.long.len()
    }

    pub(super) fn is_outgrown(&self) -> bool {
        self.entries() > MAX_ENTRIES || self.plain.len() > MAX_BYTES
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
        let mut last = (None, 0);
        for (cell, short) in text.iter_short() {
            if short.is_none() || short != last.0 {
                let known = match short {
                    Some(short) => self.short.get(&short),
                    None => self.long.get(cell),
                };
                last = (short, known.copied().unwrap_or_else(|| self.add(cell, short)));
            }
            self.cells.push(u64::from(last.1));
        }
    }

    fn add(&mut self, cell: &[u8], short: Option<ShortText>) -> u32 {
        let number = self.entries() as u32;
        match short {
            Some(short) => self.short.insert(short, number),
            None => self.long.insert(cell.into(), number),
        };
        self.plain.extend_from_slice(&(cell.len() as u32).to_le_bytes());
        self.plain.extend_from_slice(cell);
        number
    }

    /// RLE_DICTIONARY: the cells as numbers of as many bits as the largest takes.
    pub(super) fn encode_cells(&mut self, out: &mut Vec<u8>) {
        let width = u64::BITS - (self.entries() as u64 - 1).max(1).leading_zeros();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_empty_texts() {
        let (mut text, mut dictionary) = (Text::default(), Dictionary::default());
        text.push_empty();
        text.push_empty();
        dictionary.take(&text);
        assert_eq!((dictionary.cells, dictionary.short.len(), dictionary.long.len()), (vec![0, 0], 1, 0));
    }

    #[test]
    fn each_text_has_one_number() {
        let texts = ["", "\0", "\0\0", "a", "a\0", "fifteen bytes..", "fifteen bytes..\0", "sixteen bytes...", "b"];
        let cells: Vec<&str> = texts.into_iter().chain(texts.into_iter().rev()).chain(["", "", "a"]).collect();
        let (mut text, mut dictionary) = (Text::default(), Dictionary::default());
        for cell in &cells {
            text.push(cell.as_bytes(), 0, cell.len());
        }
        dictionary.take(&text);
        let number = |cell: &&str| texts.iter().position(|text| text == cell).unwrap() as u64;
        assert_eq!(dictionary.cells, cells.iter().map(number).collect::<Vec<u64>>());
        assert_eq!(dictionary.entries(), texts.len());
        let mut plain = vec![];
        for text in texts {
            plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
            plain.extend_from_slice(text.as_bytes());
        }
        assert_eq!(dictionary.plain, plain);
    }
}
