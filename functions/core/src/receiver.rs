//! A webhook receiver: where it is, what it wants, and how it has been doing.
//!
//! A receiver that fails costs the others nothing. While one lets an attempt
//! wait, no further ones are begun; one that takes the whole of an attempt's
//! time rests, the longer the more often it did: its deliveries wait, and one
//! of them at a time finds out whether it is back. One that has done nothing
//! but fail for five days, or that says it is gone, is disabled.

use crate::event::EventType;
use crate::id::{ReceiverId, WorkspaceId};
use crate::secret::{Owner, Sealed};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long the secret before the last rotation signs too.
pub const OLD_SECRET_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// After so long with nothing but failures a receiver is disabled.
pub const MAX_FAILING: SignedDuration = SignedDuration::from_hours(5 * 24);

const FIRST_REST: Duration = Duration::from_secs(5);
const MAX_REST: Duration = Duration::from_secs(5 * 60);

#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    pub id: ReceiverId,
    pub workspace_id: WorkspaceId,
    pub url: String,
    pub secrets: Secrets,
    /// Empty for every type.
    pub event_types: Vec<EventType>,
    pub disabled: Option<Disabled>,
    pub health: Health,
    pub created_at: Timestamp,
    /// Counts the changes, so that none is made to what is not as it was read.
    pub revision: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    current: Sealed,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Retired>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Retired {
    secret: Sealed,
    until: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    pub at: Timestamp,
    pub reason: DisabledReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Someone wanted it so.
    Requested,
    /// It answered 410.
    Gone,
    /// It did nothing but fail for five days.
    Failing,
}

/// How a receiver has been doing since it last took a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The first of the failures.
    pub failing_since: Option<Timestamp>,
    /// Attempts in a row that took all their time.
    pub slow: u32,
    pub resting_until: Option<Timestamp>,
}

/// What a receiver made of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    Took,
    Failed,
    /// It failed, and it took as long as it could.
    FailedSlowly,
    Gone,
}

/// Whether a receiver may be called now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Now,
    /// By one caller, who has said so with [`Receiver::probe`].
    Probe,
    NotBefore(Timestamp),
}

impl Secrets {
    pub fn new(secret: Sealed) -> Self {
        Self { current: secret, previous: None }
    }

    /// From now on `secret` signs, and for a day the one before it too.
    pub fn rotate(&mut self, secret: Sealed, now: Timestamp) {
        let before = std::mem::replace(&mut self.current, secret);
        self.previous = Some(Retired { secret: before, until: now + OLD_SECRET_LIFETIME });
    }

    /// Those that sign, the newest first.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &Sealed> {
        let previous = self.previous.as_ref().filter(|retired| now < retired.until);
        std::iter::once(&self.current).chain(previous.map(|retired| &retired.secret))
    }
}

impl Receiver {
    pub fn wants(&self, event_type: EventType) -> bool {
        self.event_types.is_empty() || self.event_types.contains(&event_type)
    }

    pub fn owner(&self) -> Owner {
        Owner { workspace_id: self.workspace_id, receiver_id: self.id }
    }

    /// Back to work, with no memory of what was.
    pub fn enable(&mut self) {
        self.disabled = None;
        self.health = Health::default();
    }

    /// The first reason stays.
    pub fn disable(&mut self, reason: DisabledReason, at: Timestamp) {
        self.disabled.get_or_insert(Disabled { at, reason });
    }

    pub fn turn(&self, now: Timestamp) -> Turn {
        match self.health.resting_until {
            None => Turn::Now,
            Some(until) if now < until => Turn::NotBefore(until),
            Some(_) => Turn::Probe,
        }
    }

    /// Ends its rest: someone wants to know now. `false` if it had none.
    pub fn wake(&mut self) -> bool {
        self.health.resting_until.take().is_some()
    }

    /// Keeps the others away until the caller has found out.
    pub fn probe(&mut self, until: Timestamp) {
        self.health.resting_until = Some(until);
    }

    /// Keeps the others away while an attempt waits for an answer. `false` if
    /// they are away already.
    pub fn suspect(&mut self, until: Timestamp) -> bool {
        let is_new = self.health.resting_until.is_none();
        self.health.resting_until.get_or_insert(until);
        is_new
    }

    /// Learns from an attempt. `false` if nothing has changed by it.
    pub fn note(&mut self, reaction: Reaction, at: Timestamp) -> bool {
        let (health, disabled) = (self.health, self.disabled);
        let failing_since = Some(health.failing_since.unwrap_or(at));
        self.health = match reaction {
            Reaction::Took => Health::default(),
            // It answers, so nothing waits for it.
            Reaction::Failed | Reaction::Gone => Health { failing_since, ..Health::default() },
            Reaction::FailedSlowly => {
                let slow = health.slow.saturating_add(1);
                Health { failing_since, slow, resting_until: Some(at + rest(slow)) }
            }
        };
        if reaction == Reaction::Gone {
            self.disable(DisabledReason::Gone, at);
        } else if self.health.failing_since.is_some_and(|since| at.duration_since(since) >= MAX_FAILING) {
            self.disable(DisabledReason::Failing, at);
        }
        (health, disabled) != (self.health, self.disabled)
    }
}

/// After the first attempt that took all its time, the second, and so on:
/// twice as long each time.
fn rest(slow: u32) -> Duration {
    FIRST_REST.saturating_mul(1 << slow.saturating_sub(1).min(8)).min(MAX_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).expect("in range")
    }

    fn receiver() -> Receiver {
        Receiver {
            id: ReceiverId::new(1).expect("valid"),
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

    #[test]
    fn two_secrets_sign_for_a_day() {
        let mut secrets = Secrets::new(Sealed("a".into()));
        secrets.rotate(Sealed("b".into()), at(0));
        let live = |now| secrets.live(now).map(|secret| secret.0.as_str()).collect::<Vec<_>>();
        assert_eq!(live(at(24 * 3600 - 1)), ["b", "a"]);
        assert_eq!(live(at(24 * 3600)), ["b"]);
    }

    #[test]
    fn five_days_of_nothing_but_failures() {
        let (mut receiver, day) = (receiver(), 24 * 3600);
        assert!(!receiver.note(Reaction::Took, at(0)));
        assert!(receiver.note(Reaction::Failed, at(10)));
        assert!(!receiver.note(Reaction::Failed, at(20)), "nothing new");
        assert!(receiver.note(Reaction::Took, at(4 * day)));
        assert!(receiver.note(Reaction::Failed, at(5 * day)));
        assert!(!receiver.note(Reaction::Failed, at(10 * day - 1)));
        assert!(receiver.note(Reaction::Failed, at(10 * day)));
        assert_eq!(receiver.disabled, Some(Disabled { at: at(10 * day), reason: DisabledReason::Failing }));
        receiver.enable();
        assert_eq!((receiver.disabled, receiver.health), (None, Health::default()));
        receiver.note(Reaction::Gone, at(0));
        assert_eq!(receiver.disabled, Some(Disabled { at: at(0), reason: DisabledReason::Gone }));
    }

    #[test]
    fn one_that_takes_all_the_time_rests() {
        let mut receiver = receiver();
        receiver.note(Reaction::FailedSlowly, at(0));
        assert_eq!(receiver.turn(at(4)), Turn::NotBefore(at(5)));
        assert_eq!(receiver.turn(at(5)), Turn::Probe);
        receiver.note(Reaction::FailedSlowly, at(20));
        assert_eq!(receiver.turn(at(29)), Turn::NotBefore(at(30)));
        assert!(!receiver.suspect(at(90)), "they are away already");
        receiver.probe(at(60));
        assert_eq!(receiver.turn(at(59)), Turn::NotBefore(at(60)));
        for n in 0..40 {
            receiver.note(Reaction::FailedSlowly, at(100 + n));
        }
        assert_eq!(receiver.turn(at(139)), Turn::NotBefore(at(139 + 300)));
        receiver.note(Reaction::Failed, at(140));
        assert_eq!(receiver.turn(at(140)), Turn::Now, "it answers again, if only to refuse");
        assert!(receiver.suspect(at(150)));
        assert_eq!(receiver.turn(at(140)), Turn::NotBefore(at(150)));
    }
}
