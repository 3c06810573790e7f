//! The webhook event that tells the outcome of an upload, and its canonical
//! bytes: the ones that signatures are made over.

use crate::dataset::{Column, Failure};
use crate::id::{DatasetId, UserId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;
use std::io;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    #[serde(rename = "dataset_version_created_by_file")]
    VersionCreated,
    #[serde(rename = "dataset_version_created_by_file_failed")]
    VersionFailed,
    /// Sent when someone asks for it, whatever the receiver wants.
    #[serde(rename = "webhook_test")]
    Test,
}

impl EventType {
    /// What a receiver can want.
    pub const OFFERED: [Self; 2] = [Self::VersionCreated, Self::VersionFailed];
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub workspace_id: WorkspaceId,
    pub user_id: UserId,
    pub at: Timestamp,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Created { dataset_id: DatasetId, version: u64 },
    Failed { dataset_id: DatasetId, failure: Failure },
    Test,
}

impl Event {
    pub fn event_type(&self) -> EventType {
        match self.outcome {
            Outcome::Created { .. } => EventType::VersionCreated,
            Outcome::Failed { .. } => EventType::VersionFailed,
            Outcome::Test => EventType::Test,
        }
    }

    /// The payload, byte for byte what Python's
    /// `json.dumps(payload, sort_keys=True)` makes of it.
    pub fn body(&self) -> String {
        let details = match &self.outcome {
            Outcome::Created { dataset_id, version } => {
                Details::Created { dataset_id: *dataset_id, dataset_version_number: *version }
            }
            Outcome::Failed { dataset_id, failure } => Details::Failed {
                column: failure.column.clone().map(plain_column),
                dataset_id: *dataset_id,
                error_code: &failure.code,
                error_message: plain(&failure.message),
                line: failure.line,
                row: failure.row,
            },
            Outcome::Test => Details::Test {},
        };
        canonical(&Payload {
            details,
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

/// Fields stand in the alphabetical order of their names: serialization keeps it.
#[derive(Serialize)]
struct Payload<'a> {
    details: Details<'a>,
    event_type: EventType,
    timestamp: String,
    user_email: Option<&'a str>,
    user_id: UserId,
    user_name: Option<&'a str>,
    workspace_id: WorkspaceId,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Details<'a> {
    Created {
        dataset_id: DatasetId,
        dataset_version_number: u64,
    },
    Failed {
        #[serde(skip_serializing_if = "Option::is_none")]
        column: Option<Column>,
        dataset_id: DatasetId,
        error_code: &'a str,
        error_message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        row: Option<u64>,
    },
    Test {},
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

    fn event(outcome: Outcome) -> Event {
        Event {
            workspace_id: WorkspaceId::new(1).expect("valid"),
            user_id: UserId::new(1).expect("valid"),
            at: "2023-12-01T22:05:57.924833Z".parse().expect("valid"),
            outcome,
        }
    }

    #[test]
    fn the_body_is_what_python_writes() {
        assert_eq!(
            event(Outcome::Created { dataset_id: dataset(), version: 3 }).body(),
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
            event(Outcome::Failed { dataset_id: dataset(), failure }).body(),
            r#"{"details": {"column": 2, "dataset_id": 456, "error_code": "too_few_fields", "error_message": "the row has '2' fields, [?", "line": 5, "row": 3}, "event_type": "dataset_version_created_by_file_failed", "timestamp": "2023-12-01T22:05:57.924833", "user_email": null, "user_id": 1, "user_name": null, "workspace_id": 1}"#
        );
    }

    #[test]
    fn a_test_tells_of_nothing() {
        assert!(
            event(Outcome::Test).body().starts_with(r#"{"details": {}, "event_type": "webhook_test", "timestamp""#)
        );
    }

    #[test]
    fn microseconds_are_always_written() {
        let mut event = event(Outcome::Created { dataset_id: dataset(), version: 1 });
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
