//! A JSON Schema of one row, and the check of rows by it.
//!
//! Most schemas say something of each property and no more: which are required, and what each is. Then cells are
//! checked one by one, those of a CSV file a column at a time as they lie ready to be written, and nothing is made of
//! a row. A schema that says something of several properties together (`if`, `anyOf`, `dependentRequired` ...) is
//! asked of each row as an object.

mod cell;
mod found;
mod objects;
mod table;
mod unique;
mod weight;
mod words;

pub(crate) use cell::{Types, number_of};
pub(crate) use objects::Objects;
pub(crate) use table::Rows;

use cell::Reading;
use dataset_json_schema::{MAX_PATTERN_BYTES, compile, compile_each};
use dataset_types::schema::MAX_SCHEMA_BYTES;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Validator, ValidatorMap};
use serde_json::{Map, Value};
use weight::weight;
use words::expected;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Keywords at the root that say nothing of a row as a whole.
const OF_PROPERTIES: [&str; 15] = [
    "$schema",
    "$id",
    "$anchor",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "type",
    "properties",
    "required",
    "additionalProperties",
    UNIQUE,
];

/// The columns that no two rows have the same in; JSON Schema has no such keyword.
const UNIQUE: &str = "x-unique";

/// How many columns those may be.
const MAX_UNIQUE: usize = 16;

/// How many schemas a schema may be, with each that it refers to as often as it does.
const MAX_WEIGHT: u64 = 100_000;

/// A JSON Schema (2020-12) of one row, compiled.
pub struct RowSchema {
    source: Value,
    /// Of a row as an object.
    whole: Validator,
    /// Of every schema within it, by its place.
    validators: ValidatorMap,
    /// Of one that says something of each property alone.
    properties: Vec<Property>,
    required: Vec<String>,
    unique: Vec<String>,
    /// Whether columns that are no property are refused.
    is_closed: bool,
    /// Whether what it says of each property is all it says.
    is_of_properties: bool,
}

struct Property {
    name: String,
    /// Where the schema has it, as a JSON Pointer.
    pointer: String,
    reading: Reading,
    is_required: bool,
    validator: Validator,
    /// Whether any text will do.
    is_any_text: bool,
}

/// How a cell stands to its property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// The row has no such property.
    Absent,
    Valid,
    Invalid,
}

/// What is wrong with a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct SchemaError {
    /// A JSON Pointer into the schema, or `the schema` for all of it.
    place: String,
    message: String,
}

impl SchemaError {
    fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let pointer = pointer.into();
        let place = if pointer.is_empty() { "the schema".to_owned() } else { format!("the schema at {pointer}") };
        Self { place, message: message.into() }
    }
}

impl RowSchema {
    /// Compiles a schema. Nothing is fetched.
    ///
    /// # Errors
    /// Where it is no JSON Schema of a row, and why.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        if text.len() > MAX_SCHEMA_BYTES {
            return Err(SchemaError::new(
                "",
                format!("has {} bytes, {MAX_SCHEMA_BYTES} at most are taken", text.len()),
            ));
        }
        let schema: Value =
            serde_json::from_str(text).map_err(|error| SchemaError::new("", format!("is not valid JSON: {error}")))?;
        let Value::Object(root) = &schema else {
            return Err(SchemaError::new("", "must be an object, such as {\"properties\": {...}}"));
        };
        if let Some(dialect) = root.get("$schema")
            && dialect.as_str().map(|dialect| dialect.trim_end_matches('#')) != Some(DIALECT)
        {
            return Err(SchemaError::new("/$schema", format!("must be {DIALECT}, or be left out")));
        }
        if weight(&schema) > MAX_WEIGHT {
            let message = format!("is more than {MAX_WEIGHT} schemas, with each that it refers to; refer to fewer");
            return Err(SchemaError::new("", message));
        }
        let whole = compile(&schema).map_err(|error| refused(&error))?;
        if !cell::types(&schema, &schema).has_objects() {
            let place = if root.contains_key("type") { "/type" } else { "" };
            return Err(SchemaError::new(place, "must be object, since each row is one"));
        }
        let is_of_properties = root.keys().all(|keyword| OF_PROPERTIES.contains(&keyword.as_str()))
            && root.get("additionalProperties").is_none_or(Value::is_boolean)
            && !text.contains("$dynamicRef");
        let required = match root.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => vec![],
        };
        let unique = unique_in(root)?;
        let validators = compile_each(&schema).map_err(|error| refused(&error))?;
        let own = root.get("properties").and_then(Value::as_object).filter(|_| is_of_properties);
        let mut properties = Vec::new();
        for (name, of) in own.into_iter().flatten() {
            let pointer = format!("/properties/{}", escaped(name));
            let Some(validator) = validators.get(&format!("#{pointer}")).cloned() else {
                return Err(SchemaError::new(pointer, "can't be compiled"));
            };
            properties.push(Property {
                reading: Reading::of(&cell::said_of(&schema, name), &schema, &validators),
                is_required: required.contains(name),
                is_any_text: cell::is_any_text(of),
                validator,
                pointer,
                name: name.clone(),
            });
        }
        let is_closed = is_of_properties && root.get("additionalProperties") == Some(&Value::Bool(false));
        Ok(Self { source: schema, whole, validators, properties, required, unique, is_closed, is_of_properties })
    }

    /// How the cells of a column of CSV are read where rows are asked as a whole.
    fn reading_of(&self, name: &str) -> Reading {
        Reading::of(&cell::said_of(&self.source, name), &self.source, &self.validators)
    }

    fn property(&self, name: &str) -> Option<usize> {
        self.properties.iter().position(|property| property.name == name)
    }

    /// Whether a row, as an object, fulfils it.
    pub fn is_fulfilled_by(&self, row: &Value) -> bool {
        self.whole.is_valid(row)
    }
}

impl Property {
    /// Reads a cell of a CSV file into `value`.
    #[inline]
    fn read(&self, cell: &[u8], value: &mut Value) -> Cell {
        if !self.reading.read(cell, value) {
            return Cell::Absent;
        }
        if self.is_fulfilled_by(value) {
            return Cell::Valid;
        }
        // What looks like a number may be meant as text.
        if self.reading.may_be_text() && !value.is_string() {
            cell::set_text(cell, value);
            if self.is_fulfilled_by(value) {
                return Cell::Valid;
            }
        }
        Cell::Invalid
    }

    #[inline]
    fn is_fulfilled_by(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }
}

/// What no two rows may have the same in.
fn unique_in(root: &Map<String, Value>) -> Result<Vec<String>, SchemaError> {
    let Some(given) = root.get(UNIQUE) else { return Ok(vec![]) };
    let names = given.as_array().into_iter().flatten().map(|name| name.as_str().map(str::to_owned));
    let names = names.collect::<Option<Vec<_>>>();
    let are_different = |names: &[String]| (1..names.len()).all(|index| !names[..index].contains(&names[index]));
    match names {
        Some(names) if (1..=MAX_UNIQUE).contains(&names.len()) && are_different(&names) => Ok(names),
        _ => {
            let message = format!("must be an array of 1 to {MAX_UNIQUE} names of columns, each another one");
            Err(SchemaError::new(format!("/{UNIQUE}"), message))
        }
    }
}

/// A name within a JSON Pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A format that texts may have.
#[derive(Clone)]
pub(crate) struct FormatCheck {
    name: &'static str,
    validator: Validator,
}

impl FormatCheck {
    /// Those that are guessed, the more special before the more general.
    pub(crate) fn all() -> Vec<Self> {
        let checks = ["date", "date-time", "uuid", "ipv4", "email", "uri"].map(|name| {
            let validator = compile(&serde_json::json!({ "format": name }));
            validator.ok().map(|validator| Self { name, validator })
        });
        checks.into_iter().flatten().collect()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn is_of(&self, text: &str) -> bool {
        self.validator.is_valid(&Value::from(text))
    }
}

fn refused(error: &jsonschema::ValidationError<'_>) -> SchemaError {
    let pointer = error.instance_path().as_str();
    let message = match error.kind() {
        ValidationErrorKind::Format { format } if format == "regex" => {
            let mut pattern = regex::RegexBuilder::new(error.instance().as_str().unwrap_or_default());
            let why = pattern.size_limit(MAX_PATTERN_BYTES).build().err().map(|why| why.to_string());
            // Where in the pattern it is stands in the lines before.
            let why = why.as_deref().and_then(|why| why.lines().last()).unwrap_or_default();
            let why = why.trim_start_matches("error: ");
            format!(
                "expected a regular expression that is matched in linear time, without look-around and back-references, and of {MAX_PATTERN_BYTES} bytes at most once compiled; {why}"
            )
        }
        ValidationErrorKind::AnyOf { .. } if pointer.ends_with("/type") => {
            "expected null, boolean, integer, number, string, array or object, or several of these in an array"
                .to_owned()
        }
        _ => expected(error),
    };
    SchemaError::new(pointer, message)
}

#[cfg(test)]
mod tests;
