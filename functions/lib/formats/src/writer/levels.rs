//! Which rows of a column have a value.

use super::delta::varint;

/// A builder of definition levels, 0 or 1.
#[derive(Default)]
pub(super) struct Levels {
    rows: usize,
    nulls: usize,
    /// A bit a row, the first the lowest; empty as long as all rows have a value.
    present: Vec<u8>,
}

impl Levels {
    #[inline]
    pub(super) fn push(&mut self) {
        self.push_present(1);
    }

    #[inline]
    pub(super) fn push_present(&mut self, rows: usize) {
        let before = self.rows;
        self.rows += rows;
        if self.nulls > 0 {
            self.set(before);
        }
    }

    pub(super) fn push_nulls(&mut self, rows: usize) {
        if self.nulls == 0 {
            self.set(0);
        }
        self.rows += rows;
        self.nulls += rows;
        self.present.resize(self.rows.div_ceil(8), 0);
    }

    /// Marks all rows from `from` on as present.
    fn set(&mut self, from: usize) {
        self.present.resize(self.rows.div_ceil(8), 0);
        for row in from..self.rows {
            self.present[row / 8] |= 1 << (row % 8);
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn nulls(&self) -> usize {
        self.nulls
    }

    pub(super) fn clear(&mut self) {
        self.rows = 0;
        self.nulls = 0;
        self.present.clear();
    }

    /// Encodes the levels as Parquet's RLE/bit-packing hybrid with its length: one
    /// run if all rows are alike, else a bit a row.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let length_at = out.len();
        out.extend_from_slice(&[0; 4]);
        if self.nulls == 0 || self.nulls == self.rows {
            varint((self.rows as u64) << 1, out);
            out.push(u8::from(self.nulls == 0));
        } else {
            varint((self.present.len() as u64) << 1 | 1, out);
            out.extend_from_slice(&self.present);
        }
        let length = (out.len() - length_at - 4) as u32;
        out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    }
}
