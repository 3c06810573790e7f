//! Identifiers: positive integers below 2^53, so that every JSON client can
//! hold them, and ordered in time.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// One more than the largest identifier.
const END: u64 = 1 << 53;

/// An integer of a JSON text, which may be written `1.0` or `1e3`: JSON has
/// numbers, and clients that have nothing but doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole(pub u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(WholeVisitor)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Whole, E> {
        Ok(Whole(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Whole, E> {
        if value.fract() == 0.0 && (0.0..END as f64).contains(&value) {
            return Ok(Whole(value as u64));
        }
        Err(E::invalid_value(Unexpected::Float(value), &self))
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "Whole", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// `None` outside 1 ..= 2^53 - 1.
            pub fn new(value: u64) -> Option<Self> {
                (1..END).contains(&value).then_some(Self(value))
            }

            pub fn get(self) -> u64 {
                self.0
            }
        }

        impl TryFrom<u64> for $name {
            type Error = &'static str;

            fn try_from(value: u64) -> Result<Self, Self::Error> {
                Self::new(value).ok_or("an identifier is an integer from 1 to 2^53 - 1")
            }
        }

        impl TryFrom<Whole> for $name {
            type Error = &'static str;

            fn try_from(whole: Whole) -> Result<Self, Self::Error> {
                whole.0.try_into()
            }
        }

        impl From<$name> for u64 {
            fn from(id: $name) -> u64 {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                // `u64::from_str` takes "+1" and "01"; an identifier has one spelling.
                let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
                plain
                    .then(|| text.parse().ok())
                    .flatten()
                    .and_then(Self::new)
                    .ok_or("an identifier is an integer from 1 to 2^53 - 1")
            }
        }
    };
}

id!(
    /// A draft, and the version that it becomes.
    DatasetId
);
id!(
    /// A dataset group: the series that versions are numbered in.
    GroupId
);
id!(
    /// A workspace: what keys, groups and receivers belong to.
    WorkspaceId
);
id!(
    /// The user that a key acts for.
    UserId
);
id!(
    /// A webhook receiver.
    ReceiverId
);
id!(
    /// An API key, without being it.
    KeyId
);

#[cfg(test)]
mod tests {
    use super::{DatasetId, Whole};

    #[test]
    fn an_integer_may_be_written_with_a_point() {
        for (text, expected) in [
            ("7", Some(7)),
            ("7.0", Some(7)),
            ("7e2", Some(700)),
            ("0", Some(0)),
            ("7.5", None),
            ("-7", None),
            ("-7.0", None),
            ("1e300", None),
            ("\"7\"", None),
            ("null", None),
        ] {
            assert_eq!(serde_json::from_str::<Whole>(text).ok().map(|whole| whole.0), expected, "{text}");
        }
    }

    #[test]
    fn an_identifier_has_one_spelling_and_fits_a_double() {
        for (text, ok) in [
            ("1", true),
            ("9007199254740991", true),
            ("9007199254740992", false),
            ("0", false),
            ("01", false),
            ("+1", false),
            ("-1", false),
            ("1.5", false),
            ("", false),
            ("99999999999999999999999", false),
        ] {
            assert_eq!(text.parse::<DatasetId>().is_ok(), ok, "{text}");
        }
    }
}
