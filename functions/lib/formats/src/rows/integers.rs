//! Parquet's encodings of integers, as far as they are in stored files: RLE/bit-packing hybrid and
//! DELTA_BINARY_PACKED.

use super::cells::broken;
use parquet::errors::Result;
use std::array;

/// As many are unpacked at once: then each begins where a byte does.
const AT_ONCE: usize = 32;

/// Decodes so many integers of `width` bits each.
pub(super) fn hybrid(mut packed: &[u8], width: usize, count: usize) -> Result<Vec<u32>> {
    if width > 32 {
        return Err(broken("its integers are too wide"));
    }
    let mut values = Vec::with_capacity(count);
    while values.len() < count {
        let left = count - values.len();
        let run = varint(&mut packed)?;
        let length = usize::try_from(run >> 1).unwrap_or(usize::MAX);
        if run & 1 == 0 {
            let mut value = [0; 4];
            let bytes = split(&mut packed, width.div_ceil(8))?;
            value[..bytes.len()].copy_from_slice(bytes);
            values.resize(values.len() + length.min(left), u32::from_le_bytes(value));
        } else {
            let groups = length.min(left.div_ceil(8));
            let packed = split(&mut packed, groups * width)?;
            let left = left.min(8 * groups);
            for first in (0..left).step_by(AT_ONCE) {
                let some = unpack(packed.get(first / 8 * width..).unwrap_or_default(), width);
                values.extend(some[..AT_ONCE.min(left - first)].iter().map(|value| *value as u32));
            }
        }
    }
    Ok(values)
}

/// Decodes all integers of DELTA_BINARY_PACKED, of which there may be so many at most, and what comes behind them.
pub(super) fn delta(mut packed: &[u8], most: usize) -> Result<(Vec<i64>, &[u8])> {
    let block = length(&mut packed)?;
    let miniblocks = length(&mut packed)?;
    let count = length(&mut packed)?;
    let mut last = zigzag(&mut packed)?;
    let in_miniblock = block.checked_div(miniblocks).unwrap_or(0);
    if in_miniblock == 0 || !in_miniblock.is_multiple_of(AT_ONCE) || count > most {
        return Err(broken("its integers are not as they should be"));
    }
    let mut values = Vec::with_capacity(count);
    values.extend((count > 0).then_some(last));
    while values.len() < count {
        let least = zigzag(&mut packed)?;
        for width in split(&mut packed, miniblocks)? {
            let (width, left) = (usize::from(*width), count - values.len());
            // What is beyond the end may have a width, but has no bytes.
            if left == 0 {
                break;
            }
            if width > 64 {
                return Err(broken("its integers are too wide"));
            }
            let packed = split(&mut packed, in_miniblock / 8 * width)?;
            for first in (0..in_miniblock.min(left)).step_by(AT_ONCE) {
                let some = unpack(&packed[first / 8 * width..], width);
                values.extend(some[..AT_ONCE.min(left - first)].iter().map(|above| {
                    last = last.wrapping_add(least).wrapping_add(above.cast_signed());
                    last
                }));
            }
        }
    }
    Ok((values, packed))
}

/// The first integers of `width` bits each, the first in the lowest.
fn unpack(packed: &[u8], width: usize) -> [u64; AT_ONCE] {
    let mut bytes = [0; AT_ONCE * 8 + 8];
    let length = packed.len().min(AT_ONCE / 8 * width);
    bytes[..length].copy_from_slice(&packed[..length]);
    let window = |byte: usize| array::from_fn(|index| bytes[byte + index]);
    let mask = u64::MAX.checked_shr(64 - width as u32).unwrap_or(0);
    if width <= 57 {
        return array::from_fn(|index| {
            let bit = index * width;
            u64::from_le_bytes(window(bit / 8)) >> (bit % 8) & mask
        });
    }
    array::from_fn(|index| {
        let bit = index * width;
        let low = u64::from_le_bytes(window(bit / 8)) >> (bit % 8);
        let high = u64::from(bytes[bit / 8 + 8]).checked_shl(64 - bit as u32 % 8).unwrap_or(0);
        (low | high) & mask
    })
}

fn length(packed: &mut &[u8]) -> Result<usize> {
    usize::try_from(varint(packed)?).map_err(|_| broken("a length is too large"))
}

fn zigzag(packed: &mut &[u8]) -> Result<i64> {
    let value = varint(packed)?;
    Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

fn varint(packed: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = *split(packed, 1)? else { break };
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(broken("an integer is too long"))
}

/// The next bytes.
pub(super) fn split<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (first, rest) = bytes.split_at_checked(length).ok_or_else(|| broken("it ends early"))?;
    *bytes = rest;
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::encode_delta;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn delta_reads_what_the_writer_writes(
            values in vec(prop_oneof![-2..2i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)], 0..400),
            kept in 0..64u32,
        ) {
            // Of any width, and all of one.
            for shift in [0, kept] {
                let values: Vec<i64> = values.iter().map(|value| value >> shift).collect();
                let mut packed = Vec::new();
                encode_delta(values.iter().copied(), &mut packed);
                packed.push(7);
                prop_assert_eq!(delta(&packed, values.len()).unwrap(), (values, &[7][..]));
            }
        }
    }
}
