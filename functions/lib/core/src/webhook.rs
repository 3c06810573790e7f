//! A webhook: a URL that events are sent to, what it asks for, and how it has been doing.
//!
//! A webhook that fails costs the others nothing, since a circuit breaker stands before each. While one
//! attempt waits for an answer, the circuit is open for others. An attempt that takes all its time opens it
//! for longer, twice as long each time; then it is half open, and one delivery probes while all others wait.
//! While the circuit is open, deliveries are parked: they cost nothing until a probe succeeds and
//! [`crate::parking`] wakes them.
//! A webhook that has done nothing but fail for five days, or that says it is gone, is disabled.

use crate::event::{EventFilter, EventType};
use crate::id::{WebhookId, WorkspaceId};
use crate::secret::{Owner, Secrets};
pub use dataset_types::webhook::DisabledReason;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A webhook is disabled after nothing but failures for this long.
pub const MAX_FAILING: SignedDuration = SignedDuration::from_hours(5 * 24);

/// How long the circuit is open because one attempt waits for an answer. An
/// attempt that goes on waiting opens it again.
const BRIEF_OPEN: Duration = Duration::from_secs(4);

const FIRST_OPEN: Duration = Duration::from_secs(30);
const MAX_OPEN: Duration = Duration::from_secs(15 * 60);

/// How long after the circuit has closed the sweeper looks for deliveries that are still parked: those that
/// an index did not show yet, or that were parked by what had read the webhook before.
const RESUME_GRACE: SignedDuration = SignedDuration::from_secs(60);

#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    pub id: WebhookId,
    pub workspace_id: WorkspaceId,
    pub url: String,
    pub secrets: Secrets,
    pub event_types: Vec<EventFilter>,
    pub disabled: Option<Disabled>,
    pub health: Health,
    pub created_at: Timestamp,
    /// Counts changes, for optimistic locking.
    pub revision: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    pub at: Timestamp,
    pub reason: DisabledReason,
}

/// How a webhook has been doing since it last took a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The first of the failures.
    pub failing_since: Option<Timestamp>,
    /// Attempts in a row that took all their time.
    #[serde(rename = "slow")]
    pub slow_failures: u32,
    #[serde(rename = "resting_until")]
    pub open_until: Option<Timestamp>,
    /// Since when parked deliveries are to be woken, until all are.
    #[serde(default)]
    pub resume_since: Option<Timestamp>,
}

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// It was delivered, but it took its time.
    DeliveredSlowly,
    Failed,
    /// It failed, and it took as long as it could.
    FailedSlowly,
    Gone,
}

/// An attempt, as far as it tells of the webhook's health.
#[derive(Clone, Copy, Debug)]
pub struct AttemptResult {
    pub outcome: Outcome,
    pub at: Timestamp,
    /// As read before the attempt: of concurrent attempts that are all too slow, one counts.
    pub slow_failures_before: u32,
}

/// The circuit breaker before a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Attempts are made.
    Closed,
    /// One attempt is made, by whoever stores [`Webhook::start_probe`] first.
    HalfOpen,
    /// No attempt is made until then.
    OpenUntil(Timestamp),
}

impl Health {
    /// The circuit is closed, and what it has held back is to be woken.
    fn closed(self, now: Timestamp) -> Self {
        let has_held_back = self.open_until.is_some() || self.slow_failures > 0;
        Self { resume_since: self.resume_since.or(has_held_back.then_some(now)), ..Self::default() }
    }
}

impl Webhook {
    pub fn wants(&self, event_type: EventType) -> bool {
        EventFilter::any_takes(&self.event_types, event_type)
    }

    pub fn owner(&self) -> Owner {
        Owner { workspace_id: self.workspace_id, webhook_id: self.id }
    }

    /// Enables it again, with a clean record.
    pub fn enable(&mut self, now: Timestamp) {
        self.disabled = None;
        self.health = self.health.closed(now);
    }

    /// The first reason stays. What is waiting is woken to fail.
    pub fn disable(&mut self, reason: DisabledReason, at: Timestamp) {
        self.disabled.get_or_insert(Disabled { at, reason });
        self.health.resume_since.get_or_insert(at);
    }

    /// The health of the old URL says nothing about the new one.
    pub fn set_url(&mut self, url: &str, now: Timestamp) {
        url.clone_into(&mut self.url);
        self.health = self.health.closed(now);
    }

    /// All that was held back has been woken. `false` if there is something new to wake.
    pub fn resumed(&mut self, since: Timestamp) -> bool {
        self.health.resume_since.take_if(|stored| *stored == since).is_some()
    }

    /// When the sweeper looks at what waits for this webhook; `None` if nothing does.
    pub fn due_at(&self) -> Option<Timestamp> {
        let Health { open_until, resume_since, .. } = self.health;
        let resumed = resume_since.map(|since| since + RESUME_GRACE);
        let probe = open_until.filter(|_| self.disabled.is_none());
        probe.into_iter().chain(resumed).min()
    }

    pub fn circuit(&self, now: Timestamp) -> Circuit {
        match self.health.open_until {
            None => Circuit::Closed,
            Some(until) if now < until => Circuit::OpenUntil(until),
            Some(_) => Circuit::HalfOpen,
        }
    }

    /// Closes the circuit: someone wants to know now, or nothing waits for it. `false` if it was closed.
    pub fn close_circuit(&mut self, now: Timestamp) -> bool {
        let was_open = self.health.open_until.take().is_some();
        if was_open {
            self.health.resume_since.get_or_insert(now);
        }
        was_open
    }

    /// Keeps the circuit open for all but the caller, until it has found out.
    pub fn start_probe(&mut self, until: Timestamp) {
        self.health.open_until = Some(until);
    }

    /// Opens the circuit for the moment, while an attempt waits for an answer. `false` if it is open already.
    pub fn open_briefly(&mut self, now: Timestamp) -> bool {
        if self.health.open_until.is_some_and(|until| until > now + BRIEF_OPEN / 2) {
            return false;
        }
        self.health.open_until = Some(now + BRIEF_OPEN);
        true
    }

    /// Records what an attempt tells of the health. `false` if that is nothing new.
    pub fn record(&mut self, result: AttemptResult) -> bool {
        let AttemptResult { outcome, at, slow_failures_before } = result;
        let (health, disabled) = (self.health, self.disabled);
        let resume_since = health.resume_since;
        let failing_since = Some(health.failing_since.unwrap_or(at));
        self.health = match outcome {
            Outcome::Delivered => health.closed(at),
            // Half open: one attempt at a time, until it is quicker.
            Outcome::DeliveredSlowly => Health { open_until: Some(at), resume_since, ..Health::default() },
            // It answers, so attempts need not wait.
            Outcome::Failed | Outcome::Gone => Health { failing_since, ..health.closed(at) },
            // A concurrent attempt has been counted.
            Outcome::FailedSlowly if health.slow_failures > slow_failures_before => health,
            Outcome::FailedSlowly => {
                let slow_failures = slow_failures_before.saturating_add(1);
                // What is still to be woken would only wait again.
                Health {
                    failing_since,
                    slow_failures,
                    open_until: Some(at + open_for(slow_failures)),
                    resume_since: None,
                }
            }
        };
        let has_failed_for = self.health.failing_since.map(|since| at.duration_since(since));
        if outcome == Outcome::Gone {
            self.disable(DisabledReason::Gone, at);
        } else if has_failed_for.is_some_and(|time| time >= MAX_FAILING) {
            self.disable(DisabledReason::Failing, at);
        }
        (health, disabled) != (self.health, self.disabled)
    }
}

/// How long the circuit is open after the first attempt that took all its time, the second, and so on.
fn open_for(slow_failures: u32) -> Duration {
    FIRST_OPEN.saturating_mul(1 << slow_failures.saturating_sub(1).min(8)).min(MAX_OPEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Sealed;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).expect("in range")
    }

    fn webhook() -> Webhook {
        Webhook {
            id: WebhookId::new(1).expect("valid"),
            workspace_id: WorkspaceId::new(1).expect("valid"),
            url: "https://example.com/".into(),
            secrets: Secrets::new(Sealed("a".into())),
            event_types: vec![],
            disabled: None,
            health: Health::default(),
            created_at: at(0),
            revision: 0,
        }
    }

    fn result(outcome: Outcome, at: Timestamp) -> AttemptResult {
        AttemptResult { outcome, at, slow_failures_before: 0 }
    }

    #[test]
    fn five_days_of_nothing_but_failures() {
        let (mut webhook, day) = (webhook(), 24 * 3600);
        assert!(!webhook.record(result(Outcome::Delivered, at(0))));
        assert!(webhook.record(result(Outcome::Failed, at(10))));
        assert!(!webhook.record(result(Outcome::Failed, at(20))), "nothing new");
        assert!(webhook.record(result(Outcome::Delivered, at(4 * day))));
        assert!(webhook.record(result(Outcome::Failed, at(5 * day))));
        assert!(!webhook.record(result(Outcome::Failed, at(10 * day - 1))));
        assert!(webhook.record(result(Outcome::Failed, at(10 * day))));
        assert_eq!(webhook.disabled, Some(Disabled { at: at(10 * day), reason: DisabledReason::Failing }));
        webhook.enable(at(10 * day));
        assert_eq!((webhook.disabled, webhook.health.failing_since), (None, None));
        webhook.record(result(Outcome::Gone, at(0)));
        assert_eq!(webhook.disabled, Some(Disabled { at: at(0), reason: DisabledReason::Gone }));
    }

    #[test]
    fn one_that_takes_all_the_time_rests() {
        let mut webhook = webhook();
        let slow_failures =
            |slow_failures_before, at| AttemptResult { slow_failures_before, ..result(Outcome::FailedSlowly, at) };
        assert!(webhook.record(slow_failures(0, at(0))));
        assert!(!webhook.record(slow_failures(0, at(1))), "it was at the same time");
        assert_eq!(webhook.circuit(at(4)), Circuit::OpenUntil(at(30)));
        assert_eq!(webhook.circuit(at(30)), Circuit::HalfOpen);
        webhook.start_probe(at(60));
        assert_eq!(webhook.circuit(at(59)), Circuit::OpenUntil(at(60)));
        webhook.record(slow_failures(1, at(40)));
        assert_eq!(webhook.circuit(at(99)), Circuit::OpenUntil(at(100)));
        webhook.record(slow_failures(40, at(139)));
        assert_eq!(webhook.circuit(at(139)), Circuit::OpenUntil(at(139 + 900)));
        webhook.record(result(Outcome::Failed, at(140)));
        assert_eq!(webhook.circuit(at(140)), Circuit::Closed, "it answers again, if only to refuse");
    }

    #[test]
    fn what_waits_is_looked_at_until_all_is_woken() {
        let mut webhook = webhook();
        assert_eq!(webhook.due_at(), None);
        webhook.record(result(Outcome::FailedSlowly, at(0)));
        assert_eq!(webhook.due_at(), Some(at(30)), "to probe");
        webhook.record(result(Outcome::Delivered, at(6)));
        assert_eq!((webhook.circuit(at(6)), webhook.due_at()), (Circuit::Closed, Some(at(66))));
        webhook.record(result(Outcome::Delivered, at(7)));
        assert_eq!(webhook.due_at(), Some(at(66)));
        assert!(!webhook.resumed(at(5)), "that was an earlier time");
        assert!(webhook.resumed(at(6)));
        assert_eq!(webhook.due_at(), None);
        webhook.record(result(Outcome::FailedSlowly, at(10)));
        webhook.disable(DisabledReason::Requested, at(11));
        assert!(webhook.due_at().is_some(), "what waits is to fail");
    }

    #[test]
    fn while_one_attempt_waits_there_are_no_others() {
        let mut webhook = webhook();
        assert!(webhook.open_briefly(at(0)));
        assert!(!webhook.open_briefly(at(1)));
        assert_eq!(webhook.circuit(at(3)), Circuit::OpenUntil(at(4)));
        assert!(webhook.open_briefly(at(3)));
        assert_eq!(webhook.circuit(at(4)), Circuit::OpenUntil(at(7)));
        webhook.record(result(Outcome::DeliveredSlowly, at(9)));
        assert_eq!(webhook.circuit(at(9)), Circuit::HalfOpen, "one at a time");
        webhook.record(result(Outcome::Delivered, at(10)));
        assert_eq!(webhook.circuit(at(10)), Circuit::Closed);
    }
}
