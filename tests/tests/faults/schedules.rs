//! Random schedules: three invocations in ten die, half of all calls to
//! engines are refused or cut off, and events come twice, late or never.

use crate::harness::account::{Account, Event};
use crate::harness::function::Fault;
use crate::harness::proxy::{Call, Fate};
use crate::harness::uploads::Upload;
use crate::harness::uploads::{bad_upload, send, upload};
use crate::invariants::check;
use dataset_tests::other_engine::OtherEngine;
use futures::future::join_all;
use futures::{StreamExt, stream};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The number of schedules unless `DATASETS_SCHEDULES` is set. `DATASETS_SEED` runs a single one.
const SCHEDULES: u64 = 6;

/// Most of the time the SDK waits before a retry.
const AT_ONCE: usize = 12;

const GROUPS: usize = 2;
const FILES: usize = 3;

/// How often a client repeats a call with an idempotency key.
const CLIENT_TRIES: usize = 3;

/// Rounds of events, messages and sweeps with faults.
const ROUNDS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn random_schedules_of_faults_lose_nothing() {
    let from_env = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match from_env("DATASETS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("DATASETS_SCHEDULES").unwrap_or(SCHEDULES),
    };
    let count = seeds.end - seeds.start;
    let start = |seed| tokio::spawn(async move { run(seed, Account::open().await).await });
    let runs = stream::iter(seeds).map(|seed| start(seed).then_tell(seed)).buffer_unordered(AT_ONCE);
    let failed: Vec<u64> = runs.filter_map(async |failed| failed).collect().await;
    assert!(failed.is_empty(), "of {count} schedules these failed: {failed:?}; run one by DATASETS_SEED");
}

/// Two of them on an independent engine.
#[tokio::test(flavor = "multi_thread")]
async fn on_other_engines_too() {
    let Some(other) = OtherEngine::ministack(&dataset_local::http_client().unwrap()).await else { return };
    for seed in 1_000..1_002 {
        run(seed, Account::on(&other).await).await;
    }
}

trait ThenTell {
    fn then_tell(self, seed: u64) -> impl Future<Output = Option<u64>>;
}

impl ThenTell for tokio::task::JoinHandle<()> {
    /// Returns the seed if its run failed. The panic says why.
    async fn then_tell(self, seed: u64) -> Option<u64> {
        self.await.err().map(|_| seed)
    }
}

/// Random decisions, which are the same for the same seed. Only the order of processes that race is up to
/// the system.
#[derive(Clone, Copy)]
struct Chance(u64);

impl Chance {
    /// A number from 0 to 99.
    fn percent(self, of: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.0, of).hash(&mut hasher);
        hasher.finish() % 100
    }

    fn fate(self, call: &Call) -> Fate {
        let of = (call.function, call.invocation);
        // Whether the invocation itself dies.
        if self.percent((of, "dies")) < 30 && self.percent((of, "at")) % 6 == call.nth as u64 {
            return if self.percent((of, "how")) < 50 { Fate::DiesBefore } else { Fate::DiesAfter };
        }
        match self.percent((of, call.nth, "fate")) {
            0..10 => Fate::Refused(429),
            10..20 => Fate::Refused(500),
            20..30 => Fate::Refused(503),
            30..40 => Fate::CutBefore,
            40..50 => Fate::CutAfter,
            _ => Fate::Passes,
        }
    }
}

async fn run(seed: u64, account: Account) {
    let chance = Chance(seed);
    let mut uploads = Vec::new();
    for n in 0..GROUPS {
        let group = account.create_group(&format!("Group {n}")).await;
        uploads.extend((1..FILES).map(|n| upload(group, n)));
        uploads.push(if chance.percent(n) < 50 { bad_upload(group) } else { upload(group, FILES) });
    }
    for upload in &mut uploads {
        upload.may_be_given_up = true;
    }
    account.wire.follow(move |call| chance.fate(call));
    let sending = uploads.iter_mut().enumerate().map(|(n, upload)| send_as_clients_do(&account, chance, n, upload));
    join_all(sending).await;
    for round in 0..ROUNDS {
        let mut events = Vec::new();
        for (n, event) in account.take_events().into_iter().enumerate() {
            match chance.percent((round, n, "event")) {
                // Lost; the sweeper will find it.
                0..15 => {}
                15..35 => events.extend([event.clone(), again(&event), event]),
                _ => events.push(event),
            }
        }
        // No invocation outlives its time-out, so time passes only while none is running.
        if chance.percent((round, "time")) < 50 {
            account.wait_a_while().await;
        }
        futures::join!(join_all(events.iter().map(|event| account.process(event))), account.sweep());
        let batches = [account.receive().await, account.receive().await];
        let twice = chance.percent((round, "messages")) < 30;
        let batches = batches.iter().chain(batches.iter().filter(|_| twice)).filter(|batch| !batch.is_empty());
        join_all(batches.map(|batch| account.deliver(batch))).await;
    }
    account.wire.follow(|_| Fate::Passes);
    account.settle().await;
    check(&account, &uploads).await;
}

/// The same object in the event of another invocation.
fn again(event: &Event) -> Event {
    Event { request_id: format!("{}-again", event.request_id), ..event.clone() }
}

/// Every other client has an idempotency key, and repeats the call until it is answered.
async fn send_as_clients_do(account: &Account, chance: Chance, n: usize, upload: &mut Upload) {
    let key = format!("upload-{n}");
    let has_key = chance.percent((n, "key")) < 50;
    for _ in 0..if has_key { CLIENT_TRIES } else { 1 } {
        match send(account, upload, has_key.then_some(key.as_str())).await {
            Ok(201) => return,
            Ok(409 | 500 | 503) | Err(Fault::Died) => {}
            Ok(401..=404) => panic!("a fault was taken for a refusal"),
            other => panic!("the upload was answered {other:?}"),
        }
    }
}
