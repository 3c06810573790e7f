//! What a cell of a CSV file is, by what the schema says it may be.

use super::escaped;
use jsonschema::ValidatorMap;
use serde_json::{Number, Value};
use std::collections::HashSet;

/// Schemas that refer to others are followed so far.
const MAX_DEPTH: usize = 32;

/// A set of JSON's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) const NONE: Self = Self(0);
    const NULL: Self = Self(1);
    const BOOLEAN: Self = Self(2);
    /// Integers too.
    const NUMBER: Self = Self(4);
    const TEXT: Self = Self(8);
    /// Arrays and objects.
    const NESTED: Self = Self(16 | 32);
    const OBJECT: Self = Self(32);
    pub(crate) const ALL: Self = Self(63);

    fn named(name: &str) -> Self {
        match name {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "integer" | "number" => Self::NUMBER,
            "string" => Self::TEXT,
            "array" => Self(16),
            "object" => Self::OBJECT,
            _ => Self::NONE,
        }
    }

    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(_) => Self::NUMBER,
            Value::String(_) => Self::TEXT,
            Value::Array(_) => Self(16),
            Value::Object(_) => Self::OBJECT,
        }
    }

    /// As a schema names them.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let all = ["null", "boolean", "number", "string", "array", "object"];
        all.into_iter().filter(|name| self.has(Self::named(name))).collect()
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn any(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::NONE, Self::or)
    }

    fn has(self, some: Self) -> bool {
        self.and(some) != Self::NONE
    }

    pub(super) fn has_objects(self) -> bool {
        self.has(Self::OBJECT)
    }
}

/// The types that a schema lets through, as far as it says so by `type`, `enum`, `const` and what combines schemas.
pub(super) fn types(schema: &Value, root: &Value) -> Types {
    types_within(schema, root, MAX_DEPTH)
}

fn types_within(schema: &Value, root: &Value, depth: usize) -> Types {
    let Value::Object(keywords) = schema else { return Types::ALL };
    let Some(depth) = depth.checked_sub(1) else { return Types::ALL };
    let mut types = Types::ALL;
    for (keyword, value) in keywords {
        let said = match (keyword.as_str(), value) {
            ("type", Value::String(name)) => Types::named(name),
            ("type", Value::Array(names)) => Types::any(names.iter().filter_map(Value::as_str).map(Types::named)),
            ("enum", Value::Array(values)) => Types::any(values.iter().map(Types::of)),
            ("const", value) => Types::of(value),
            ("$ref", Value::String(to)) => match local(to, root) {
                Some(schema) => types_within(schema, root, depth),
                None => Types::ALL,
            },
            ("anyOf" | "oneOf", Value::Array(schemas)) => {
                Types::any(schemas.iter().map(|schema| types_within(schema, root, depth)))
            }
            ("allOf", Value::Array(schemas)) => {
                schemas.iter().fold(Types::ALL, |types, schema| types.and(types_within(schema, root, depth)))
            }
            _ => Types::ALL,
        };
        types = types.and(said);
    }
    types
}

/// A schema that speaks of a property of rows.
pub(super) struct Said<'a> {
    /// Where it stands.
    pub(super) pointer: String,
    pub(super) schema: &'a Value,
}

/// All that a schema of rows says of a property, wherever in it.
pub(super) fn said_of<'a>(root: &'a Value, name: &str) -> Vec<Said<'a>> {
    let mut said = Vec::new();
    gather(root, root, "#", name, &mut HashSet::new(), &mut said);
    said
}

fn gather<'a>(
    schema: &'a Value,
    root: &'a Value,
    pointer: &str,
    name: &str,
    seen: &mut HashSet<String>,
    said: &mut Vec<Said<'a>>,
) {
    let Value::Object(keywords) = schema else { return };
    if !seen.insert(pointer.to_owned()) {
        return;
    }
    let own = said.len();
    if let Some(schema) = keywords.get("properties").and_then(|properties| properties.get(name)) {
        said.push(Said { pointer: format!("{pointer}/properties/{}", escaped(name)), schema });
    }
    for (pattern, schema) in keywords.get("patternProperties").and_then(Value::as_object).into_iter().flatten() {
        if regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(name)) {
            said.push(Said { pointer: format!("{pointer}/patternProperties/{}", escaped(pattern)), schema });
        }
    }
    for others in ["additionalProperties", "unevaluatedProperties"] {
        if let Some(schema) = keywords.get(others).filter(|schema| schema.is_object() && said.len() == own) {
            said.push(Said { pointer: format!("{pointer}/{others}"), schema });
        }
    }
    if let Some(Value::String(to)) = keywords.get("$ref")
        && let Some(schema) = local(to, root)
    {
        gather(schema, root, to, name, seen, said);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for (index, schema) in keywords.get(keyword).and_then(Value::as_array).into_iter().flatten().enumerate() {
            gather(schema, root, &format!("{pointer}/{keyword}/{index}"), name, seen, said);
        }
    }
    for keyword in ["if", "then", "else", "not"] {
        if let Some(schema) = keywords.get(keyword) {
            gather(schema, root, &format!("{pointer}/{keyword}"), name, seen, said);
        }
    }
    for (other, schema) in keywords.get("dependentSchemas").and_then(Value::as_object).into_iter().flatten() {
        gather(schema, root, &format!("{pointer}/dependentSchemas/{}", escaped(other)), name, seen, said);
    }
}

/// The types that a schema says something of, where it lets all of them through.
fn hints(schema: &Value, root: &Value, depth: usize) -> Types {
    let (Value::Object(keywords), Some(depth)) = (schema, depth.checked_sub(1)) else { return Types::NONE };
    let of = |schema: &Value| match types_within(schema, root, depth) {
        Types::ALL => hints(schema, root, depth),
        types => types,
    };
    Types::any(keywords.iter().map(|(keyword, value)| match (keyword.as_str(), value) {
        ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf", _) => Types::NUMBER,
        ("items" | "prefixItems" | "contains" | "minItems" | "maxItems" | "uniqueItems" | "unevaluatedItems", _)
        | (
            "properties"
            | "patternProperties"
            | "additionalProperties"
            | "required"
            | "minProperties"
            | "maxProperties"
            | "propertyNames"
            | "dependentRequired"
            | "dependentSchemas"
            | "unevaluatedProperties",
            _,
        ) => Types::NESTED,
        ("if" | "then" | "else", schema) => of(schema),
        ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => Types::any(schemas.iter().map(of)),
        ("$ref", Value::String(to)) => local(to, root).map_or(Types::NONE, of),
        _ => Types::NONE,
    }))
}

/// The schema at a reference within the document.
pub(super) fn local<'a>(to: &str, root: &'a Value) -> Option<&'a Value> {
    let pointer = to.strip_prefix('#')?;
    let pointer = percent_decoded(pointer)?;
    root.pointer(&pointer)
}

fn percent_decoded(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

/// Whether a schema takes every text, and says nothing else.
pub(super) fn is_any_text(schema: &Value) -> bool {
    let Value::Object(keywords) = schema else { return *schema == Value::Bool(true) };
    keywords.iter().all(|(keyword, value)| match keyword.as_str() {
        "title" | "description" | "default" | "examples" | "$comment" | "deprecated" | "readOnly" | "writeOnly" => true,
        "type" => *value == "string",
        _ => false,
    })
}

/// How a cell of a CSV file is read.
pub(super) struct Reading {
    types: Types,
    /// Whether the schema says that it may be text.
    may_be_text: bool,
    empty: Empty,
}

/// What an empty cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Empty {
    Text,
    Null,
    Absent,
}

impl Reading {
    /// By all that is said of the property.
    pub(super) fn of(said: &[Said<'_>], root: &Value, validators: &ValidatorMap) -> Self {
        if said.is_empty() {
            return Self::TEXT;
        }
        let mut reading = Self { types: Types::NONE, may_be_text: false, empty: Empty::Absent };
        for Said { schema, .. } in said {
            let types = types(schema, root);
            if types == Types::ALL {
                reading.types = reading.types.or(hints(schema, root, MAX_DEPTH)).or(Types::TEXT);
            } else {
                reading.types = reading.types.or(types);
                reading.may_be_text |= types.has(Types::TEXT);
            }
        }
        let is_taken = |value: &Value| {
            let validators = said.iter().filter_map(|said| validators.get(&said.pointer));
            validators.into_iter().all(|validator| validator.is_valid(value))
        };
        reading.empty = match () {
            () if reading.types.has(Types::TEXT) && is_taken(&Value::String(String::new())) => Empty::Text,
            () if reading.types.has(Types::NULL) && is_taken(&Value::Null) => Empty::Null,
            () => Empty::Absent,
        };
        reading
    }

    /// Of a column that the schema has no property for.
    const TEXT: Self = Self { types: Types::TEXT, may_be_text: true, empty: Empty::Text };

    /// Reads a cell as the type that the schema says, as text if it is none of them. `false` if it is absent.
    #[inline]
    pub(super) fn read(&self, cell: &[u8], value: &mut Value) -> bool {
        if cell.is_empty() {
            match self.empty {
                Empty::Text => set_text(b"", value),
                Empty::Null => *value = Value::Null,
                Empty::Absent => return false,
            }
            return true;
        }
        match self.typed(cell) {
            Some(typed) => *value = typed,
            None => set_text(cell, value),
        }
        true
    }

    /// Whether a cell that was read as another type may be text after all.
    pub(super) fn may_be_text(&self) -> bool {
        self.may_be_text
    }

    fn typed(&self, cell: &[u8]) -> Option<Value> {
        match cell[0] {
            b'0'..=b'9' | b'-' if self.types.has(Types::NUMBER) => number_of(cell).map(Value::Number),
            b't' | b'T' | b'f' | b'F' if self.types.has(Types::BOOLEAN) => match cell {
                b"true" | b"True" | b"TRUE" => Some(Value::Bool(true)),
                b"false" | b"False" | b"FALSE" => Some(Value::Bool(false)),
                _ => None,
            },
            b'{' | b'[' if self.types.has(Types::NESTED) => serde_json::from_slice(cell).ok(),
            _ => None,
        }
    }
}

/// So many digits are an `i64`.
const SHORT_DIGITS: usize = 18;

/// A number as JSON writes them.
pub(crate) fn number_of(cell: &[u8]) -> Option<Number> {
    let (is_negative, digits) = match cell {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let is_short = (1..=SHORT_DIGITS).contains(&digits.len()) && (digits[0] != b'0' || digits.len() == 1);
    if is_short
        && let Some(value) = digits
            .iter()
            .try_fold(0_i64, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
    {
        // The minus of -0 says that it is a double.
        return if is_negative && value == 0 {
            Number::from_f64(-0.0)
        } else {
            Some(if is_negative { -value } else { value }.into())
        };
    }
    // White space around it is no part of a number.
    if cell.last().is_some_and(u8::is_ascii_digit) { serde_json::from_slice(cell).ok() } else { None }
}

/// Makes `value` this text, in the buffer that it has.
#[inline]
pub(super) fn set_text(text: &[u8], value: &mut Value) {
    // Cells are UTF-8 by now.
    let text = std::str::from_utf8(text).unwrap_or_default();
    match value {
        Value::String(buffer) => {
            buffer.clear();
            buffer.push_str(text);
        }
        other => *other = Value::String(text.to_owned()),
    }
}
