//! What a number is by how it is written.

use super::value::Parsed;
use std::fmt::{self, Write};

/// A number as JSON has it.
pub(crate) fn number(text: &str) -> Parsed {
    let is_integer = !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    if is_integer { integer(text) } else { decimal(text) }
}

pub(super) fn integer(text: &str) -> Parsed {
    // No integer has its sign.
    if text == "-0" {
        return Parsed::Double(-0.0);
    }
    match text.parse() {
        Ok(value) => Parsed::Int(value),
        Err(_) => text.parse().map_or(Parsed::Other, Parsed::UInt),
    }
}

/// A number that has a point or an exponent.
pub(super) fn decimal(text: &str) -> Parsed {
    exact(text).map_or(Parsed::Other, Parsed::Double)
}

/// Any number of so many digits is found again in the double nearest to it.
const ALWAYS_EXACT_DIGITS: usize = 15;

/// The double that gives the number back as it was written, up to its form, if there is one.
fn exact(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    if !double.is_finite() {
        return None;
    }
    let is_normal = (1e-300..1e300).contains(&double.abs());
    if is_normal && text.len() <= ALWAYS_EXACT_DIGITS {
        return Some(double);
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(double);
    if shortest == text {
        return Some(double);
    }
    let written = Digits::of(text)?;
    if is_normal && written.count() <= ALWAYS_EXACT_DIGITS || Some(written) == Digits::of(shortest) {
        return Some(double);
    }
    // Of two shortest forms that are equally near, Rust's own formatting may write the other one.
    let mut other = Short::default();
    write!(other, "{double:e}").ok()?;
    (Some(written) == Digits::of(other.text())).then_some(double)
}

/// A number without its sign: digits of which neither the first nor the last is zero, and the power of ten that the
/// last one stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Digits {
    digits: u64,
    exponent: i64,
}

impl Digits {
    /// `None` if there are more than 19, which is more than any double has in its shortest form.
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = split(text);
        let (mut digits, mut zeros, mut behind_point, mut is_behind) = (0_u64, 0, 0, false);
        for byte in mantissa.bytes() {
            behind_point += i64::from(is_behind);
            match byte {
                b'.' => is_behind = true,
                b'0' => zeros += 1,
                _ => {
                    let shift = if digits == 0 { 10 } else { 10_u64.checked_pow(zeros + 1)? };
                    digits = digits.checked_mul(shift)?.checked_add(u64::from(byte - b'0'))?;
                    zeros = 0;
                }
            }
        }
        let exponent = if digits == 0 { 0 } else { exponent.saturating_sub(behind_point).saturating_add(zeros.into()) };
        Some(Self { digits, exponent })
    }

    fn count(self) -> usize {
        self.digits.checked_ilog10().map_or(0, |log| log as usize + 1)
    }
}

/// The mantissa without its sign, and the exponent.
fn split(text: &str) -> (&str, i64) {
    let text = text.trim_start_matches('-');
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    // One that does not fit is of a number that is zero or beyond all doubles.
    (mantissa, exponent.parse().unwrap_or(i64::MAX / 2))
}

/// A number's digits without leading and trailing zeros, however many, and the power of ten that its first digit
/// stands for.
pub(crate) fn all_digits(text: &str) -> (String, i64) {
    let (mantissa, exponent) = split(text);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let significant = digits.trim_matches('0').to_owned();
    if significant.is_empty() {
        return (significant, 0);
    }
    (significant, exponent.saturating_add(whole.len() as i64).saturating_sub(leading as i64))
}

/// Room for a double as Rust writes it.
#[derive(Default)]
struct Short {
    bytes: [u8; 32],
    length: usize,
}

impl Short {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.length..self.length + text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_double_is_used_only_where_it_loses_nothing() {
        for (text, is_exact) in [
            ("0.1", true),
            ("1.10", true),
            ("-0.0", true),
            ("0e99999999999", true),
            ("0.10000000000000000000000000", true),
            ("100000000000000000000000000.0", true),
            ("0.001e-9223372036854775808", false),
            ("0.001e9223372036854775807", false),
            ("1e3", true),
            ("1E+3", true),
            ("123456789.125", true),
            ("0.1000000000000000055511151231257827", false),
            ("0.1234567890123456789", false),
            ("9007199254740993.0", false),
            ("9007199254740992.0", true),
            ("1e400", false),
            ("1e-400", false),
            ("4.9e-324", false),
            ("5e-324", true),
            ("5.0E-0324", true),
            // As Python and JavaScript write it, and as Rust does.
            ("1684986307663784.2", true),
            ("1684986307663784.3", true),
            ("1684986307663784.25", false),
            ("1e99999999999999999999", false),
        ] {
            assert_eq!(exact(text).is_some(), is_exact, "{text}");
        }
    }

    #[test]
    fn integers_stay_what_they_are() {
        for (text, expected) in [
            ("-9223372036854775808", Parsed::Int(i64::MIN)),
            ("9223372036854775807", Parsed::Int(i64::MAX)),
            ("9223372036854775808", Parsed::UInt(1 << 63)),
            ("18446744073709551615", Parsed::UInt(u64::MAX)),
            ("18446744073709551616", Parsed::Other),
            ("-9223372036854775809", Parsed::Other),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
        let Parsed::Double(zero) = number("-0") else { panic!("its sign is lost") };
        assert!(zero == 0.0 && zero.is_sign_negative());
    }

    proptest! {
        /// Whatever writes a double in its shortest form, in whatever form, finds it again; one digit more is lost.
        #[test]
        fn shortest_forms_are_found_again(bits: u64) {
            let double = f64::from_bits(bits);
            prop_assume!(double.is_finite());
            for text in [format!("{double:e}"), format!("{double:?}"), serde_json::to_string(&double).unwrap()] {
                prop_assert_eq!(exact(&text).map(f64::to_bits), Some(bits), "{}", text);
            }
            let longer = format!("{double:.20e}");
            let is_same = all_digits(&longer) == all_digits(&format!("{double:e}"));
            prop_assert_eq!(exact(&longer).is_some(), is_same, "{}", longer);
        }
    }
}
