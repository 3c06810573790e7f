//! What was unusual in a file that was taken in all the same.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Something unusual in a file that has one meaning, which was taken; there is one a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    #[schema(schema_with = NoticeCode::schema)]
    pub code: String,
    /// What was found, and how it was taken.
    pub message: String,
    /// The first of the columns that it is about, long names cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub columns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_count: Option<u64>,
    /// How often it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The row of the first; 1 is the first data row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// The line of the first; 1 is the first line of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// How many columns a notice names, and how many characters of each.
const MAX_COLUMNS: usize = 20;
const MAX_NAME_CHARS: usize = 255;

impl Notice {
    pub fn new(code: NoticeCode, message: impl Into<String>) -> Self {
        Self {
            code: code.name().to_owned(),
            message: message.into(),
            columns: vec![],
            column_count: None,
            count: None,
            row: None,
            line: None,
        }
    }

    #[must_use]
    pub fn about(self, columns: &[&str]) -> Self {
        Self { columns: shown(columns.iter()), column_count: Some(columns.len() as u64), ..self }
    }
}

/// The first of many columns, as a notice or a suggestion names them.
pub fn shown(names: impl Iterator<Item: AsRef<str>>) -> Vec<String> {
    names.take(MAX_COLUMNS).map(|name| name.as_ref().chars().take(MAX_NAME_CHARS).collect()).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum NoticeCode {
    BlankLines,
    BlankRows,
    ColumnNamed,
    ColumnRenamed,
    ControlZ,
    DialectFound,
    JsonLines,
    NamesAreNumbers,
    NamesDifferInCase,
    NulInText,
    QuotesInText,
}

impl NoticeCode {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Clients must take a code that they do not know, so the schema names none.
impl PartialSchema for NoticeCode {
    fn schema() -> RefOr<Schema> {
        let names: Vec<_> = Self::VARIANTS.iter().map(|code| format!("`{}`", code.name())).collect();
        let description = format!("A stable word for programs; there may be more one day. {}", names.join(", "));
        ObjectBuilder::new().schema_type(Type::String).description(Some(description)).into()
    }
}
