//! A JSON Schema that the rows of a version fulfil, as a first draft of one that all versions of a group must.

use super::cell::CellRef;
use super::reader::Ranges;
use super::table::Table;
use crate::error::Result;
use crate::schema::{FormatCheck, Types};
use crate::writer::ColumnType;
use dataset_types::schema::MAX_SCHEMA_BYTES;
use futures::TryStreamExt;
use serde_json::{Map, Value, json};

/// So many different texts of a column may be all that it ever has.
const MAX_VALUES: usize = 10;

/// How often each of them must come, on average.
const MIN_REPEATS: u64 = 10;

/// A longer text is no word of a list.
const MAX_VALUE_BYTES: usize = 100;

/// For what is around the properties.
const ROOM: usize = 1_000;

/// What is known of a column.
struct Guess {
    name: String,
    kind: ColumnType,
    is_of_csv: bool,
    empty: u64,
    filled: u64,
    /// Of values of JSON.
    types: Types,
    /// Whether each cell of CSV is of this type.
    integers: bool,
    numbers: bool,
    booleans: bool,
    /// Whether it is an object or an array.
    nested: bool,
    /// Formats that each text has.
    formats: Vec<FormatCheck>,
    /// Each text once, and one more than there may be of them if there are too many.
    values: Vec<String>,
    longest: u64,
}

impl<F: Ranges + 'static> Table<F> {
    /// A schema, as JSON: types, what is required, lists of few values, lengths and formats. Goes through all rows, a
    /// row group in memory at a time.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn proposed_schema(&self) -> Result<String> {
        let columns = self.columns().zip(self.kinds()).zip(self.are_of_csv());
        let formats = FormatCheck::all();
        let mut all: Vec<Guess> =
            columns.map(|((name, kind), is_of_csv)| Guess::of_none(name, kind, is_of_csv, &formats)).collect();
        let mut batches = self.scan(0);
        while let Some(batch) = batches.try_next().await? {
            for (guess, column) in all.iter_mut().zip(&batch.columns) {
                (0..batch.rows).for_each(|row| guess.see(column.cell(row)));
            }
        }
        Ok(text(&all))
    }
}

/// With the properties in the order of the columns, as a `Map` has them not.
fn text(all: &[Guess]) -> String {
    let (mut properties, mut required, mut bytes) = (Vec::new(), Vec::new(), 0);
    // A number that no double holds fulfils nothing, so nothing is asked of its column.
    for guess in all.iter().filter(|guess| guess.types != Types::ALL) {
        let property = format!("    {}: {}", json!(guess.name), Value::from(guess.property()));
        bytes += 2 * property.len();
        // What does not fit is left open.
        if bytes > MAX_SCHEMA_BYTES - ROOM {
            break;
        }
        properties.push(property);
        required.extend((guess.empty == 0).then_some(guess.name.as_str()));
    }
    format!(
        r#"{{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {{
{}
  }},
  "required": {}
}}"#,
        properties.join(",\n"),
        json!(required)
    )
}

impl Guess {
    fn of_none(name: &str, kind: ColumnType, is_of_csv: bool, formats: &[FormatCheck]) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            is_of_csv,
            empty: 0,
            filled: 0,
            types: Types::NONE,
            integers: is_of_csv,
            numbers: is_of_csv,
            booleans: is_of_csv,
            nested: is_of_csv,
            formats: formats.to_vec(),
            values: vec![],
            longest: 0,
        }
    }

    fn see(&mut self, cell: CellRef<'_>) {
        match cell {
            CellRef::Null | CellRef::Text("") => self.empty += 1,
            CellRef::Text(text) => {
                self.filled += 1;
                self.see_text(text);
            }
            CellRef::Json(text) => {
                self.filled += 1;
                // What is stored as JSON is JSON, but for numbers that no double holds.
                self.types = self.types.or(serde_json::from_str(text).map_or(Types::ALL, |value| Types::of(&value)));
            }
            CellRef::Bool(_) | CellRef::Int(_) | CellRef::UInt(_) | CellRef::Double(_) => self.filled += 1,
        }
    }

    fn see_text(&mut self, text: &str) {
        if self.numbers {
            let number = crate::schema::number_of(text.as_bytes());
            self.integers &= number.as_ref().is_some_and(|number| !number.is_f64());
            self.numbers = number.is_some();
        }
        self.booleans &= matches!(text, "true" | "false" | "True" | "False" | "TRUE" | "FALSE");
        if self.nested {
            let value = serde_json::from_str::<Value>(text).ok().filter(|value| value.is_object() || value.is_array());
            self.nested = value.is_some();
            self.types = self.types.or(value.map_or(Types::NONE, |value| Types::of(&value)));
        }
        self.formats.retain(|format| format.is_of(text));
        self.longest = self.longest.max(text.chars().count() as u64);
        if self.values.len() <= MAX_VALUES && !self.values.iter().any(|value| value == text) {
            match text.len() <= MAX_VALUE_BYTES {
                true => self.values.push(text.to_owned()),
                false => self.values.resize(MAX_VALUES + 1, String::new()),
            }
        }
    }

    fn property(&self) -> Map<String, Value> {
        let mut property = Map::new();
        let mut types: Vec<&str> = match self.kind {
            _ if self.filled == 0 => return property,
            ColumnType::Bool => vec!["boolean"],
            ColumnType::Int | ColumnType::UInt => vec!["integer"],
            ColumnType::Double => vec!["number"],
            ColumnType::Text if self.integers => vec!["integer"],
            ColumnType::Text if self.numbers => vec!["number"],
            ColumnType::Text if self.booleans => vec!["boolean"],
            ColumnType::Text if self.nested => self.types.names(),
            ColumnType::Text => vec!["string"],
            ColumnType::Json => self.types.names(),
        };
        if types == ["string"] && self.kind == ColumnType::Text {
            self.describe_text(&mut property);
        }
        // Of JSON, what is null and what is absent are stored alike.
        if self.empty > 0 && !self.is_of_csv && !property.contains_key("enum") && !types.contains(&"null") {
            types.push("null");
        }
        if !property.contains_key("enum") {
            property.insert("type".to_owned(), if let [only] = types[..] { json!(only) } else { json!(types) });
        }
        property
    }

    fn describe_text(&self, property: &mut Map<String, Value>) {
        let values = self.values.len();
        let are_few = values <= MAX_VALUES && self.filled >= MIN_REPEATS * values as u64;
        if are_few {
            let mut values: Vec<Value> = self.values.iter().map(|value| json!(value)).collect();
            if self.empty > 0 && !self.is_of_csv {
                values.extend([json!(""), Value::Null]);
            }
            property.insert("enum".to_owned(), values.into());
            return;
        }
        if let Some(format) = self.formats.first().filter(|_| self.empty == 0 || self.is_of_csv) {
            property.insert("format".to_owned(), json!(format.name()));
            return;
        }
        if self.empty == 0 {
            property.insert("minLength".to_owned(), json!(1));
        }
        // Room for what is twice as long, as a round number.
        property.insert("maxLength".to_owned(), json!((2 * self.longest).next_power_of_two()));
    }
}
