//! Explores every state that an account can reach with the real functions: uploads, events, messages and
//! sweeps in any order, invocations that die after any of their changes or continue late, events and
//! messages that come twice or never, owners that take drafts back, and a receiver that refuses or hangs.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

mod account;
mod gate;
mod machine;
mod ports;

use account::{Account, Action, GOOD, objects_of, status_of};
use dataset_tests::memory::Status;
use stateright::{Checker, Model, Property};
use std::collections::BTreeMap;

struct Explored {
    groups: usize,
    files: usize,
    /// How many of each group, its last ones, are invalid.
    bad: usize,
    /// The most faults on the way to a state.
    faults: u8,
    /// Whether owners may take their drafts back.
    may_take_back: bool,
}

impl Model for Explored {
    type State = Account;
    type Action = Action;

    fn init_states(&self) -> Vec<Account> {
        vec![Account::new(self.groups, self.files, self.bad, self.faults, self.may_take_back)]
    }

    fn actions(&self, account: &Account, actions: &mut Vec<Action>) {
        account.actions(actions);
    }

    fn next_state(&self, account: &Account, action: Action) -> Option<Account> {
        account.after(action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("each upload that was answered has one outcome in the end", |_, account: &Account| {
                every(account, |at| {
                    let status = status_of(account, at);
                    let answered = account.uploads[at].answered;
                    if answered.is_some_and(|id| status.is_none() || account.id(at).get() != id) {
                        return false;
                    }
                    let has_outcome = matches!(status, Some(Status::Ready | Status::Failed));
                    !account.is_over() || status.is_none() || has_outcome
                })
            }),
            Property::always("the numbers of a group are 1 to n", |_, account: &Account| numbers_are_dense(account)),
            Property::always("every outcome is told in the end, and as it is", |_, account: &Account| {
                every(account, |at| is_told(account, at))
            }),
            Property::always("nothing is left behind in the end", |_, account: &Account| {
                !account.is_over() || objects_are_those_of_versions(account)
            }),
            Property::always("what is published was parsed, and stays", |_, account: &Account| {
                every(account, |at| is_published_for_good(account, at))
            }),
            Property::always("it comes to an end", |_, account: &Account| !account.is_sample() || account.ends()),
            Property::sometimes("all are done", |_, account: &Account| {
                account.is_over() && every(account, |at| !account.uploads[at].told.is_empty())
            }),
            Property::sometimes("one is told of twice", |_, account: &Account| {
                account.uploads.iter().any(|upload| upload.told.len() > 1)
            }),
            Property::sometimes("a draft expires", |_, account: &Account| {
                account.uploads.iter().any(|upload| upload.told.iter().any(|(_, body)| body.contains("upload_expired")))
            }),
            Property::sometimes("a delivery waits for its receiver", |_, account: &Account| {
                account.world.table.is_any_parked()
            }),
            Property::sometimes("an invocation is late", |_, account: &Account| account.held.is_some()),
        ];
        if self.may_take_back {
            properties.push(Property::sometimes("one is taken back", |_, account: &Account| {
                account.uploads.iter().any(|upload| upload.told.iter().any(|(_, body)| body.contains("withdrawn")))
            }));
        }
        properties
    }
}

fn every(account: &Account, holds: impl Fn(usize) -> bool) -> bool {
    (0..account.uploads.len()).all(holds)
}

fn numbers_are_dense(account: &Account) -> bool {
    let mut numbers: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for upload in &account.uploads {
        let dataset = account.world.table.named(&upload.file_name);
        let number = dataset.and_then(|dataset| u64::try_from(dataset.version_number()).ok());
        numbers.entry(upload.group).or_default().extend(number);
    }
    numbers.into_values().all(|mut numbers| {
        numbers.sort_unstable();
        numbers.iter().copied().eq(1..=numbers.len() as u64)
    })
}

fn is_told(account: &Account, at: usize) -> bool {
    let upload = &account.uploads[at];
    let one = upload.told.windows(2).all(|two| two[0] == two[1]);
    let expected = match (status_of(account, at), upload.published) {
        (Some(Status::Ready), Some(number)) => format!("\"dataset_version_number\": {number}"),
        (Some(Status::Failed), _) => "dataset_version_created_by_file_failed".to_owned(),
        _ => return upload.told.is_empty(),
    };
    let is_right = upload.told.iter().all(|(_, body)| body.contains(&expected));
    one && is_right && (!account.is_over() || !upload.told.is_empty())
}

fn objects_are_those_of_versions(account: &Account) -> bool {
    let mut expected = Vec::new();
    for at in 0..account.uploads.len() {
        if status_of(account, at) == Some(Status::Ready) {
            expected.extend(objects_of(account, at).into_iter().flatten());
        }
    }
    expected.sort_unstable();
    account.world.blobs.objects() == expected
}

fn is_published_for_good(account: &Account, at: usize) -> bool {
    let upload = &account.uploads[at];
    let dataset = account.world.table.named(&upload.file_name);
    let number = dataset.as_ref().and_then(|dataset| u64::try_from(dataset.version_number()).ok());
    let is_good = upload.file == GOOD;
    if number != upload.published || (number.is_some() && !is_good) {
        return false;
    }
    let stored = account.world.blobs.objects();
    number.is_none() || objects_of(account, at).into_iter().flatten().all(|object| stored.contains(&object))
}

fn explore(explored: Explored) {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let checker = explored.checker().threads(threads).spawn_bfs().join();
    checker.assert_properties();
    tell(checker.unique_state_count());
}

#[expect(clippy::print_stdout, reason = "how many states there are is worth knowing")]
fn tell(states: usize) {
    println!("{states} states");
}

/// Files in each of two groups unless `DATASETS_MODEL_FILES` is set. With three there are fifty times as
/// many states.
const FILES: usize = 2;

#[test]
fn two_groups_and_one_fault() {
    let files = std::env::var("DATASETS_MODEL_FILES").map_or(FILES, |text| text.parse().unwrap());
    explore(Explored { groups: 2, files, bad: 1, faults: 1, may_take_back: false });
}

#[test]
fn one_group_and_two_faults() {
    explore(Explored { groups: 1, files: 2, bad: 0, faults: 2, may_take_back: false });
}

#[test]
fn one_group_of_good_and_bad_files() {
    explore(Explored { groups: 1, files: 3, bad: 1, faults: 1, may_take_back: false });
}

#[test]
fn drafts_that_are_taken_back() {
    explore(Explored { groups: 1, files: 2, bad: 1, faults: 1, may_take_back: true });
    explore(Explored { groups: 1, files: 1, bad: 0, faults: 3, may_take_back: true });
}
