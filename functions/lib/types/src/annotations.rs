//! What people say of a dataset: a description, tags, and metadata of their own.

use crate::limits::{MAX_METADATA_BYTES, MAX_METADATA_DEPTH};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::str::FromStr;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

const MAX_DESCRIPTION_CHARS: usize = 1_000;
const MAX_TAGS: usize = 20;
const MAX_TAG_CHARS: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Annotations {
    pub description: Option<Description>,
    pub tags: Tags,
    pub metadata: Metadata,
}

impl Annotations {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether they have all of the metadata that is asked for, and the tag.
    pub fn have(&self, tag: Option<&Tag>, metadata: Option<&Metadata>) -> bool {
        tag.is_none_or(|tag| self.tags.0.contains(tag))
            && metadata.is_none_or(|asked| contains(&self.metadata.0, &asked.0))
    }

    pub fn change(&mut self, change: &AnnotateDataset) {
        let AnnotateDataset { description, tags, metadata } = change.clone();
        self.description = description.unwrap_or_else(|| self.description.take());
        self.tags = tags.unwrap_or_else(|| std::mem::take(&mut self.tags));
        self.metadata = metadata.unwrap_or_else(|| std::mem::take(&mut self.metadata));
    }
}

/// Objects have what is asked for if each of its fields is theirs, too; any other value is to be the same.
fn contains(object: &Map<String, Value>, asked: &Map<String, Value>) -> bool {
    asked.iter().all(|(name, asked)| match (object.get(name), asked) {
        (Some(Value::Object(object)), Value::Object(asked)) => contains(object, asked),
        // 1 is 1.0.
        (Some(Value::Number(a)), Value::Number(b)) => a == b || a.as_f64() == b.as_f64() && a.is_f64() != b.is_f64(),
        (found, asked) => found == Some(asked),
    })
}

/// What is not given stays; null takes it away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct AnnotateDataset {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Description>, required = false)]
    pub description: Option<Option<Description>>,
    /// All that it is to have.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(required = false)]
    pub tags: Option<Tags>,
    /// All that it is to have.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(required = false)]
    pub metadata: Option<Metadata>,
}

/// Null is the same as what has nothing, and not as what is not given.
fn given<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    or_nothing(deserializer).map(Some)
}

/// Null is the same as what has nothing.
pub(crate) fn or_nothing<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Text for people, in lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Description(String);

impl Description {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Description {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=MAX_DESCRIPTION_CHARS).contains(&text.chars().count()) {
            return Ok(Self(text.to_owned()));
        }
        Err("a description has 1 to 1,000 characters")
    }
}

/// A word or two to find versions by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = text.trim() == text && !text.contains(char::is_control);
        if is_word && (1..=MAX_TAG_CHARS).contains(&text.chars().count()) {
            return Ok(Self(text.to_owned()));
        }
        Err("a tag has 1 to 64 characters, none of them a control character, and no space at its ends")
    }
}

macro_rules! text {
    ($($type:ident),+) => {
        $(impl TryFrom<String> for $type {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(text: $type) -> Self {
                text.0
            }
        })+
    };
}

text!(Description, Tag);

/// Each once, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Tag>")]
pub struct Tags(BTreeSet<Tag>);

impl Tags {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Tag::as_str)
    }
}

impl TryFrom<Vec<Tag>> for Tags {
    type Error = &'static str;

    fn try_from(tags: Vec<Tag>) -> Result<Self, Self::Error> {
        let tags: BTreeSet<Tag> = tags.into_iter().collect();
        if tags.len() > MAX_TAGS { Err("a dataset has at most 20 tags") } else { Ok(Self(tags)) }
    }
}

/// Any JSON object that is not too long or too deep.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Metadata(Map<String, Value>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(metadata) => metadata.try_into().map_err(D::Error::custom),
            _ => Err(D::Error::custom("metadata must be a JSON object")),
        }
    }
}

/// How deep arrays and objects are within each other, the outermost included.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

impl Metadata {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter()
    }
}

impl TryFrom<Map<String, Value>> for Metadata {
    type Error = String;

    fn try_from(metadata: Map<String, Value>) -> Result<Self, Self::Error> {
        let bytes = serde_json::to_vec(&metadata).map_or(0, |json| json.len());
        if bytes > MAX_METADATA_BYTES {
            return Err(format!(
                "metadata may have {MAX_METADATA_BYTES} bytes as JSON without spaces, and has {bytes}"
            ));
        }
        if metadata.values().map(depth).max() >= Some(MAX_METADATA_DEPTH) {
            return Err(format!("metadata may have {MAX_METADATA_DEPTH} arrays and objects within each other"));
        }
        Ok(Self(metadata))
    }
}

impl FromStr for Metadata {
    type Err = String;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(json).map_err(|error| format!("metadata is no JSON object that can be taken: {error}"))
    }
}

impl PartialSchema for Description {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some("Text for people."));
        text.min_length(Some(1)).max_length(Some(MAX_DESCRIPTION_CHARS)).into()
    }
}

impl PartialSchema for Tag {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some("A word to find datasets by."));
        let pattern =
            r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f])?$";
        text.min_length(Some(1)).max_length(Some(MAX_TAG_CHARS)).pattern(Some(pattern)).into()
    }
}

impl PartialSchema for Tags {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(Tag::schema()).max_items(Some(MAX_TAGS)).into()
    }
}

impl PartialSchema for Metadata {
    fn schema() -> RefOr<Schema> {
        let description = format!(
            "Any JSON object of at most {MAX_METADATA_BYTES} bytes without spaces, with at most {MAX_METADATA_DEPTH} arrays and objects within each other. Numbers are integers of 64 bits, or doubles."
        );
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(description))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl ToSchema for Description {}
impl ToSchema for Tag {}
impl ToSchema for Tags {}
impl ToSchema for Metadata {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_found_by_a_part_of_it() {
        let have = |has: &str, asked: &str| {
            let annotations = Annotations { metadata: has.parse().unwrap(), ..Annotations::default() };
            annotations.have(None, Some(&asked.parse().unwrap()))
        };
        let has = r#"{"stage":"gold","run":{"id":12,"by":"ci"},"of":[1,2],"none":null}"#;
        for asked in ["{}", r#"{"stage":"gold"}"#, r#"{"run":{"id":12.0}}"#, r#"{"of":[1,2],"none":null}"#] {
            assert!(have(has, asked), "{asked}");
        }
        for asked in [r#"{"stage":"Gold"}"#, r#"{"run":{"id":"12"}}"#, r#"{"of":[1]}"#, r#"{"other":null}"#] {
            assert!(!have(has, asked), "{asked}");
        }
        // Different as integers, and the same as doubles.
        assert!(!have(r#"{"a":9007199254740993}"#, r#"{"a":9007199254740992}"#));
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let metadata = |chars: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(chars)).parse::<Metadata>();
        assert!(metadata(MAX_METADATA_BYTES - 8).is_ok());
        assert!(metadata(MAX_METADATA_BYTES - 7).unwrap_err().ends_with("has 4097"));
        let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)).parse::<Metadata>();
        assert!(nested(32).is_ok());
        assert!(nested(33).unwrap_err().contains("32 arrays and objects"));
        assert!("[]".parse::<Metadata>().is_err());
        assert!("ü".repeat(1_000).parse::<Description>().is_ok());
        assert!("ü".repeat(1_001).parse::<Description>().is_err());
        for wrong in ["", " a", "a\n", &"x".repeat(65)] {
            assert!(wrong.parse::<Tag>().is_err(), "{wrong:?}");
        }
        let tags =
            |count: usize| Tags::try_from((0..count).map(|n| n.to_string().parse().unwrap()).collect::<Vec<_>>());
        assert!(tags(20).is_ok());
        assert!(tags(21).is_err());
    }

    #[test]
    fn what_is_not_given_stays_and_null_takes_away() {
        let change = |json: &str| serde_json::from_str::<AnnotateDataset>(json).unwrap();
        let mut annotations = Annotations::default();
        annotations.change(&change(r#"{"description":"a","tags":["b","a","b"],"metadata":{"c":1}}"#));
        assert_eq!(annotations.tags.iter().collect::<Vec<_>>(), ["a", "b"]);
        let before = annotations.clone();
        annotations.change(&change("{}"));
        assert_eq!(annotations, before);
        annotations.change(&change(r#"{"description":null,"tags":null}"#));
        assert_eq!(annotations, Annotations { metadata: before.metadata, ..Annotations::default() });
    }
}
