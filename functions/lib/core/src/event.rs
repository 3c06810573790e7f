//! Events: what happened, and webhooks tell of.

use crate::id::{EventId, UserId, WorkspaceId};
use crate::ids::{Ids, random_u64, time_ordered};
use dataset_types::canonical;
use dataset_types::event::Payload;
pub use dataset_types::event::{Details, EventFilter, EventType};
use jiff::Timestamp;

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: EventId,
    pub workspace_id: WorkspaceId,
    pub user_id: UserId,
    pub at: Timestamp,
    pub details: Details,
}

/// A new id of an event.
///
/// A relayed event leaves no item, so no condition could find that its id is in use.
/// 44 random bits make it unique.
pub fn fresh_id(ids: &dyn Ids, now: Timestamp) -> EventId {
    EventId::new(time_ordered(ids, now), random_u64(ids) as u32)
}

impl Event {
    pub fn event_type(&self) -> EventType {
        self.details.event_type()
    }

    /// The bytes that are sent and signed.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Column, Failure};
    use dataset_types::FailureCode;
    use dataset_types::event::{Test, VersionCreated, VersionFailed};
    use dataset_types::id::DatasetId;

    fn dataset() -> DatasetId {
        DatasetId::new(456).expect("valid")
    }

    fn event(details: impl Into<Details>) -> Event {
        Event {
            id: EventId::of_dataset(7),
            workspace_id: WorkspaceId::new(1).expect("valid"),
            user_id: UserId::new(1).expect("valid"),
            at: "2023-12-01T22:05:57.924833Z".parse().expect("valid"),
            details: details.into(),
        }
    }

    #[test]
    fn the_body_is_what_python_writes() {
        assert_eq!(
            event(VersionCreated { dataset_id: dataset(), dataset_version_number: 3 }).body(),
            r#"{"details": {"dataset_id": 456, "dataset_version_number": 3}, "event_type": "dataset_version_created_by_file", "timestamp": "2023-12-01T22:05:57.924833", "user_email": null, "user_id": 1, "user_name": null, "workspace_id": 1}"#
        );
        let failure = Failure {
            row: Some(3),
            line: Some(5),
            column: Some(Column::Index(2)),
            ..Failure::new(FailureCode::TooFewFields, "the row has \"2\" fields,[é")
        };
        assert_eq!(
            event(VersionFailed::new(dataset(), &failure)).body(),
            r#"{"details": {"column": 2, "dataset_id": 456, "error_code": "too_few_fields", "error_message": "the row has '2' fields, [?", "line": 5, "row": 3}, "event_type": "dataset_version_created_by_file_failed", "timestamp": "2023-12-01T22:05:57.924833", "user_email": null, "user_id": 1, "user_name": null, "workspace_id": 1}"#
        );
    }

    #[test]
    fn a_test_tells_of_nothing() {
        assert!(event(Test {}).body().starts_with(r#"{"details": {}, "event_type": "webhook_test", "timestamp""#));
    }

    #[test]
    fn microseconds_are_always_written() {
        let mut event = event(VersionCreated { dataset_id: dataset(), dataset_version_number: 1 });
        event.at = "2023-12-01T22:05:57Z".parse().expect("valid");
        assert!(event.body().contains(r#""timestamp": "2023-12-01T22:05:57.000000""#));
    }
}
