//! Numbers of query parameters that have bounds and a default.

use crate::limits::{MAX_EXAMPLES, MAX_PER_PAGE, MAX_SAFE_INTEGER};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Bounded<const MIN: u64, const MAX: u64, const DEFAULT: u64>(u64);

/// Counts from 1.
pub type PageNumber = Bounded<1, MAX_SAFE_INTEGER, 1>;

/// Items of a page.
pub type PerPage = Bounded<1, MAX_PER_PAGE, 10>;

/// Rows of each sort.
pub type ExampleCount = Bounded<0, MAX_EXAMPLES, 10>;

impl<const MIN: u64, const MAX: u64, const DEFAULT: u64> Bounded<MIN, MAX, DEFAULT> {
    /// The largest.
    pub const LARGEST: Self = Self(MAX);

    pub fn get(self) -> u64 {
        self.0
    }

    /// For lengths of what is held in memory.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<const MIN: u64, const MAX: u64, const DEFAULT: u64> Default for Bounded<MIN, MAX, DEFAULT> {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl<const MIN: u64, const MAX: u64, const DEFAULT: u64> TryFrom<u64> for Bounded<MIN, MAX, DEFAULT> {
    type Error = String;

    fn try_from(value: u64) -> Result<Self, String> {
        if (MIN..=MAX).contains(&value) { Ok(Self(value)) } else { Err(format!("must be from {MIN} to {MAX}")) }
    }
}

impl<const MIN: u64, const MAX: u64, const DEFAULT: u64> std::str::FromStr for Bounded<MIN, MAX, DEFAULT> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<u64>().map_err(|_| format!("must be a whole number from {MIN} to {MAX}"))?.try_into()
    }
}

impl<const MIN: u64, const MAX: u64, const DEFAULT: u64> From<Bounded<MIN, MAX, DEFAULT>> for u64 {
    fn from(bounded: Bounded<MIN, MAX, DEFAULT>) -> u64 {
        bounded.0
    }
}

impl<const MIN: u64, const MAX: u64, const DEFAULT: u64> fmt::Display for Bounded<MIN, MAX, DEFAULT> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: u64, const MAX: u64, const DEFAULT: u64> PartialSchema for Bounded<MIN, MAX, DEFAULT> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(MIN as f64))
            .maximum(Some(MAX as f64))
            .default(Some(DEFAULT.into()))
            .into()
    }
}

impl<const MIN: u64, const MAX: u64, const DEFAULT: u64> ToSchema for Bounded<MIN, MAX, DEFAULT> {}
