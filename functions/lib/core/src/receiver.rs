//! A webhook receiver: where it is, what it wants, and how it has been doing.
//!
//! A receiver that fails costs the others nothing. While one lets an attempt
//! wait, no further ones are begun; one that takes the whole of an attempt's
//! time rests, the longer the more often it did: its deliveries wait, and one
//! of them at a time finds out whether it is back. One that has done nothing
//! but fail for five days, or that says it is gone, is disabled.

use crate::event::EventType;
use crate::id::{WebhookId, WorkspaceId};
use crate::secret::{Owner, Sealed};
pub use dataset_types::webhook::DisabledReason;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long the secret before the last rotation signs too.
pub const OLD_SECRET_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// As many of them sign, should one be rotated again and again.
const MAX_OLD_SECRETS: usize = 4;

/// After so long with nothing but failures a receiver is disabled.
pub const MAX_FAILING: SignedDuration = SignedDuration::from_hours(5 * 24);

/// How long one attempt that waits keeps the others away; then it says so again.
const SUSPICION: Duration = Duration::from_secs(4);

const FIRST_REST: Duration = Duration::from_secs(5);
const MAX_REST: Duration = Duration::from_secs(5 * 60);

#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    pub id: WebhookId,
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
    /// Those that it has replaced, the newest first.
    previous: Vec<Retired>,
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
    /// It took the delivery, and its time.
    TookSlowly,
    Failed,
    /// It failed, and it took as long as it could.
    FailedSlowly,
    Gone,
}

/// An attempt, as far as it tells of the receiver.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    pub reaction: Reaction,
    pub at: Timestamp,
    /// What was known before the attempt: of attempts at the same time, all
    /// too slow, one counts.
    pub slow_before: u32,
    /// Whether the delivery has been failing for so long that it is no blip.
    pub is_lasting: bool,
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
        Self { current: secret, previous: Vec::new() }
    }

    /// From now on `secret` signs, and for a day those before it too. `false`
    /// if it does so already: the rotation is a repeat.
    pub fn rotate(&mut self, secret: Sealed, now: Timestamp) -> bool {
        if self.current == secret {
            return false;
        }
        let before = std::mem::replace(&mut self.current, secret);
        self.previous.insert(0, Retired { secret: before, until: now + OLD_SECRET_LIFETIME });
        self.previous.retain(|retired| now < retired.until);
        self.previous.truncate(MAX_OLD_SECRETS);
        true
    }

    /// Those that sign, the newest first.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &Sealed> {
        let previous = self.previous.iter().filter(move |retired| now < retired.until);
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

    /// Keeps the others away for the moment, while an attempt waits for an
    /// answer. `false` if they are away already.
    pub fn suspect(&mut self, now: Timestamp) -> bool {
        if self.health.resting_until.is_some_and(|until| until > now + SUSPICION / 2) {
            return false;
        }
        self.health.resting_until = Some(now + SUSPICION);
        true
    }

    /// Learns from an attempt. `false` if nothing has changed by it.
    pub fn learn(&mut self, lesson: Lesson) -> bool {
        let Lesson { reaction, at, slow_before, is_lasting } = lesson;
        let (health, disabled) = (self.health, self.disabled);
        let failing_since = Some(health.failing_since.unwrap_or(at));
        self.health = match reaction {
            Reaction::Took => Health::default(),
            // One at a time, until it is quicker.
            Reaction::TookSlowly => Health { resting_until: Some(at), ..Health::default() },
            // It answers, so nothing waits for it.
            Reaction::Failed | Reaction::Gone => Health { failing_since, ..Health::default() },
            // Another attempt of the same time was here before.
            Reaction::FailedSlowly if health.slow > slow_before => health,
            Reaction::FailedSlowly => {
                let slow = slow_before.saturating_add(1);
                Health { failing_since, slow, resting_until: Some(at + rest(slow)) }
            }
        };
        let has_failed_for = self.health.failing_since.map(|since| at.duration_since(since));
        if reaction == Reaction::Gone {
            self.disable(DisabledReason::Gone, at);
        } else if is_lasting && has_failed_for.is_some_and(|time| time >= MAX_FAILING) {
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

    #[test]
    fn replaced_secrets_sign_for_a_day() {
        let mut secrets = Secrets::new(Sealed("a".into()));
        assert!(secrets.rotate(Sealed("b".into()), at(0)));
        assert!(!secrets.rotate(Sealed("b".into()), at(1)), "a repeat");
        assert!(secrets.rotate(Sealed("c".into()), at(60)));
        let live = |now| secrets.live(now).map(|secret| secret.0.as_str()).collect::<Vec<_>>();
        assert_eq!(live(at(24 * 3600 - 1)), ["c", "b", "a"]);
        assert_eq!(live(at(24 * 3600)), ["c", "b"]);
        assert_eq!(live(at(24 * 3600 + 60)), ["c"]);
    }

    fn lesson(reaction: Reaction, at: Timestamp) -> Lesson {
        Lesson { reaction, at, slow_before: 0, is_lasting: true }
    }

    #[test]
    fn five_days_of_nothing_but_failures() {
        let (mut receiver, day) = (receiver(), 24 * 3600);
        assert!(!receiver.learn(lesson(Reaction::Took, at(0))));
        assert!(receiver.learn(lesson(Reaction::Failed, at(10))));
        assert!(!receiver.learn(lesson(Reaction::Failed, at(20))), "nothing new");
        assert!(receiver.learn(lesson(Reaction::Took, at(4 * day))));
        assert!(receiver.learn(lesson(Reaction::Failed, at(5 * day))));
        assert!(!receiver.learn(lesson(Reaction::Failed, at(10 * day - 1))));
        let blip = Lesson { is_lasting: false, ..lesson(Reaction::Failed, at(10 * day)) };
        assert!(!receiver.learn(blip));
        assert!(receiver.learn(lesson(Reaction::Failed, at(10 * day))));
        assert_eq!(receiver.disabled, Some(Disabled { at: at(10 * day), reason: DisabledReason::Failing }));
        receiver.enable();
        assert_eq!((receiver.disabled, receiver.health), (None, Health::default()));
        receiver.learn(lesson(Reaction::Gone, at(0)));
        assert_eq!(receiver.disabled, Some(Disabled { at: at(0), reason: DisabledReason::Gone }));
    }

    #[test]
    fn one_that_takes_all_the_time_rests() {
        let mut receiver = receiver();
        let slow = |slow_before, at| Lesson { slow_before, ..lesson(Reaction::FailedSlowly, at) };
        assert!(receiver.learn(slow(0, at(0))));
        assert!(!receiver.learn(slow(0, at(1))), "it was at the same time");
        assert_eq!(receiver.turn(at(4)), Turn::NotBefore(at(5)));
        assert_eq!(receiver.turn(at(5)), Turn::Probe);
        receiver.probe(at(60));
        assert_eq!(receiver.turn(at(59)), Turn::NotBefore(at(60)));
        receiver.learn(slow(1, at(20)));
        assert_eq!(receiver.turn(at(29)), Turn::NotBefore(at(30)));
        receiver.learn(slow(40, at(139)));
        assert_eq!(receiver.turn(at(139)), Turn::NotBefore(at(139 + 300)));
        receiver.learn(lesson(Reaction::Failed, at(140)));
        assert_eq!(receiver.turn(at(140)), Turn::Now, "it answers again, if only to refuse");
    }

    #[test]
    fn while_one_attempt_waits_there_are_no_others() {
        let mut receiver = receiver();
        assert!(receiver.suspect(at(0)));
        assert!(!receiver.suspect(at(1)));
        assert_eq!(receiver.turn(at(3)), Turn::NotBefore(at(4)));
        assert!(receiver.suspect(at(3)));
        assert_eq!(receiver.turn(at(4)), Turn::NotBefore(at(7)));
        receiver.learn(lesson(Reaction::TookSlowly, at(9)));
        assert_eq!(receiver.turn(at(9)), Turn::Probe, "one at a time");
        receiver.learn(lesson(Reaction::Took, at(10)));
        assert_eq!(receiver.turn(at(10)), Turn::Now);
    }
}
