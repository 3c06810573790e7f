//! A column of text in the making.

use crate::error::Result;
use arrow_array::StringArray;
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

/// Cells end to end, and where each ends.
pub(crate) struct TextColumn {
    values: Vec<u8>,
    ends: Vec<i32>,
    /// Whether each cell is there; empty as long as all are.
    valid: Vec<bool>,
}

impl TextColumn {
    pub(crate) fn new() -> Self {
        Self { values: Vec::new(), ends: vec![0], valid: Vec::new() }
    }

    /// The cells so far.
    pub(crate) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    pub(crate) fn push(&mut self, cell: &[u8]) {
        self.values.extend_from_slice(cell);
        self.end_cell();
    }

    /// A quoted cell, whose doubled quotes stand for one each.
    pub(crate) fn push_unescaped(&mut self, cell: &[u8]) {
        let mut rest = cell;
        while let Some(at) = memchr::memchr(b'"', rest) {
            self.values.extend_from_slice(&rest[..=at]);
            rest = &rest[at + 2..];
        }
        self.push(rest);
    }

    /// What a cell is made of, piece by piece, before [`Self::end_cell`].
    pub(crate) fn cell(&mut self) -> &mut Vec<u8> {
        &mut self.values
    }

    pub(crate) fn end_cell(&mut self) {
        // A batch ends long before 2 GiB: `Limits` bounds it and the row.
        self.ends.push(i32::try_from(self.values.len()).expect("a batch is far smaller than 2 GiB"));
        if !self.valid.is_empty() {
            self.valid.push(true);
        }
    }

    pub(crate) fn push_null(&mut self) {
        if self.valid.is_empty() {
            self.valid = vec![true; self.len()];
        }
        self.ends.push(i32::try_from(self.values.len()).expect("a batch is far smaller than 2 GiB"));
        self.valid.push(false);
    }

    /// Drops the cells from `len` on, and any that was begun.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.ends.truncate(len + 1);
        self.valid.truncate(len);
        self.values.truncate(self.ends[self.ends.len() - 1] as usize);
    }

    /// The bytes of all cells.
    pub(crate) fn bytes(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn cell_at(&self, index: usize) -> &[u8] {
        &self.values[self.ends[index] as usize..self.ends[index + 1] as usize]
    }

    /// The cells as an array; the column starts anew.
    pub(crate) fn finish(&mut self) -> Result<StringArray> {
        let values = std::mem::take(&mut self.values);
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        let valid = std::mem::take(&mut self.valid);
        let nulls = (!valid.is_empty()).then(|| NullBuffer::from(valid));
        self.values.reserve(values.len());
        self.ends.reserve(ends.len());
        let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
        Ok(StringArray::try_new(offsets, Buffer::from_vec(values), nulls)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;

    #[test]
    fn cells_nulls_and_taking_back() {
        let mut column = TextColumn::new();
        column.push(b"a");
        column.push_unescaped(br#"say ""hi"" """#);
        column.push_null();
        column.push(b"dropped");
        column.cell().extend_from_slice(b"begun");
        column.truncate(3);
        column.push(b"");
        let array = column.finish().unwrap();
        let cells: Vec<Option<&str>> = array.iter().collect();
        assert_eq!(cells, [Some("a"), Some(r#"say "hi" ""#), None, Some("")]);
        assert_eq!(column.len(), 0);
        assert_eq!(column.finish().unwrap().len(), 0);
    }
}
