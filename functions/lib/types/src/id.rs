//! Identifiers: positive integers below 2^53, so that every JSON client can hold them, and ordered in time.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// One more than the largest identifier.
const END: u64 = 1 << 53;

/// An integer of a JSON text, which may be written `1.0` or `1e3`: JSON has
/// numbers, and clients that have nothing but doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
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
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
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

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::Integer)
                    .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
                    .description(Some(concat!($($doc),+).trim()))
                    .minimum(Some(1.0))
                    .maximum(Some((END - 1) as f64))
                    .into()
            }
        }

        impl ToSchema for $name {}

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
    /// A webhook: a URL that events are sent to.
    WebhookId
);
id!(
    /// The public id of an API key.
    KeyId
);

/// The id of an event. Events are ordered by it, in time.
///
/// It has 16 digits and 8 of a random number in hexadecimal. The first releases
/// took the dataset's id, of 16 digits alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(String);

impl EventId {
    const ORDER_DIGITS: usize = 16;
    const SALT_DIGITS: usize = 8;

    pub fn new(order: u64, salt: u32) -> Self {
        Self(format!("{order:016}{salt:08x}"))
    }

    /// Of an event that was made by one of the first releases.
    pub fn of_dataset(id: u64) -> Self {
        Self(format!("{id:016}"))
    }

    pub fn is_of_dataset(&self) -> bool {
        self.0.len() == Self::ORDER_DIGITS
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (order, salt) = text.split_at_checked(Self::ORDER_DIGITS)?;
        let is_order = order.bytes().all(|b| b.is_ascii_digit());
        let is_salt = salt.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let has_length = [0, Self::SALT_DIGITS].contains(&salt.len());
        (is_order && is_salt && has_length).then(|| Self(text.to_owned()))
    }

    /// The number that it begins with.
    pub fn order(&self) -> u64 {
        self.0[..Self::ORDER_DIGITS].parse().unwrap_or(0)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a delivery, which receivers see as `webhook-id`: the same for every
/// attempt. Deliveries are ordered by it, as their events are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(String);

impl DeliveryId {
    /// The same event and webhook give the same delivery, so that relaying an event twice makes nothing new.
    pub fn new(event: &EventId, webhook: WebhookId) -> Self {
        Self(format!("msg_{event}_{webhook}"))
    }

    /// Where the deliveries of events from `order` on begin.
    pub fn at(order: u64, webhook: WebhookId) -> Self {
        Self::new(&EventId::of_dataset(order), webhook)
    }

    /// An identifier as a caller has it; `None` if it breaks the pattern of the schema.
    pub fn parse(id: &str) -> Option<Self> {
        let (event, webhook) = id.strip_prefix("msg_")?.split_once('_')?;
        let is_number = (1..=16).contains(&webhook.len()) && webhook.bytes().all(|b| b.is_ascii_digit());
        (is_number && !webhook.starts_with('0') && EventId::parse(event).is_some()).then(|| Self(id.to_owned()))
    }

    pub fn from_stored(id: String) -> Self {
        Self(id)
    }

    /// Its event's, as [`EventId::order`] has it; 0 for what is no delivery of ours.
    pub fn order(&self) -> u64 {
        let event = self.0.strip_prefix("msg_").and_then(|rest| EventId::parse(rest.split_once('_')?.0));
        event.map_or(0, |event| event.order())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialSchema for DeliveryId {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The `webhook-id` that the receiver sees"))
            .pattern(Some("^msg_[0-9]{16}([0-9a-f]{8})?_[1-9][0-9]{0,15}$"))
            .into()
    }
}

impl ToSchema for DeliveryId {}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn deliveries_are_ordered_as_their_events_are() {
        let webhook = WebhookId::new(21).unwrap();
        let id = |order| DeliveryId::at(order, webhook);
        assert!(id(999_999_999_999_999) < id(1_000_000_000_000_000));
        assert_eq!(id(7).as_str(), "msg_0000000000000007_21");
        assert_eq!(id(7).order(), 7);
        assert_eq!(DeliveryId::from_stored("else".into()).order(), 0);
        let fresh = DeliveryId::new(&EventId::new(7, 0xABC), webhook);
        assert_eq!(fresh.as_str(), "msg_000000000000000700000abc_21");
        assert!(fresh > id(6) && fresh < id(8));
    }

    #[test]
    fn a_delivery_id_is_taken_exactly_if_it_matches_its_schema() {
        for (text, ok) in [
            ("msg_0000000000000007_21", true),
            ("msg_000000000000000700000abc_21", true),
            ("msg_0000000000000007_9999999999999999", true),
            ("msg_0000000000000007_93304960195658841005", false),
            ("msg_0000000000000007_021", false),
            ("msg_0000000000000007_", false),
            ("msg_0000000000000007_x", false),
            ("msg_7_21", false),
            ("0000000000000007_21", false),
            ("", false),
        ] {
            assert_eq!(DeliveryId::parse(text).is_some(), ok, "{text}");
        }
    }
}
