//! Items of the table, attribute by attribute.

use aws_sdk_dynamodb::types::AttributeValue;
use dataset_core::{Error, Result};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

pub(crate) type Attributes = HashMap<String, AttributeValue>;

pub(crate) fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn n(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn flag(value: bool) -> AttributeValue {
    AttributeValue::Bool(value)
}

/// Milliseconds since 1970, for what is compared.
pub(crate) fn ms(value: Timestamp) -> AttributeValue {
    n(value.as_millisecond())
}

/// Whole seconds since 1970, as DynamoDB's time to live wants them.
pub(crate) fn seconds(value: Timestamp) -> AttributeValue {
    n(value.as_second())
}

/// A value that no query or expression reads, as JSON text.
pub(crate) fn json(value: &impl Serialize) -> Result<AttributeValue> {
    let text = serde_json::to_string(value).map_err(|e| Error::internal("a value has no JSON form").because(e))?;
    Ok(s(text))
}

/// An item to be written.
#[derive(Default)]
pub(crate) struct Item(Attributes);

impl Item {
    pub(crate) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn into_attributes(self) -> Attributes {
        self.0
    }
}

/// An item that was read. A missing or misshapen attribute is an internal error that names the item.
pub(crate) struct Read<'a>(pub(crate) &'a Attributes);

impl Read<'_> {
    pub(crate) fn text(&self, name: &str) -> Result<&str> {
        self.0.get(name).and_then(|v| v.as_s().ok()).map(String::as_str).ok_or_else(|| self.broken(name))
    }

    pub(crate) fn parsed<T: FromStr>(&self, name: &str) -> Result<T> {
        self.maybe(name).ok_or_else(|| self.broken(name))
    }

    /// The value, or `None` if it is missing or misshapen.
    pub(crate) fn maybe<T: FromStr>(&self, name: &str) -> Option<T> {
        match self.0.get(name)? {
            AttributeValue::S(text) | AttributeValue::N(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        serde_json::from_str(self.text(name)?).map_err(|e| self.broken(name).because(e))
    }

    /// The value, or `None` if there is no such attribute.
    pub(crate) fn json_if_any<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        if self.0.contains_key(name) { self.json(name).map(Some) } else { Ok(None) }
    }

    /// Read from milliseconds since 1970.
    pub(crate) fn ms(&self, name: &str) -> Result<Timestamp> {
        Timestamp::from_millisecond(self.parsed(name)?).map_err(|e| self.broken(name).because(e))
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(AttributeValue::Bool(true)))
    }

    fn broken(&self, name: &str) -> Error {
        let key = |k| self.0.get(k).and_then(|v| v.as_s().ok()).map_or("?", String::as_str);
        Error::internal(format!("item {} {} has no usable '{name}'", key("pk"), key("sk")))
    }
}
