//! How a file is written: said by whoever uploads it, or found out.

use crate::Format;
use encoding_rs::UTF_8;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// What is said of how a file is written; the rest is found out. Each word but `encoding` and `strict` belongs to
/// one format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct Dialect {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What stands between fields of CSV: one ASCII character that is no quote, CR, LF or NUL; or `""` for a table
    /// of one column, each line a cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<Delimiter>,
    /// What stands around fields of CSV; `""` is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote_char: Option<QuoteChar>,
    /// What stands before a quote within quotes; `""` is that quotes are doubled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escape_char: Option<EscapeChar>,
    /// Whether spaces at the start of a field of CSV are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_initial_space: Option<bool>,
    /// What becomes of a row of CSV that has fewer fields than the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_rows: Option<ShortRows>,
    /// Where in a JSON object the array of rows stands, as a JSON Pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_at: Option<RowsAt>,
    /// Whether a JSON file is one object after another, or one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_lines: Option<bool>,
    /// Whether a file is refused for what would be noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

impl Dialect {
    /// The words of this that another format has, and `format` has not.
    pub fn words_of_others(&self, format: Format) -> Vec<&'static str> {
        let csv = [
            ("delimiter", self.delimiter.is_some()),
            ("quote_char", self.quote_char.is_some()),
            ("escape_char", self.escape_char.is_some()),
            ("skip_initial_space", self.skip_initial_space.is_some()),
            ("short_rows", self.short_rows.is_some()),
        ];
        let json = [("rows_at", self.rows_at.is_some()), ("json_lines", self.json_lines == Some(true))];
        let others: &[(&str, bool)] = match format {
            Format::Csv => &json,
            Format::Json => &csv,
        };
        others.iter().filter(|(_, is_given)| *is_given).map(|(word, _)| *word).collect()
    }

    /// Without the words that another format has.
    pub fn only_for(&self, format: Format) -> Self {
        let Self { encoding, strict, .. } = *self;
        match format {
            Format::Csv => Self { rows_at: None, json_lines: None, ..self.clone() },
            Format::Json => {
                let (rows_at, json_lines) = (self.rows_at.clone(), self.json_lines);
                Self { encoding, strict, rows_at, json_lines, ..Self::default() }
            }
        }
    }

    pub fn is_strict(&self) -> bool {
        self.strict == Some(true)
    }
}

/// The words as they are given: `encoding windows-1252, delimiter ;`.
impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(serde_json::Value::Object(words)) = serde_json::to_value(self) else { return Err(fmt::Error) };
        for (index, (word, value)) in words.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            match value.as_str() {
                Some("\t") => write!(f, "{comma}{word} (a tab)")?,
                Some(",") => write!(f, "{comma}{word} (a comma)")?,
                Some("") => write!(f, "{comma}{word} (none)")?,
                Some(text) => write!(f, "{comma}{word} {text}")?,
                None => write!(f, "{comma}{word} {value}")?,
            }
        }
        Ok(())
    }
}

/// All of the Encoding Standard but two that stand for no text.
#[rustfmt::skip]
const ENCODINGS: [&str; 38] = [
    "utf-8", "utf-16le", "utf-16be", "windows-1252", "windows-1250", "windows-1251", "windows-1253", "windows-1254",
    "windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874", "macintosh", "x-mac-cyrillic",
    "shift_jis", "euc-jp", "iso-2022-jp", "gbk", "gb18030", "big5", "euc-kr", "koi8-r", "koi8-u", "ibm866",
    "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-8-i",
    "iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16",
];

/// How characters are written as bytes, by its name in the Encoding Standard in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    pub fn get(self) -> &'static encoding_rs::Encoding {
        self.0
    }

    pub fn name(self) -> String {
        self.0.name().to_ascii_lowercase()
    }

    pub fn is_utf8(self) -> bool {
        self.0 == UTF_8
    }
}

impl From<&'static encoding_rs::Encoding> for Encoding {
    fn from(encoding: &'static encoding_rs::Encoding) -> Self {
        Self(encoding)
    }
}

impl TryFrom<String> for Encoding {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let found = encoding_rs::Encoding::for_label_no_replacement(name.as_bytes()).map(Self);
        found.filter(|_| ENCODINGS.contains(&name.as_str())).ok_or_else(|| {
            let meant = found.map(|found| format!("; did you mean {}?", found.name())).unwrap_or_default();
            format!("must be the name of an encoding, such as utf-8, windows-1252, shift_jis or gbk{meant}")
        })
    }
}

impl From<Encoding> for String {
    fn from(encoding: Encoding) -> Self {
        encoding.name()
    }
}

impl PartialSchema for Encoding {
    fn schema() -> RefOr<Schema> {
        let schema = text("How characters are written as bytes, by its name in the Encoding Standard in lower case.");
        schema.enum_values(Some(ENCODINGS)).into()
    }
}

/// The character between fields; `None` where a line is a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delimiter(Option<u8>);

impl Delimiter {
    pub const NONE: Self = Self(None);

    pub fn get(self) -> Option<u8> {
        self.0
    }

    /// Whether fields can have this byte between them.
    pub fn allows(byte: u8) -> bool {
        byte.is_ascii() && !matches!(byte, b'"' | b'\'' | b'\r' | b'\n' | 0)
    }
}

impl From<u8> for Delimiter {
    fn from(byte: u8) -> Self {
        Self(Some(byte))
    }
}

impl TryFrom<String> for Delimiter {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match *text.as_bytes() {
            [] => Ok(Self::NONE),
            [byte] if Self::allows(byte) => Ok(byte.into()),
            _ => Err("must be one ASCII character that is no quote, CR, LF or NUL, or \"\" for none"),
        }
    }
}

impl From<Delimiter> for String {
    fn from(delimiter: Delimiter) -> Self {
        delimiter.0.map(char::from).into_iter().collect()
    }
}

impl PartialSchema for Delimiter {
    fn schema() -> RefOr<Schema> {
        let schema = text(
            "What stands between fields of CSV: one ASCII character that is no quote, CR, LF or NUL; or `\"\"` for a \
             table of one column, each line a cell.",
        );
        schema
            .max_length(Some(1))
            .pattern(Some(r"^[\u0001-\u0009\u000b\u000c\u000e-\u0021\u0023-\u0026\u0028-\u007f]?$"))
            .into()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
pub enum QuoteChar {
    #[serde(rename = "\"")]
    Double,
    #[serde(rename = "'")]
    Single,
    #[serde(rename = "")]
    None,
}

impl TryFrom<String> for QuoteChar {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        match &*word {
            "\"" => Ok(Self::Double),
            "'" => Ok(Self::Single),
            "" => Ok(Self::None),
            _ => Err("must be \", ', or \"\" for none"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
pub enum EscapeChar {
    #[serde(rename = "\\")]
    Backslash,
    #[serde(rename = "")]
    None,
}

impl TryFrom<String> for EscapeChar {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        match &*word {
            "\\" => Ok(Self::Backslash),
            "" => Ok(Self::None),
            _ => Err("must be a backslash, or \"\" for none"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[serde(rename_all = "snake_case")]
pub enum ShortRows {
    /// The file is refused.
    Refuse,
    /// It gets empty cells at its end.
    Pad,
}

impl TryFrom<String> for ShortRows {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        match &*word {
            "refuse" => Ok(Self::Refuse),
            "pad" => Ok(Self::Pad),
            _ => Err("must be refuse or pad"),
        }
    }
}

/// The longest pointer to rows.
const MAX_POINTER_CHARS: usize = 256;

/// A JSON Pointer; `""` is the whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RowsAt(String);

impl RowsAt {
    /// The keys that lead there, one in another.
    pub fn keys(&self) -> impl Iterator<Item = String> + '_ {
        self.0.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~"))
    }

    /// The pointer that leads by these keys, unless it is too long.
    pub fn of<K: AsRef<str>>(keys: &[K]) -> Option<Self> {
        let pointer: String =
            keys.iter().map(|key| format!("/{}", key.as_ref().replace('~', "~0").replace('/', "~1"))).collect();
        pointer.try_into().ok()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RowsAt {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        let is_pointer = text.is_empty() || text.starts_with('/');
        if is_pointer && escapes && text.chars().count() <= MAX_POINTER_CHARS {
            Ok(Self(text))
        } else {
            Err("must be a JSON Pointer of at most 256 characters, such as /data")
        }
    }
}

impl From<RowsAt> for String {
    fn from(rows_at: RowsAt) -> Self {
        rows_at.0
    }
}

impl PartialSchema for RowsAt {
    fn schema() -> RefOr<Schema> {
        let schema =
            text("Where in a JSON object the array of rows stands, as a JSON Pointer: `/data`; `\"\"` is the whole.");
        schema.max_length(Some(MAX_POINTER_CHARS)).pattern(Some("^(/([^~/]|~[01])*)*$")).into()
    }
}

impl ToSchema for Encoding {}
impl ToSchema for Delimiter {}
impl ToSchema for RowsAt {}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

/// A dialect in which a file that was refused can be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Suggestion {
    /// To be sent with the same file.
    pub dialect: Dialect,
    pub row_count: u64,
    /// The first of them, long ones cut.
    pub column_names: Vec<String>,
    pub column_count: u64,
    /// What it does that is not done unasked.
    pub why: String,
    pub tried: Tried,
}

/// How much of the file was read in a suggested dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    Whole,
    Head,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_dialect_can_say() {
        let full = json!({
            "encoding": "windows-1252", "delimiter": ";", "quote_char": "'", "escape_char": "\\",
            "skip_initial_space": true, "short_rows": "pad", "rows_at": "/a~1b/~0", "json_lines": true, "strict": false
        });
        let dialect: Dialect = serde_json::from_value(full.clone()).unwrap();
        assert_eq!(serde_json::to_value(&dialect).unwrap(), full);
        assert_eq!(dialect.rows_at.as_ref().unwrap().keys().collect::<Vec<_>>(), ["a/b", "~"]);
        assert_eq!(RowsAt::of(&["a/b", "~"]), dialect.rows_at);
        assert_eq!(RowsAt::of(&["k".repeat(256)]), None);
        assert_eq!(dialect.words_of_others(Format::Csv), ["rows_at", "json_lines"]);
        assert_eq!(dialect.words_of_others(Format::Json).len(), 5);
        let none: Dialect = serde_json::from_value(json!({"delimiter": "", "quote_char": null})).unwrap();
        assert_eq!((none.delimiter, none.quote_char), (Some(Delimiter::NONE), None));
        assert_eq!(none.to_string(), "delimiter (none)");
        for name in ENCODINGS {
            assert_eq!(Encoding::try_from(name.to_owned()).unwrap().name(), name);
        }
        for wrong in [
            json!({"encoding": "x-user-defined"}),
            json!({"encoding": "Windows-1252"}),
            json!({"encoding": "latin1"}),
            json!({"encoding": "replacement"}),
            json!({"delimiter": "\""}),
            json!({"delimiter": "ab"}),
            json!({"delimiter": "é"}),
            json!({"quote_char": "`"}),
            json!({"rows_at": "data"}),
            json!({"rows_at": "/~2"}),
            json!({"short_rows": "drop"}),
            json!({"short_rows": true}),
            json!({"comment": "#"}),
        ] {
            serde_json::from_value::<Dialect>(wrong.clone()).expect_err(&wrong.to_string());
        }
    }
}
