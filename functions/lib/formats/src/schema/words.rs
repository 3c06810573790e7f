//! What a schema expects, in words. No cell is repeated.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;
use std::borrow::Cow;

/// Values of a schema are shown so far.
const MAX_SHOWN_CHARS: usize = 120;

/// Of a column.
pub(super) const MISSING: &str = "expected a value, found none";

/// What was expected, and what kind of thing was found.
pub(super) fn expected(error: &ValidationError<'_>) -> String {
    let found = kind_of(error.instance());
    let expected: Cow<'_, str> = match error.kind() {
        Kind::Type { kind: TypeKind::Single(kind) } => return format!("expected {}, found {found}", kind_named(*kind)),
        Kind::Type { kind: TypeKind::Multiple(kinds) } => {
            let kinds = dataset_types::in_words(kinds.into_iter().map(|kind| kind_named(kind).to_owned()), "or");
            return format!("expected {kinds}, found {found}");
        }
        Kind::Required { .. } if error.instance_path().as_str().is_empty() => return MISSING.to_owned(),
        Kind::Required { property } => return format!("expected {}, found none", shown(property)),
        Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } => {
            "no other properties than the schema has".into()
        }
        Kind::AdditionalItems { limit } => format!("{limit} items at most").into(),
        Kind::UnevaluatedItems { .. } => "no other items than the schema has".into(),
        Kind::AnyOf { .. } => "one of the forms that anyOf has at least".into(),
        Kind::OneOfMultipleValid { .. } => "one of the forms that oneOf has, and no other of them".into(),
        Kind::OneOfNotValid { .. } => "one of the forms that oneOf has".into(),
        Kind::Constant { expected_value } => shown(expected_value).into(),
        Kind::Enum { options } => format!("one of {}", shown(options)).into(),
        Kind::Contains => "an array with such items as contains says".into(),
        Kind::ContentEncoding { content_encoding } => format!("text in {}", cut(content_encoding)).into(),
        Kind::ContentMediaType { content_media_type } => format!("text that is {}", cut(content_media_type)).into(),
        Kind::FromUtf8 { .. } => "text in UTF-8 once it is decoded".into(),
        Kind::ExclusiveMaximum { limit } => format!("a number below {limit}").into(),
        Kind::ExclusiveMinimum { limit } => format!("a number above {limit}").into(),
        Kind::Maximum { limit } => format!("a number of {limit} at most").into(),
        Kind::Minimum { limit } => format!("a number of {limit} at least").into(),
        Kind::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}").into(),
        Kind::MaxLength { limit } => format!("{limit} characters at most").into(),
        Kind::MinLength { limit } => format!("{limit} characters at least").into(),
        Kind::MaxItems { limit } => format!("{limit} items at most").into(),
        Kind::MinItems { limit } => format!("{limit} items at least").into(),
        Kind::MaxProperties { limit } => format!("{limit} properties at most").into(),
        Kind::MinProperties { limit } => format!("{limit} properties at least").into(),
        Kind::FalseSchema => "nothing here, since the schema is false".into(),
        Kind::Format { format } => format!("text of the format {}", cut(format)).into(),
        Kind::Not { .. } => "what the schema under not does not describe".into(),
        Kind::Pattern { pattern } => format!("text that fits the pattern {}", cut(pattern)).into(),
        Kind::PropertyNames { .. } => "other names of properties".into(),
        Kind::UniqueItems => "items of which no two are the same".into(),
        Kind::Referencing(error) => {
            return format!("refers to what is not in it; nothing is fetched: {}", cut(&error.to_string()));
        }
        Kind::Custom { message, .. } | Kind::RegexEngineFailure { message } => cut(message).into(),
        Kind::BacktrackLimitExceeded { .. } => "a pattern that is matched in linear time".into(),
    };
    format!("expected {expected}")
}

fn kind_named(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "an array",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "text",
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "an integer",
        Value::String(text) if text.is_empty() => "an empty text",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A value of the schema.
fn shown(value: &Value) -> String {
    cut(&value.to_string())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
