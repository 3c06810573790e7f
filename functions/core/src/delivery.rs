//! A receiver, and a delivery to it: one event, tried until it is taken or
//! the schedule ends.

use crate::event::EventType;
use crate::id::{DatasetId, ReceiverId, WorkspaceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The waits of Standard Webhooks: before the second attempt, the third, and so on.
pub const RETRY_SCHEDULE: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(10 * 3600),
    Duration::from_secs(14 * 3600),
    Duration::from_secs(20 * 3600),
    Duration::from_secs(24 * 3600),
];

/// How long after its due time a delivery is left to the queue before the
/// sweeper steps in.
pub const QUEUE_GRACE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    pub id: ReceiverId,
    pub workspace_id: WorkspaceId,
    pub url: String,
    pub secret: Secret,
    /// Empty for every type.
    pub event_types: Vec<EventType>,
    pub disabled: bool,
    pub created_at: Timestamp,
}

impl Receiver {
    pub fn wants(&self, event_type: EventType) -> bool {
        !self.disabled && (self.event_types.is_empty() || self.event_types.contains(&event_type))
    }
}

/// A signing secret, as it was shown: `whsec_` and base64. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub const PREFIX: &str = "whsec_";

    pub fn new(shown: String) -> Self {
        Self(shown)
    }

    pub fn generate(ids: &dyn crate::ids::Ids) -> Self {
        use base64::Engine;
        let mut key = zeroize::Zeroizing::new([0; 32]);
        ids.fill(key.as_mut());
        Self(format!("{}{}", Self::PREFIX, base64::engine::general_purpose::STANDARD.encode(key.as_ref())))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Stable over every attempt; receivers see it as `webhook-id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(String);

impl DeliveryId {
    /// The same event and receiver give the same delivery, so handing an
    /// event over twice makes nothing new.
    pub fn of_outcome(dataset: DatasetId, receiver: ReceiverId) -> Self {
        Self(format!("msg_{dataset}_{receiver}"))
    }

    pub fn from_stored(id: String) -> Self {
        Self(id)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a delivery is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeliveryKey {
    pub workspace_id: WorkspaceId,
    pub receiver_id: ReceiverId,
    pub delivery_id: DeliveryId,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub key: DeliveryKey,
    pub event_type: EventType,
    /// The bytes that are sent and signed.
    pub body: String,
    pub created_at: Timestamp,
    pub state: DeliveryState,
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// An attempt is made once `next_attempt_at` has come; one that is under
    /// way has moved it to the end of its own time.
    Pending {
        next_attempt_at: Timestamp,
    },
    Delivered,
    /// The schedule has ended, or the receiver was gone.
    GaveUp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub started_at: Timestamp,
    pub duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first 1 KiB of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

/// The wait after the given number of failed attempts; `None` at the end.
pub fn retry_delay(failed_attempts: usize) -> Option<Duration> {
    RETRY_SCHEDULE.get(failed_attempts.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_and_no_more() {
        assert_eq!(retry_delay(0), None);
        assert_eq!(retry_delay(1), Some(Duration::from_secs(5)));
        assert_eq!(retry_delay(9), Some(Duration::from_secs(24 * 3600)));
        assert_eq!(retry_delay(10), None);
    }

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("whsec_c2VjcmV0".into());
        assert!(!format!("{secret:?}").contains("c2Vj"));
    }
}
