//! Which bytes of a text are which, 64 at a time.
//!
//! All of the crate's unsafe code is here: reading a block into a vector register, and calling code that is
//! compiled for a processor only where the processor is that one. AVX2 is used where it is found, NEON on
//! arm64, words of eight bytes anywhere else; one test holds them all to the same answers.

#![expect(unsafe_code, reason = "telling bytes apart a register at a time halves what parsing costs")]

/// How many bytes a mask speaks of: bit i is byte i.
pub(crate) const BLOCK: usize = 64;

/// For each block of `text`, in order: where each of `needles` stands, and where the control characters below
/// the space are. In the last block, bits beyond the end are not set.
#[inline]
pub(crate) fn each_block<const N: usize>(text: &[u8], needles: [u8; N], each: impl FnMut([u64; N], u64)) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx2") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("popcnt") {
            // SAFETY: this processor has all of them.
            unsafe { avx2::each_block(text, needles, each) }
        } else {
            words::each_block(text, needles, each);
        }
    }
    #[cfg(target_arch = "aarch64")]
    neon::each_block(text, needles, each);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    words::each_block(text, needles, each);
}

/// The same loop for each processor, over its own `load`, `equal` and `control`. It is no generic function,
/// since those are inlined only into code that is compiled for the same processor.
macro_rules! each_block {
    ($(#[$attribute:meta])*) => {
        $(#[$attribute])*
        #[inline]
        pub(super) fn each_block<const N: usize>(text: &[u8], needles: [u8; N], mut each: impl FnMut([u64; N], u64)) {
            let (blocks, rest) = text.as_chunks::<BLOCK>();
            for block in blocks {
                let lanes = load(block);
                let mut found = [0; N];
                for (found, needle) in found.iter_mut().zip(needles) {
                    *found = equal(lanes, needle);
                }
                each(found, control(lanes));
            }
            if !rest.is_empty() {
                let mut block = [0; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                let lanes = load(&block);
                let within = (1 << rest.len()) - 1;
                let mut found = [0; N];
                for (found, needle) in found.iter_mut().zip(needles) {
                    *found = equal(lanes, needle) & within;
                }
                each(found, control(lanes) & within);
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::BLOCK;
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_set1_epi8,
    };

    each_block!(#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]);

    type Lanes = [__m256i; 2];

    #[target_feature(enable = "avx2")]
    #[inline]
    fn load(block: &[u8; BLOCK]) -> Lanes {
        let start = block.as_ptr();
        // SAFETY: both halves are within the block, and need not be aligned.
        unsafe { [_mm256_loadu_si256(start.cast()), _mm256_loadu_si256(start.add(32).cast())] }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn mask(low: __m256i, high: __m256i) -> u64 {
        let low = _mm256_movemask_epi8(low).cast_unsigned();
        let high = _mm256_movemask_epi8(high).cast_unsigned();
        u64::from(low) | u64::from(high) << 32
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn equal([low, high]: Lanes, needle: u8) -> u64 {
        let needle = _mm256_set1_epi8(needle.cast_signed());
        mask(_mm256_cmpeq_epi8(low, needle), _mm256_cmpeq_epi8(high, needle))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn control([low, high]: Lanes) -> u64 {
        let most = _mm256_set1_epi8(0x1F);
        mask(_mm256_cmpeq_epi8(_mm256_min_epu8(low, most), low), _mm256_cmpeq_epi8(_mm256_min_epu8(high, most), high))
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use super::BLOCK;
    use std::arch::aarch64::{
        uint8x16_t, vandq_u8, vceqq_u8, vcltq_u8, vdupq_n_u8, vgetq_lane_u64, vld1q_u8, vpaddq_u8, vreinterpretq_u64_u8,
    };

    // Every arm64 processor has NEON, so nothing is to be asked for.
    each_block!();

    type Lanes = [uint8x16_t; 4];

    #[inline(always)]
    fn load(block: &[u8; BLOCK]) -> Lanes {
        let start = block.as_ptr();
        // SAFETY: all four quarters are within the block.
        unsafe { [vld1q_u8(start), vld1q_u8(start.add(16)), vld1q_u8(start.add(32)), vld1q_u8(start.add(48))] }
    }

    /// One bit of each lane, which is all ones or all zeros: each byte keeps a bit of its own, and adding
    /// neighbours three times brings eight bytes into one.
    #[inline(always)]
    fn mask([a, b, c, d]: Lanes) -> u64 {
        const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: the load is within `BITS`.
        unsafe {
            let bits = vld1q_u8(BITS.as_ptr());
            let low = vpaddq_u8(vandq_u8(a, bits), vandq_u8(b, bits));
            let high = vpaddq_u8(vandq_u8(c, bits), vandq_u8(d, bits));
            let sums = vpaddq_u8(low, high);
            vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)))
        }
    }

    #[inline(always)]
    fn equal([a, b, c, d]: Lanes, needle: u8) -> u64 {
        // SAFETY: the processor has NEON.
        unsafe {
            let needle = vdupq_n_u8(needle);
            mask([vceqq_u8(a, needle), vceqq_u8(b, needle), vceqq_u8(c, needle), vceqq_u8(d, needle)])
        }
    }

    #[inline(always)]
    fn control([a, b, c, d]: Lanes) -> u64 {
        // SAFETY: the processor has NEON.
        unsafe {
            let space = vdupq_n_u8(0x20);
            mask([vcltq_u8(a, space), vcltq_u8(b, space), vcltq_u8(c, space), vcltq_u8(d, space)])
        }
    }
}

#[cfg(any(test, not(target_arch = "aarch64")))]
mod words {
    use super::BLOCK;

    each_block!();

    const LOW_BITS: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    const ONES: u64 = 0x0101_0101_0101_0101;

    /// Eight words of eight bytes.
    type Lanes = [u64; 8];

    fn load(block: &[u8; BLOCK]) -> Lanes {
        let (words, _) = block.as_chunks::<8>();
        std::array::from_fn(|index| u64::from_le_bytes(words[index]))
    }

    fn equal(lanes: Lanes, needle: u8) -> u64 {
        zeros(lanes.map(|word| word ^ (ONES * u64::from(needle))))
    }

    fn control(lanes: Lanes) -> u64 {
        zeros(lanes.map(|word| word & (ONES * 0xE0)))
    }

    /// Which bytes are zero.
    fn zeros(lanes: Lanes) -> u64 {
        lanes.into_iter().enumerate().fold(0, |mask, (index, word)| {
            // The high bit of each byte, if no bit of the byte is set.
            let zero = !(((word & LOW_BITS) + LOW_BITS) | word) & !LOW_BITS;
            // The product brings the eight bits into the highest byte.
            mask | ((zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * index)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One byte after another.
    fn plainly(text: &[u8], needles: [u8; 2]) -> Vec<([u64; 2], u64)> {
        let mask = |block: &[u8], test: &dyn Fn(u8) -> bool| {
            block.iter().enumerate().fold(0, |mask, (i, b)| mask | u64::from(test(*b)) << i)
        };
        text.chunks(BLOCK)
            .map(|b| (needles.map(|n| mask(b, &|byte| byte == n)), mask(b, &|byte| byte < 0x20)))
            .collect()
    }

    proptest! {
        #[test]
        fn every_way_says_the_same(text in prop::collection::vec(any::<u8>(), 0..300), first: u8, second: u8) {
            let expected = plainly(&text, [first, second]);
            let mut found = vec![];
            each_block(&text, [first, second], |needles, control| found.push((needles, control)));
            prop_assert_eq!(&found, &expected);
            found.clear();
            words::each_block(&text, [first, second], |needles, control| found.push((needles, control)));
            prop_assert_eq!(&found, &expected);
        }
    }

    #[test]
    fn each_byte_is_told_from_each_other() {
        let text: Vec<u8> = (0..=255).flat_map(|n| [n, n ^ 1, n ^ 0x80]).collect();
        for needle in 0..=255 {
            let mut found = vec![];
            each_block(&text, [needle, 0], |needles, control| found.push((needles, control)));
            assert_eq!(found, plainly(&text, [needle, 0]), "{needle}");
        }
    }
}
