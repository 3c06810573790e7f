//! The process dies at each of its calls, in one run for each.

use crate::harness::account::{API, Account, PROCESSOR, SWEEPER, WEBHOOKS};
use crate::harness::proxy::{Call, Fate};
use crate::harness::uploads::Upload;
use crate::harness::uploads::{bad_upload, send, upload};
use crate::invariants::check;
use dataset_tests::other_engine::OtherEngine;
use futures::{StreamExt, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The first of the stories on an independent engine, so that the results don't depend on ours.
#[tokio::test(flavor = "multi_thread")]
async fn on_other_engines_too() {
    let Some(other) = OtherEngine::ministack(&dataset_local::http_client().unwrap()).await else { return };
    for (story, functions) in STORIES {
        let calls = run(&Account::on(&other).await, story, None).await;
        // It dies in the middle of its work.
        for function in functions {
            let calls = of(&calls, function).count();
            let account = Account::on(&other).await;
            run(&account, story, Some((function, Death::new(calls / 2, calls)))).await;
        }
    }
}

/// Runs at the same time. Most of a run is waiting for processes to start.
const AT_ONCE: usize = 4;

/// A sequence of events that involves some of the functions.
#[derive(Clone, Copy, Debug)]
enum Story {
    /// A file that is good, from its upload to its webhook.
    Good,
    /// A file that breaks a rule.
    Bad,
    /// The event of a file is lost, and the sweeper starts it.
    EventLost,
    /// The file never comes, and the sweeper fails the draft.
    FileLost,
    /// The processor fails until AWS Lambda gives up.
    GivenUp,
    /// An outcome is published, and its processor dies before it relays the outbox.
    NotHandedOver,
    /// A message is lost, and the sweeper sends another.
    MessageLost,
    /// Storage fails while a file is taken in.
    NotStored,
}

/// Each with the functions that die in it.
const STORIES: [(Story, &[&str]); 8] = [
    (Story::Good, &[API, PROCESSOR, WEBHOOKS]),
    (Story::Bad, &[PROCESSOR]),
    (Story::EventLost, &[SWEEPER]),
    (Story::FileLost, &[SWEEPER]),
    (Story::GivenUp, &[SWEEPER]),
    (Story::NotHandedOver, &[SWEEPER]),
    (Story::MessageLost, &[SWEEPER]),
    (Story::NotStored, &[API, SWEEPER]),
];

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_each_of_its_calls_it_ends_each_upload_once() {
    let mut runs = Vec::new();
    for (story, functions) in STORIES {
        let calls = calls_of(story).await;
        for function in functions {
            let names: Vec<&str> = of(&calls, function).map(|call| call.name.as_str()).collect();
            assert!(names.len() >= 3, "{story:?} has {function} call {names:?}");
            runs.extend((0..=names.len()).map(|nth| (story, *function, Death::new(nth, names.len()))));
        }
    }
    let points = runs.len();
    assert!(points > 60, "{points}");
    stream::iter(runs)
        .for_each_concurrent(AT_ONCE, async |(story, function, death)| {
            let account = Account::open().await;
            run(&account, story, Some((function, death))).await;
        })
        .await;
}

/// A call that hangs times out soon enough to be made again within the same invocation.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_is_made_again() {
    let mut runs = Vec::new();
    for (story, functions) in STORIES {
        if matches!(story, Story::FileLost | Story::GivenUp | Story::NotHandedOver | Story::NotStored) {
            continue;
        }
        let calls = calls_of(story).await;
        for function in functions {
            let nths = 0..of(&calls, function).count();
            runs.extend(nths.map(|nth| (story, *function, nth)));
        }
    }
    assert!(runs.len() > 30, "{}", runs.len());
    stream::iter(runs)
        .for_each_concurrent(AT_ONCE, async |(story, function, nth)| {
            let account = Account::open().await;
            run(&account, story, Some((function, Death { nth, fate: Fate::Hangs }))).await;
            let timeouts = account.wire.timeouts.load(Ordering::Relaxed);
            assert_eq!(timeouts, 0, "{story:?}: {function} timed out at call {nth}");
        })
        .await;
}

/// The calls of a story, the fewest of two runs: a key's call is counted by two where its window has just ended.
async fn calls_of(story: Story) -> Vec<Call> {
    let (one, other) = (Account::open().await, Account::open().await);
    let (one, other) = tokio::join!(run(&one, story, None), run(&other, story, None));
    if one.len() <= other.len() { one } else { other }
}

fn of<'a>(calls: &'a [Call], function: &str) -> impl Iterator<Item = &'a Call> {
    calls.iter().filter(move |call| call.function == function)
}

/// The call at which a process dies, and whether it dies before or after it.
#[derive(Clone, Copy, Debug)]
struct Death {
    nth: usize,
    fate: Fate,
}

impl Death {
    /// Before each call, which is also after the one before it, and after the last.
    fn new(nth: usize, calls: usize) -> Self {
        match nth < calls {
            true => Self { nth, fate: Fate::DiesBefore },
            false => Self { nth: calls - 1, fate: Fate::DiesAfter },
        }
    }
}

/// Runs the story and returns its calls. The function dies once.
async fn run(account: &Account, story: Story, dies: Option<(&'static str, Death)>) -> Vec<Call> {
    let group = account.create_group("Killed").await;
    account.wire.calls.lock().unwrap().clear();
    let counted = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&counted);
    account.wire.follow(move |call| {
        if let Some((function, death)) = dies
            && call.function == function
            && counts.fetch_add(1, Ordering::SeqCst) == death.nth
        {
            return death.fate;
        }
        match (story, call.function, call.name.as_str()) {
            (Story::FileLost, API, "s3:PutObject") => Fate::DiesBefore,
            (Story::NotStored, API, "s3:PutObject") if call.nth % 3 == 2 => Fate::CutAfter,
            (Story::NotStored, API, "s3:PutObject") => Fate::Refused(500),
            (Story::GivenUp, PROCESSOR, "s3:GetObject") => Fate::DiesBefore,
            (Story::NotHandedOver, PROCESSOR, "dynamodb:TransactWriteItems") => Fate::DiesAfter,
            _ => Fate::Passes,
        }
    });
    let mut sent = match story {
        Story::Bad => bad_upload(group),
        _ => upload(group, 1),
    };
    let _ = send(account, &mut sent, None).await;
    match story {
        Story::EventLost => drop(account.take_events()),
        Story::NotHandedOver => {
            // The event is not retried.
            for event in account.take_events() {
                account.process_once(&event).await.unwrap_err();
            }
        }
        Story::MessageLost => {
            for event in account.take_events() {
                account.process(&event).await;
            }
            // The messages are taken from the queue and dropped.
            while !account.receive().await.is_empty() {}
        }
        _ => {}
    }
    account.settle().await;
    let calls = account.wire.calls.lock().unwrap().clone();
    if let Some((function, death)) = dies {
        assert!(counted.load(Ordering::SeqCst) > death.nth, "{story:?}: {function} did not come to {death:?}");
    }
    account.wire.follow(|_| Fate::Passes);
    sent.may_be_given_up = matches!(story, Story::GivenUp | Story::FileLost);
    let uploads: [Upload; 1] = [sent];
    check(account, &uploads).await;
    calls
}
