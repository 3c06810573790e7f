//! The values of a page: what the writer encodes, and what the writer of the first releases did.

use super::integers::{delta, hybrid, split};
use crate::writer::ColumnType;
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::errors::{ParquetError, Result};
use std::ops::Range;

/// The values of a page.
pub(super) enum Cells {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Double(Vec<f64>),
    Text(Strings),
    /// Texts by their number in the dictionary, which may be much longer than all of these numbers.
    Coded(Vec<u32>),
}

/// Texts one behind another.
pub(super) struct Strings {
    bytes: Bytes,
    /// Where each ends.
    ends: Vec<usize>,
    /// Bytes before each that are not of it.
    gap: usize,
}

impl Cells {
    pub(super) fn none(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Bool => Self::Bool(vec![]),
            ColumnType::Int | ColumnType::UInt => Self::Int(vec![]),
            ColumnType::Double => Self::Double(vec![]),
            ColumnType::Text | ColumnType::Json => Self::Text(Strings { bytes: Bytes::new(), ends: vec![], gap: 0 }),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Text(texts) => texts.ends.len(),
            Self::Coded(codes) => codes.len(),
        }
    }

    /// Decodes so many values.
    pub(super) fn decode(
        kind: ColumnType,
        encoding: Encoding,
        values: &Bytes,
        count: usize,
        dictionary: Option<&Self>,
    ) -> Result<Self> {
        if count == 0 {
            return Ok(Self::none(kind));
        }
        let whole = |size: usize| split(&mut &values[..], count.saturating_mul(size));
        let cells = match (encoding, kind) {
            (Encoding::RLE_DICTIONARY, _) => {
                let mut codes = &values[..];
                let width = usize::from(split(&mut codes, 1)?[0]);
                let dictionary = dictionary.ok_or_else(|| broken("it has no dictionary"))?;
                dictionary.by_code(hybrid(codes, width, count)?)?
            }
            (Encoding::PLAIN, ColumnType::Bool) => {
                let bits = split(&mut &values[..], count.div_ceil(8))?;
                Self::Bool((0..count).map(|index| bits[index / 8] >> (index % 8) & 1 == 1).collect())
            }
            (Encoding::PLAIN, ColumnType::Int | ColumnType::UInt) => {
                Self::Int(whole(8)?.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
            }
            (Encoding::PLAIN, ColumnType::Double) => {
                Self::Double(whole(8)?.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
            }
            (Encoding::PLAIN, ColumnType::Text | ColumnType::Json) => Self::Text(Strings::plain(values, count)?),
            (Encoding::DELTA_BINARY_PACKED, ColumnType::Int | ColumnType::UInt) => Self::Int(delta(values, count)?.0),
            (Encoding::DELTA_LENGTH_BYTE_ARRAY, ColumnType::Text | ColumnType::Json) => {
                Self::Text(Strings::by_length(values, count)?)
            }
            (other, kind) => return Err(broken(&format!("{kind:?} is in {other}"))),
        };
        if cells.len() < count {
            return Err(broken("it ends early"));
        }
        Ok(cells)
    }

    /// What a dictionary has for these numbers; texts are left as they are.
    fn by_code(&self, codes: Vec<u32>) -> Result<Self> {
        if codes.iter().any(|code| *code as usize >= self.len()) {
            return Err(broken("the dictionary has no such entry"));
        }
        Ok(match self {
            Self::Bool(values) => Self::Bool(codes.iter().map(|code| values[*code as usize]).collect()),
            Self::Int(values) => Self::Int(codes.iter().map(|code| values[*code as usize]).collect()),
            Self::Double(values) => Self::Double(codes.iter().map(|code| values[*code as usize]).collect()),
            Self::Text(_) | Self::Coded(_) => Self::Coded(codes),
        })
    }
}

impl Strings {
    fn plain(bytes: &Bytes, count: usize) -> Result<Self> {
        let (mut rest, mut ends) = (&bytes[..], Vec::with_capacity(count));
        for _ in 0..count {
            let length = u32::from_le_bytes(split(&mut rest, 4)?.try_into().unwrap_or_default());
            split(&mut rest, length as usize)?;
            ends.push(bytes.len() - rest.len());
        }
        Ok(Self { bytes: bytes.clone(), ends, gap: 4 })
    }

    fn by_length(values: &Bytes, count: usize) -> Result<Self> {
        let (lengths, bytes) = delta(values, count)?;
        let mut end = 0_usize;
        let mut ends = Vec::with_capacity(lengths.len());
        for length in lengths {
            end = end.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
            ends.push(end);
        }
        if end > bytes.len() {
            return Err(broken("it ends within a text"));
        }
        Ok(Self { bytes: values.slice_ref(bytes), ends, gap: 0 })
    }

    fn end_before(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    pub(super) fn get(&self, index: usize) -> &[u8] {
        &self.bytes[self.end_before(index) + self.gap..self.ends[index]]
    }

    /// Whether each begins where the one before ends.
    pub(super) fn are_end_to_end(&self) -> bool {
        self.gap == 0
    }

    /// Appends texts that are end to end.
    pub(super) fn append_to(&self, (bytes, ends): &mut (Vec<u8>, Vec<usize>), own: Range<usize>) {
        let (start, end) = (self.end_before(own.start), self.end_before(own.end));
        let before = bytes.len();
        bytes.extend_from_slice(&self.bytes[start..end]);
        ends.extend(self.ends[own].iter().map(|end| end - start + before));
    }
}

pub(super) fn broken(why: &str) -> ParquetError {
    ParquetError::General(format!("a page can't be decoded: {why}"))
}
