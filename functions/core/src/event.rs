//! The events that webhooks tell of, and their canonical bytes: the ones that
//! signatures are made over.
//!
//! A new kind of event is a line in the catalogue and a variant of [`Details`].

use crate::dataset::{Column, Failure};
use crate::id::{DatasetId, UserId, WorkspaceId};
use crate::ids::{Ids, random_u64, time_ordered};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;
use std::{fmt, io};

/// Makes the enum of the catalogue, which API, command line and console read.
macro_rules! catalogue {
    ($($(#[doc = $doc:literal])+ $kind:ident { name: $name:literal, one: $one:literal, many: $many:literal, is_offered: $is_offered:literal })+) => {
        /// The kinds of events that there are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventType {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $kind,)+
        }

        impl EventType {
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// As `event_type` has it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }

            /// One of them in words.
            pub fn one(self) -> &'static str {
                match self { $(Self::$kind => $one),+ }
            }

            /// All of them in words.
            pub fn many(self) -> &'static str {
                match self { $(Self::$kind => $many),+ }
            }

            /// Whether a receiver can ask for it.
            pub fn is_offered(self) -> bool {
                match self { $(Self::$kind => $is_offered),+ }
            }
        }
    };
}

catalogue! {
    /// A file has become a version: [`Details::VersionCreated`].
    VersionCreated {
        name: "dataset_version_created_by_file",
        one: "a version is ready",
        many: "versions that are ready",
        is_offered: true
    }
    /// A file has been refused: [`Details::VersionFailed`].
    VersionFailed {
        name: "dataset_version_created_by_file_failed",
        one: "a file was refused",
        many: "files that were refused",
        is_offered: true
    }
    /// Someone tries a receiver: [`Details::Test`]. Sent to that one, whatever it asks for.
    Test { name: "webhook_test", one: "a test", many: "tests", is_offered: false }
}

impl EventType {
    /// What a receiver can ask for.
    pub fn offered() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|kind| kind.is_offered())
    }
}

/// The id of an event. Events are ordered by it, in time.
///
/// Nothing is stored under the ids of events that have been relayed, so that
/// nothing could tell that one is in use: 44 random bits make them unique. The
/// first releases took the dataset's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(String);

impl EventId {
    const ORDER_DIGITS: usize = 16;
    const SALT_DIGITS: usize = 8;

    pub fn fresh(ids: &dyn Ids, now: Timestamp) -> Self {
        Self(format!("{:016}{:08x}", time_ordered(ids, now), random_u64(ids) as u32))
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

    /// What it begins with, ordered in time as [`time_ordered`] is.
    pub fn order(&self) -> u64 {
        self.0[..Self::ORDER_DIGITS].parse().unwrap_or(0)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: EventId,
    pub workspace_id: WorkspaceId,
    pub user_id: UserId,
    pub at: Timestamp,
    pub details: Details,
}

/// What an event tells, as it is sent. Fields stand in the alphabetical order
/// of their names: serialization keeps it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Details {
    VersionCreated {
        dataset_id: DatasetId,
        dataset_version_number: u64,
    },
    VersionFailed {
        #[serde(skip_serializing_if = "Option::is_none")]
        column: Option<Column>,
        dataset_id: DatasetId,
        error_code: String,
        error_message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        row: Option<u64>,
    },
    Test {},
}

impl Details {
    /// A failure as every verifier can take it.
    pub fn of_failure(dataset_id: DatasetId, failure: &Failure) -> Self {
        Self::VersionFailed {
            column: failure.column.clone().map(plain_column),
            dataset_id,
            error_code: failure.code.clone(),
            error_message: plain(&failure.message),
            line: failure.line,
            row: failure.row,
        }
    }
}

impl Event {
    pub fn event_type(&self) -> EventType {
        match self.details {
            Details::VersionCreated { .. } => EventType::VersionCreated,
            Details::VersionFailed { .. } => EventType::VersionFailed,
            Details::Test {} => EventType::Test,
        }
    }

    /// The payload, byte for byte what Python's
    /// `json.dumps(payload, sort_keys=True)` makes of it.
    pub fn body(&self) -> String {
        canonical(&Payload {
            details: &self.details,
            event_type: self.event_type(),
            // As Python's naive `datetime.isoformat()` writes UTC.
            timestamp: self.at.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string(),
            user_email: None,
            user_id: self.user_id,
            user_name: None,
            workspace_id: self.workspace_id,
        })
    }
}

#[derive(Serialize)]
struct Payload<'a> {
    details: &'a Details,
    event_type: EventType,
    timestamp: String,
    user_email: Option<&'a str>,
    user_id: UserId,
    user_name: Option<&'a str>,
    workspace_id: WorkspaceId,
}

/// PromptLayer's published JavaScript verifier rebuilds the body with a
/// regular expression that a quote, `,[` or `,{` inside a string would break.
fn plain(message: &str) -> String {
    let ascii: String = message
        .chars()
        .map(|c| match c {
            '"' | '\\' => '\'',
            ' '..='~' => c,
            _ => '?',
        })
        .collect();
    ascii.replace(",[", ", [").replace(",{", ", {")
}

/// A column's name is the caller's text, so it is told only where it cannot
/// upset a verifier; `failure.column` of the dataset has it in full.
fn plain_column(column: Column) -> Column {
    match column {
        // It also takes what is after or before a quote for its own.
        Column::Name(name) if plain(&name) != name || name.starts_with(':') || name.ends_with(',') => {
            Column::Name("(see the dataset's failure)".into())
        }
        other => other,
    }
}

/// `value` with `", "` and `": "` between, and ASCII only.
pub fn canonical(value: &impl Serialize) -> String {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, PythonJson);
    value.serialize(&mut serializer).expect("writing plain data to memory cannot fail");
    String::from_utf8(bytes).expect("JSON in ASCII")
}

struct PythonJson;

impl Formatter for PythonJson {
    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                writer.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset() -> DatasetId {
        DatasetId::new(456).expect("valid")
    }

    fn event(details: Details) -> Event {
        Event {
            id: EventId::of_dataset(7),
            workspace_id: WorkspaceId::new(1).expect("valid"),
            user_id: UserId::new(1).expect("valid"),
            at: "2023-12-01T22:05:57.924833Z".parse().expect("valid"),
            details,
        }
    }

    #[test]
    fn the_body_is_what_python_writes() {
        assert_eq!(
            event(Details::VersionCreated { dataset_id: dataset(), dataset_version_number: 3 }).body(),
            r#"{"details": {"dataset_id": 456, "dataset_version_number": 3}, "event_type": "dataset_version_created_by_file", "timestamp": "2023-12-01T22:05:57.924833", "user_email": null, "user_id": 1, "user_name": null, "workspace_id": 1}"#
        );
        let failure = Failure {
            code: "too_few_fields".into(),
            message: "the row has \"2\" fields,[é".into(),
            row: Some(3),
            line: Some(5),
            column: Some(Column::Index(2)),
        };
        assert_eq!(
            event(Details::of_failure(dataset(), &failure)).body(),
            r#"{"details": {"column": 2, "dataset_id": 456, "error_code": "too_few_fields", "error_message": "the row has '2' fields, [?", "line": 5, "row": 3}, "event_type": "dataset_version_created_by_file_failed", "timestamp": "2023-12-01T22:05:57.924833", "user_email": null, "user_id": 1, "user_name": null, "workspace_id": 1}"#
        );
    }

    #[test]
    fn a_test_tells_of_nothing() {
        assert!(
            event(Details::Test {}).body().starts_with(r#"{"details": {}, "event_type": "webhook_test", "timestamp""#)
        );
    }

    #[test]
    fn microseconds_are_always_written() {
        let mut event = event(Details::VersionCreated { dataset_id: dataset(), dataset_version_number: 1 });
        event.at = "2023-12-01T22:05:57Z".parse().expect("valid");
        assert!(event.body().contains(r#""timestamp": "2023-12-01T22:05:57.000000""#));
    }

    #[test]
    fn text_is_escaped_as_python_escapes_it() {
        assert_eq!(
            canonical(&"é 😀 \u{7f} \u{1f} \n \" \\ /"),
            "\"\\u00e9 \\ud83d\\ude00 \\u007f \\u001f \\n \\\" \\\\ /\""
        );
        assert_eq!(canonical(&vec![1, 2]), "[1, 2]");
    }
}
