//! Cells of a column that are not encoded yet.

use super::delta;
use parquet::basic::Encoding;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Bool,
    Int,
    /// Integers, none negative, some beyond `i64`.
    UInt,
    Double,
    Text,
    /// Values as they were written, in JSON.
    Json,
}

impl From<ColumnType> for dataset_types::rows::ColumnType {
    fn from(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Bool => Self::Boolean,
            ColumnType::Int | ColumnType::UInt => Self::Integer,
            ColumnType::Double => Self::Number,
            ColumnType::Text => Self::Text,
            ColumnType::Json => Self::Json,
        }
    }
}

/// Values one after another, nulls left out.
pub(crate) enum Cells {
    Bool(Vec<bool>),
    /// All of them [`delta::is_short`].
    Int(Vec<i64>),
    LongInt(Vec<i64>),
    UInt(Vec<u64>),
    Double(Vec<f64>),
    Text(Text),
}

impl Cells {
    pub(super) fn new(kind: ColumnType, has_long: bool) -> Self {
        match kind {
            ColumnType::Bool => Cells::Bool(vec![]),
            ColumnType::Int if has_long => Cells::LongInt(vec![]),
            ColumnType::Int => Cells::Int(vec![]),
            ColumnType::UInt => Cells::UInt(vec![]),
            ColumnType::Double => Cells::Double(vec![]),
            ColumnType::Text | ColumnType::Json => Cells::Text(Text::default()),
        }
    }

    /// About what they take in memory.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Cells::Bool(values) => values.len(),
            Cells::Int(values) | Cells::LongInt(values) => size_of_val(&values[..]),
            Cells::UInt(values) => size_of_val(&values[..]),
            Cells::Double(values) => size_of_val(&values[..]),
            Cells::Text(text) => text.used + size_of_val(&text.lengths[..]),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Cells::Bool(values) => values.clear(),
            Cells::Int(values) | Cells::LongInt(values) => values.clear(),
            Cells::UInt(values) => values.clear(),
            Cells::Double(values) => values.clear(),
            Cells::Text(text) => text.clear(),
        }
    }

    /// Releases buffers of more than so many bytes.
    pub(super) fn release(&mut self, kept_bytes: usize) {
        if let Cells::Text(text) = self
            && text.bytes.len() + size_of::<u32>() * text.lengths.capacity() > kept_bytes
        {
            *text = Text::default();
        }
    }

    /// Appends the cells in Parquet's encoding, which is returned.
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Encoding {
        match self {
            Cells::Bool(values) => {
                let bits = |flags: &[bool]| flags.iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(*flag));
                out.extend(values.chunks(8).map(bits));
                Encoding::PLAIN
            }
            Cells::Int(values) => {
                delta::encode(values.iter().copied(), out);
                Encoding::DELTA_BINARY_PACKED
            }
            Cells::LongInt(values) => {
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                Encoding::PLAIN
            }
            // DuckDB 0.8 reads DELTA_BINARY_PACKED only of signed integers.
            Cells::UInt(values) => {
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                Encoding::PLAIN
            }
            Cells::Double(values) => {
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                Encoding::PLAIN
            }
            Cells::Text(text) => {
                text.encode(out);
                Encoding::DELTA_LENGTH_BYTE_ARRAY
            }
        }
    }
}

/// Short cells are copied as so many bytes, whatever follows them.
const STRIDE: usize = 32;

/// A text of fewer bytes than this has, which are the lowest, with its length as the highest.
pub(super) type ShortText = u128;

const SHORT: usize = size_of::<ShortText>();

/// The bits of so many bytes.
const LOWEST: [ShortText; SHORT] = {
    let (mut lowest, mut length) = ([0; SHORT], 0);
    while length < SHORT {
        lowest[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    lowest
};

/// Texts end to end, and how long each is.
#[derive(Default)]
pub(crate) struct Text {
    /// The texts, and room behind them.
    bytes: Vec<u8>,
    used: usize,
    lengths: Vec<u32>,
}

impl Text {
    /// Takes `source[start..end]` as a cell.
    #[inline]
    pub(crate) fn push(&mut self, source: &[u8], start: usize, end: usize) {
        self.lengths.push((end - start) as u32);
        self.append(source, start, end);
    }

    #[inline]
    pub(crate) fn push_empty(&mut self) {
        self.lengths.push(0);
    }

    /// Takes `source[start..end]` as a piece of a cell that [`Self::end_cell`] ends.
    #[inline]
    pub(crate) fn append(&mut self, source: &[u8], start: usize, end: usize) {
        let length = end - start;
        if self.bytes.len() - self.used < length + STRIDE {
            self.make_room(length);
        }
        // A copy of fixed length takes two instructions. The next cell overwrites the surplus.
        if length <= STRIDE
            && let Some(stride) = source.get(start..start + STRIDE)
        {
            self.bytes[self.used..self.used + STRIDE].copy_from_slice(stride);
        } else {
            self.bytes[self.used..self.used + length].copy_from_slice(&source[start..end]);
        }
        self.used += length;
    }

    #[cold]
    fn make_room(&mut self, length: usize) {
        let room = self.bytes.len() + self.bytes.len() / 2;
        self.bytes.resize(room.max(self.used + length + 8 * STRIDE), 0);
    }

    /// Where a cell of several pieces begins.
    pub(crate) fn begin_cell(&self) -> usize {
        self.used
    }

    /// Forgets the pieces since [`Self::begin_cell`].
    pub(crate) fn undo_cell(&mut self, begin: usize) {
        self.used = begin;
    }

    pub(crate) fn end_cell(&mut self, begin: usize) {
        self.lengths.push((self.used - begin) as u32);
    }

    /// Removes the last cell.
    pub(crate) fn pop(&mut self) {
        self.used -= self.lengths.pop().map_or(0, |length| length as usize);
    }

    /// The last `cells`.
    pub(crate) fn tail(&self, cells: usize) -> impl Iterator<Item = &[u8]> {
        let lengths = &self.lengths[self.lengths.len() - cells..];
        let bytes: usize = lengths.iter().map(|length| *length as usize).sum();
        cells_of(&self.bytes()[self.used - bytes..], lengths)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    pub(super) fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// Each cell.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        cells_of(self.bytes(), &self.lengths)
    }

    /// Each cell, and as a number if it is short: that is compared and hashed in no time.
    #[inline]
    pub(super) fn iter_short(&self) -> impl Iterator<Item = (&[u8], Option<ShortText>)> {
        let mut start = 0;
        self.lengths.iter().map(move |length| {
            let (begin, length) = (start, *length as usize);
            start += length;
            // There is room for one behind each, but where all of them are empty.
            let bytes = self.bytes[begin..].first_chunk().or((length == 0).then_some(&[0; SHORT]));
            let short = LOWEST
                .get(length)
                .zip(bytes)
                .map(|(lowest, bytes)| u128::from_le_bytes(*bytes) & lowest | (length as u128) << (8 * (SHORT - 1)));
            (&self.bytes[begin..start], short)
        })
    }

    fn clear(&mut self) {
        self.used = 0;
        self.lengths.clear();
    }

    /// DELTA_LENGTH_BYTE_ARRAY: all lengths, then all texts. It spares the compressor four bytes a cell.
    fn encode(&self, out: &mut Vec<u8>) {
        delta::encode(self.lengths.iter().map(|length| i64::from(*length)), out);
        out.extend_from_slice(self.bytes());
    }
}

fn cells_of<'a>(mut bytes: &'a [u8], lengths: &'a [u32]) -> impl Iterator<Item = &'a [u8]> {
    lengths.iter().map(move |length| {
        let (cell, behind) = bytes.split_at(*length as usize);
        bytes = behind;
        cell
    })
}
