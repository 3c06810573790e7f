//! The port for randomness; identifiers and jitter.

use crate::{Error, Result};
use jiff::Timestamp;
use std::time::Duration;

/// 2024-01-01T00:00:00Z, in milliseconds: where identifiers start to count.
const EPOCH_MS: i64 = 1_704_067_200_000;

/// Random bits below the milliseconds in an identifier.
const RANDOM_BITS: u32 = 12;

pub trait Ids: Send + Sync {
    /// Fills `bytes` from a cryptographic source.
    fn fill(&self, bytes: &mut [u8]);
}

/// 41 bits of milliseconds and 12 random ones: ordered in time, and below 2^53 until
/// 2093. Two callers may get the same id, so it is stored on condition that it is
/// new.
pub fn time_ordered(ids: &dyn Ids, now: Timestamp) -> u64 {
    let random = random_u64(ids) & ((1 << RANDOM_BITS) - 1);
    ((first_at(now) | random) & ((1 << 53) - 1)).max(1)
}

/// A new identifier.
///
/// # Errors
/// Never, before 2093.
pub fn fresh<I: TryFrom<u64>>(ids: &dyn Ids, now: Timestamp) -> Result<I> {
    I::try_from(time_ordered(ids, now)).map_err(|_| Error::internal("an identifier is out of range"))
}

/// The least identifier that [`time_ordered`] gives at `at` or later.
pub fn first_at(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond() - EPOCH_MS).unwrap_or(0) << RANDOM_BITS
}

/// When an identifier was made, to the millisecond.
pub fn made_at(id: u64) -> Timestamp {
    let ms = EPOCH_MS + i64::try_from(id >> RANDOM_BITS).unwrap_or(0);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A duration drawn evenly from zero to `most` ("full jitter").
pub fn full_jitter(ids: &dyn Ids, most: Duration) -> Duration {
    most.mul_f64(unit(ids))
}

/// `delay` lengthened by up to a tenth, so that what failed together does not come back together.
pub fn spread(ids: &dyn Ids, delay: Duration) -> Duration {
    delay.mul_f64(1.0 + unit(ids) / 10.0)
}

pub fn random_u64(ids: &dyn Ids) -> u64 {
    let mut bytes = [0; 8];
    ids.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Evenly from [0, 1).
fn unit(ids: &dyn Ids) -> f64 {
    (random_u64(ids) >> 11) as f64 / (1u64 << 53) as f64
}

/// The operating system's generator.
pub struct SystemIds;

impl Ids for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "the one place where randomness comes in")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has a random source");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_ordered_in_time() {
        let at = |ms| Timestamp::from_millisecond(EPOCH_MS + ms).expect("in range");
        let earlier = time_ordered(&SystemIds, at(1_000));
        let later = time_ordered(&SystemIds, at(1_001));
        assert!(earlier < later);
        assert!(later < 1 << 53);
        assert_eq!((made_at(earlier), made_at(later)), (at(1_000), at(1_001)));
    }
}
