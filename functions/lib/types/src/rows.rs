//! What versions hold: rows, columns, and what is not the same in two of them.

use crate::address::Against;
pub use crate::bounded::ExampleCount;
use crate::id::DatasetId;
use crate::limits::MAX_SEARCH_CHARS;
use crate::{PageNumber, PerPage};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use strum::IntoStaticStr;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Cell {
    #[schema(value_type = String)]
    pub r#type: Cow<'static, str>,
    /// As the file had it: null, a boolean, a number, text, or nested JSON.
    #[schema(value_type = serde_json::Value)]
    pub value: CellValue,
    /// Where the whole is longer than an answer may be: `value` is the start of the text, or of the JSON as it was
    /// written. The whole, of so many bytes, is in every download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub cut_from_bytes: Option<u64>,
}

impl From<CellValue> for Cell {
    fn from(value: CellValue) -> Self {
        let cut_from_bytes = if let CellValue::Cut(cut) = &value { Some(cut.whole_bytes) } else { None };
        Self { r#type: "dataset".into(), value, cut_from_bytes }
    }
}

/// The start of a long value.
#[derive(Clone, Debug)]
pub struct Cut {
    pub start: String,
    pub whole_bytes: u64,
}

impl Serialize for Cut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.start.serialize(serializer)
    }
}

/// A value, typed as the file had it. One that is read from an answer is null, text, or JSON.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum CellValue {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    Text(String),
    /// As it was written, so that no digit of a number is lost.
    Json(Box<RawValue>),
    Cut(Cut),
}

impl<'de> Deserialize<'de> for CellValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Ok(match json.get() {
            "null" => Self::Null,
            text if text.starts_with('"') => Self::Text(serde_json::from_str(text).map_err(serde::de::Error::custom)?),
            _ => Self::Json(json),
        })
    }
}

/// A cell for each column.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Row(pub Vec<Cell>);

impl From<Vec<CellValue>> for Row {
    fn from(values: Vec<CellValue>) -> Self {
        Self(values.into_iter().map(Cell::from).collect())
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListRows {
    #[param(schema_with = search, required = false)]
    pub q: Option<String>,
    /// So many rows at the start are left out. To go on with a search that is not complete, give its
    /// `searched_to_row`.
    #[serde(default)]
    #[param(minimum = 0, required = false)]
    pub after_row: u64,
    /// Counts from 1.
    #[serde(default)]
    #[param(inline, required = false)]
    pub page: PageNumber,
    #[serde(default)]
    #[param(inline, required = false)]
    pub per_page: PerPage,
}

fn search() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("Rows that have this in some cell, in any case. A number is searched as it is shown."))
        .max_length(Some(MAX_SEARCH_CHARS))
        .build()
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Rows {
    pub success: bool,
    pub message: String,
    pub columns: Vec<String>,
    /// A cell for each column of each row.
    pub rows: Vec<Row>,
    pub page: u64,
    pub per_page: u64,
    pub pages: u64,
    /// All rows, or all that have `q` in them, as far as they were searched.
    pub total: u64,
    /// The last row that was searched, counted from 1.
    pub searched_to_row: u64,
    /// Whether that is the last of all. A search of many rows may end before, when its time is up.
    pub is_complete: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Columns {
    pub success: bool,
    pub message: String,
    /// In the order of the file.
    pub columns: Vec<Column>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Column {
    pub name: String,
    pub r#type: ColumnType,
    /// Cells that are null or a text of no characters.
    pub empty: u64,
    /// Characters of the shortest text that is not empty, or of what is nested as it was written. Null for other types.
    #[schema(required)]
    pub shortest: Option<u64>,
    /// Characters of the longest.
    #[schema(required)]
    pub longest: Option<u64>,
    /// The least number, to the last digit. Null for other types.
    #[schema(value_type = Option<f64>, required)]
    pub least: Option<CellValue>,
    /// The greatest.
    #[schema(value_type = Option<f64>, required)]
    pub greatest: Option<CellValue>,
    /// The first values that are not empty, each once, five at most, and none of more than 200 bytes.
    #[schema(value_type = Vec<serde_json::Value>)]
    pub sample: Vec<CellValue>,
    /// Whether there are others.
    pub has_more: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ColumnType {
    Boolean,
    Integer,
    Number,
    Text,
    Json,
}

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CompareDatasets {
    /// The version to compare with, as a rule the older one: its identifier, or `@` and its number or label in the same
    /// group, or `@latest`.
    #[param(inline)]
    pub against: Against,
    /// A column that tells rows apart: rows with the same value in it are one row, before and after. Without it a
    /// row that was changed counts as one removed and one added.
    pub key: Option<String>,
    /// How many rows of each sort are shown.
    #[serde(default)]
    #[param(inline, required = false)]
    pub examples: ExampleCount,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = DatasetComparison)]
pub struct Comparison {
    pub success: bool,
    pub message: String,
    pub dataset_id: DatasetId,
    pub against_dataset_id: DatasetId,
    #[schema(required)]
    pub key: Option<String>,
    pub columns: ComparedColumns,
    pub rows: ComparedRows,
    pub examples: ComparedExamples,
}

/// Rows are compared by the columns that both versions have.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ComparedColumns {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// Columns of both whose type is another now. Where one of the versions is from CSV, cells are the same if they are
    /// alike in CSV: a version from JSON and one from its CSV have the same rows.
    #[serde(default)]
    #[schema(required)]
    pub retyped: Vec<RetypedColumn>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RetypedColumn {
    pub name: String,
    pub before: ColumnType,
    pub after: ColumnType,
}

/// How many rows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ComparedRows {
    pub added: u64,
    pub removed: u64,
    /// 0 without a key.
    pub changed: u64,
    pub unchanged: u64,
}

/// The first rows of each sort. Of several that are alike, one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ComparedExamples {
    /// What the cells of rows added, and of rows after a change, are of.
    pub columns: Vec<String>,
    /// What the cells of rows removed, and of rows before a change, are of.
    pub against_columns: Vec<String>,
    pub added: Vec<Row>,
    pub removed: Vec<Row>,
    pub changed: Vec<ChangedRow>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangedRow {
    pub before: Row,
    pub after: Row,
}
