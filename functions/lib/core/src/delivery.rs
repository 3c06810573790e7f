//! A delivery: one event on its way to one receiver, tried until it is taken or the schedule ends.

use crate::event::EventType;
use crate::id::{DeliveryId, WebhookId, WorkspaceId};
pub use dataset_types::delivery::DeliveryStatus;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
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

/// The longest wait that a receiver can ask for.
pub const MAX_RETRY_AFTER: Duration = RETRY_SCHEDULE[RETRY_SCHEDULE.len() - 1];

/// How long after its due time a delivery is left to the queue before the sweeper steps in.
pub const QUEUE_GRACE: Duration = Duration::from_secs(30);

/// How long a delivery can be looked up, and sent again, after it has ended.
pub const DELIVERY_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// Attempts that are kept of one delivery: the last ones.
pub const MAX_ATTEMPTS_KEPT: usize = 40;

/// The key of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryKey {
    pub workspace_id: WorkspaceId,
    #[serde(rename = "receiver_id")]
    pub webhook_id: WebhookId,
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
    /// Waits for its next attempt. An attempt in progress has moved `next_attempt_at` to when its lease ends.
    Pending {
        next_attempt_at: Timestamp,
        /// Attempts of this schedule that failed.
        failed: u32,
        /// It waits for the circuit of its webhook, and `next_attempt_at` is when it waits no longer.
        is_parked: bool,
    },
    Delivered,
    /// The schedule has ended, or the receiver was disabled.
    Failed,
}

impl DeliveryState {
    /// Due at `at`, at the start of the schedule.
    pub fn fresh(at: Timestamp) -> Self {
        Self::Pending { next_attempt_at: at, failed: 0, is_parked: false }
    }

    /// Parked until `until` at the latest, at the start of the schedule.
    pub fn parked(until: Timestamp) -> Self {
        Self::Pending { next_attempt_at: until, failed: 0, is_parked: true }
    }

    pub fn status(self) -> DeliveryStatus {
        match self {
            Self::Pending { .. } => DeliveryStatus::Pending,
            Self::Delivered => DeliveryStatus::Delivered,
            Self::Failed => DeliveryStatus::Failed,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub started_at: Timestamp,
    pub duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it failed; `None` if it was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where a redirect leads, which is not followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The first 1 KiB of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Whether the answer had more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub response_is_cut: bool,
}

/// The wait after so many failed attempts; `None` when the schedule has ended. `asked` is the receiver's
/// `Retry-After`, which can lengthen the wait up to [`MAX_RETRY_AFTER`], but not shorten it.
pub fn retry_delay(failed: u32, asked: Option<Duration>) -> Option<Duration> {
    let index = usize::try_from(failed.checked_sub(1)?).ok()?;
    let scheduled = *RETRY_SCHEDULE.get(index)?;
    Some(asked.unwrap_or_default().min(MAX_RETRY_AFTER).max(scheduled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_and_no_more() {
        assert_eq!(retry_delay(0, None), None);
        assert_eq!(retry_delay(1, None), Some(Duration::from_secs(5)));
        assert_eq!(retry_delay(9, None), Some(Duration::from_secs(24 * 3600)));
        assert_eq!(retry_delay(10, None), None);
    }

    #[test]
    fn a_receiver_can_ask_for_time_but_not_for_ten_years() {
        let after = |failed, seconds| retry_delay(failed, Some(Duration::from_secs(seconds)));
        assert_eq!(after(1, 120), Some(Duration::from_secs(120)));
        assert_eq!(after(2, 120), Some(Duration::from_secs(300)));
        assert_eq!(after(1, 0), Some(Duration::from_secs(5)));
        assert_eq!(after(1, 315_360_000), Some(MAX_RETRY_AFTER));
        assert_eq!(after(10, 1), None);
    }
}
