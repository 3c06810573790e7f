//! Parquet's DELTA_BINARY_PACKED: the differences of integers, in as few bits as a block of them takes.

/// Differences that share a least one.
const BLOCK: usize = 128;

/// Differences that share a width.
const MINIBLOCK: usize = 32;

/// Whether an integer takes at most 54 bits beside its sign. Where all of a column chunk do, no difference
/// takes more than 56, which DuckDB 0.8 and Polars 0.20 would read as other numbers. All pages of a chunk
/// must be encoded alike: DuckDB before 2 can't read on where this encoding ends.
pub(crate) fn is_short(value: i64) -> bool {
    (value ^ value >> 63) >> 54 == 0
}

/// Appends `values`; reading them back wraps as writing does, so any are fine.
pub(crate) fn encode(values: impl ExactSizeIterator<Item = i64>, out: &mut Vec<u8>) {
    let mut values = values;
    varint(BLOCK as u64, out);
    varint((BLOCK / MINIBLOCK) as u64, out);
    varint(values.len() as u64, out);
    let mut last = values.next().unwrap_or(0);
    zigzag(last, out);
    let mut block = [0i64; BLOCK];
    while values.len() > 0 {
        let length = values.len().min(BLOCK);
        for (difference, value) in block.iter_mut().zip(values.by_ref().take(length)) {
            *difference = value.wrapping_sub(last);
            last = value;
        }
        encode_block(&mut block, length, out);
    }
}

fn encode_block(block: &mut [i64; BLOCK], length: usize, out: &mut Vec<u8>) {
    let least = block[..length].iter().copied().min().unwrap_or(0);
    zigzag(least, out);
    // What is beyond the end takes no bits.
    block[length..].fill(least);
    let widths_at = out.len();
    out.extend_from_slice(&[0; BLOCK / MINIBLOCK]);
    for (index, miniblock) in block.as_chunks::<MINIBLOCK>().0.iter().enumerate() {
        let above = miniblock.map(|difference| difference.wrapping_sub(least).cast_unsigned());
        let width = 64 - above.iter().fold(0, |bits, value| bits | value).leading_zeros();
        out[widths_at + index] = width as u8;
        pack(&above, width, out);
    }
}

/// Appends the lowest `width` bits of each value, from the lowest bit up; the
/// number of values is a multiple of eight, so that bytes come out whole.
pub(super) fn pack(values: &[u64], width: u32, out: &mut Vec<u8>) {
    let mut bits = 0u64;
    let mut filled = 0;
    for &value in values {
        bits |= value << filled;
        filled += width;
        if filled >= 64 {
            out.extend_from_slice(&bits.to_le_bytes());
            filled -= 64;
            bits = if filled == 0 { 0 } else { value >> (width - filled) };
        }
    }
    out.extend_from_slice(&bits.to_le_bytes()[..filled as usize / 8]);
}

pub(crate) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn zigzag(value: i64, out: &mut Vec<u8>) {
    varint((value << 1 ^ value >> 63).cast_unsigned(), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_integers() {
        let most = (1 << 54) - 1;
        assert!([0, 1, -1, most, -most - 1].into_iter().all(is_short));
        assert!(![most + 1, -most - 2, i64::MAX, i64::MIN].into_iter().any(is_short));
    }
}
