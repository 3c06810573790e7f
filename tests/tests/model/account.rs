//! An account with uploads, and all states that it can reach with faults.

use crate::gate::{Past, Stop};
use crate::machine::{End, Job, Ran, Receiver, World, run};
use dataset_core::blobs::Object;
use dataset_core::catalog::Catalog;
use dataset_core::delivery::DeliveryKey;
use dataset_core::id::DatasetId;
use dataset_core::webhooks::Webhooks;
use dataset_tests::memory::dataset_of;
use dataset_tests::memory::{Outline, Status};
use dataset_tests::{group, start, webhook_at};
use futures::FutureExt;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// How often AWS Lambda invokes the processor for one event.
const TRIES: u8 = 3;

/// If it has not ended after this many steps without a fault, it loops.
const MAX_STEPS: usize = 200;

const SAMPLES: u64 = 16;

/// The visibility time-out of the queue in the template.
const VISIBILITY: Duration = Duration::from_secs(360);

pub(crate) const GOOD: &str = "n\n1\n";
const BAD: &str = "a,b\n1\n";

#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) world: World,
    pub(crate) uploads: Vec<Upload>,
    pub(crate) held: Option<Held>,
    /// The number of faults that may still happen.
    pub(crate) faults: u8,
    fingerprint: u64,
}

/// A file, and the events and messages in flight for it.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) group: usize,
    pub(crate) file_name: String,
    pub(crate) file: &'static str,
    pub(crate) is_sent: bool,
    /// Its owner may take it back, once.
    may_take_back: bool,
    pub(crate) answered: Option<u64>,
    pub(crate) events: Vec<Event>,
    /// How often it went to the failure destination.
    gave_up: u8,
    /// The earliest arrival of each message.
    messages: Vec<Timestamp>,
    pub(crate) told: Vec<(String, String)>,
    /// The version number it was published under.
    pub(crate) published: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Event {
    /// Whether it is a repeated invocation.
    is_again: bool,
    tries: u8,
}

/// An invocation that is held.
#[derive(Clone)]
pub(crate) struct Held {
    step: Step,
    job: Job,
    past: Past,
    deadline: Timestamp,
}

/// Something that can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Upload(usize),
    Event(usize, Event),
    GaveUp(usize),
    TakeBack(usize),
    Message(usize),
    Sweep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Does(Step),
    /// The process dies after so many changes.
    Dies(Step, usize),
    /// The process is held after so many calls.
    Holds(Step, usize),
    GoesOn,
    /// A message or an event is lost.
    Loses(Step),
    /// It is delivered once more.
    Repeats(Step),
    /// The receiver of a message does something else than take it.
    Receives(usize, Receiver),
    /// Time passes until something is due.
    Waits,
}

impl Account {
    /// The last `bad` files of each group are invalid.
    pub(crate) fn new(groups: usize, files: usize, bad: usize, faults: u8, may_take_back: bool) -> Self {
        let world = World { table: Default::default(), blobs: Default::default(), now: start() };
        let now = |future: futures::future::BoxFuture<'_, dataset_core::Result<()>>| {
            future.now_or_never().expect("fakes do not wait").unwrap();
        };
        now(world.table.register(&webhook_at("http://127.0.0.1/hook")).boxed());
        let mut uploads = Vec::new();
        for at in 0..groups {
            now(world.table.create_group(&group(group_number(at), 1, &format!("Group {at}"))).boxed());
            uploads.extend((0..files).map(|n| Upload {
                group: at,
                file_name: format!("{at}-{n}.csv"),
                file: if n + bad >= files { BAD } else { GOOD },
                is_sent: false,
                may_take_back,
                answered: None,
                events: Vec::new(),
                gave_up: 0,
                messages: Vec::new(),
                told: Vec::new(),
                published: None,
            }));
        }
        let mut account = Self { world, uploads, held: None, faults, fingerprint: 0 };
        account.fingerprint = account.canonical();
        account
    }

    pub(crate) fn actions(&self, actions: &mut Vec<Action>) {
        for step in self.steps() {
            actions.push(Action::Does(step));
            if self.faults == 0 {
                continue;
            }
            let past = self.run(step, Past::default(), Stop::Never).past;
            let first = usize::from(!matches!(step, Step::Event(..)));
            actions.extend((first..=past.changes).map(|behind| Action::Dies(step, behind)));
            if self.held.is_none() {
                actions.extend((1..past.calls()).map(|behind| Action::Holds(step, behind)));
            }
            match step {
                Step::Event(..) => actions.extend([Action::Loses(step), Action::Repeats(step)]),
                Step::Message(at) => {
                    actions.extend([Action::Loses(step), Action::Repeats(step)]);
                    actions.extend([Receiver::Refuses, Receiver::Hangs].map(|receiver| Action::Receives(at, receiver)));
                }
                Step::Upload(_) | Step::GaveUp(_) | Step::TakeBack(_) | Step::Sweep => {}
            }
        }
        if self.held.is_some() {
            actions.push(Action::GoesOn);
        }
        if self.next_moment().is_some() && (self.is_idle() || self.faults > 0) {
            actions.push(Action::Waits);
        }
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut group_sends = None;
        for (at, upload) in self.uploads.iter().enumerate() {
            // The files of a group are alike, so they are sent in order; their events may come in any order.
            if !upload.is_sent && group_sends != Some(upload.group) {
                group_sends = Some(upload.group);
                steps.push(Step::Upload(at));
            }
            let mut events = upload.events.clone();
            events.sort_unstable();
            events.dedup();
            steps.extend(events.into_iter().map(|event| Step::Event(at, event)));
            let is_draft = status_of(self, at) == Some(Status::Draft);
            steps.extend((upload.may_take_back && is_draft).then_some(Step::TakeBack(at)));
            steps.extend((upload.gave_up > 0).then_some(Step::GaveUp(at)));
            steps.extend(upload.messages.iter().any(|at| *at <= self.world.now).then_some(Step::Message(at)));
        }
        steps.extend(self.is_something_due().then_some(Step::Sweep));
        steps
    }

    /// Whether nothing can happen until time passes.
    fn is_idle(&self) -> bool {
        // An owner may take a draft back, or not.
        self.held.is_none() && self.steps().iter().all(|step| matches!(step, Step::TakeBack(_)))
    }

    /// Whether it ends if no more faults happen.
    pub(crate) fn ends(&self) -> bool {
        let mut account = Self { faults: 0, ..self.clone() };
        for _ in 0..MAX_STEPS {
            let mut actions = Vec::new();
            account.actions(&mut actions);
            let Some(action) = actions.first() else {
                return account.is_over();
            };
            account = account.after(*action).expect("it can happen");
        }
        false
    }

    /// Whether this state is one of the sample that is followed to its end.
    pub(crate) fn is_sample(&self) -> bool {
        self.fingerprint.is_multiple_of(SAMPLES)
    }

    /// Whether nothing can ever happen again.
    pub(crate) fn is_over(&self) -> bool {
        self.is_idle() && self.next_moment().is_none()
    }

    fn is_something_due(&self) -> bool {
        self.world.table.next_due().is_some_and(|at| at <= self.world.now)
    }

    fn next_moment(&self) -> Option<Timestamp> {
        let messages = self.uploads.iter().flat_map(|upload| upload.messages.iter().copied());
        messages.chain(self.world.table.next_due()).filter(|at| *at > self.world.now).min()
    }

    pub(crate) fn after(&self, action: Action) -> Option<Self> {
        let mut next = self.clone();
        let is_free = match action {
            Action::Does(_) | Action::GoesOn => true,
            Action::Waits => self.is_idle(),
            _ => false,
        };
        if !is_free {
            next.faults = self.faults.checked_sub(1)?;
        }
        match action {
            Action::Does(step) => {
                let ran = self.run(step, Past::default(), Stop::Never);
                next.begin(step);
                next.finish(step, ran);
            }
            Action::Receives(at, receiver) => {
                let job = Job::Message { key: self.delivery(at), receiver };
                let ran = run(&self.world, &job, Past::default(), Stop::Never);
                next.begin(Step::Message(at));
                next.finish(Step::Message(at), ran);
            }
            Action::Dies(step, behind) => {
                let ran = self.run(step, Past::default(), Stop::AfterChanges(behind));
                next.begin(step);
                next.take(ran);
                next.die(step);
            }
            Action::Holds(step, behind) => {
                let ran = self.run(step, Past::default(), Stop::AfterCalls(behind));
                if !matches!(ran.end, End::Held) {
                    return None;
                }
                let job = self.job(step);
                let deadline = self.world.now + job.timeout();
                let past = ran.past.clone();
                next.begin(step);
                next.take(ran);
                next.held = Some(Held { step, job, past, deadline });
            }
            Action::GoesOn => {
                let held = next.held.take()?;
                let ran = run(&self.world, &held.job, held.past, Stop::Never);
                next.finish(held.step, ran);
            }
            Action::Loses(step) => next.begin(step),
            Action::Repeats(Step::Event(at, _)) => next.uploads[at].events.push(Event { is_again: true, tries: 0 }),
            Action::Repeats(Step::Message(at)) => next.uploads[at].messages.push(self.world.now),
            Action::Repeats(_) => return None,
            Action::Waits => {
                next.world.now = self.next_moment()?;
                if let Some(held) = next.held.take_if(|held| held.deadline < next.world.now) {
                    next.die(held.step);
                }
            }
        }
        for upload in &mut next.uploads {
            if let Some(dataset) = next.world.table.named(&upload.file_name)
                && let Ok(number) = u64::try_from(dataset.version_number())
            {
                upload.published.get_or_insert(number);
            }
        }
        next.fingerprint = next.canonical();
        Some(next)
    }

    fn run(&self, step: Step, past: Past, stop: Stop) -> Ran {
        run(&self.world, &self.job(step), past, stop)
    }

    fn job(&self, step: Step) -> Job {
        match step {
            Step::Upload(at) => {
                let Upload { group, file_name, file, .. } = &self.uploads[at];
                Job::Upload { group: group_number(*group), file_name: file_name.clone(), file }
            }
            Step::Event(at, event) => {
                let request_id = if event.is_again { "again" } else { "first" };
                Job::Event { id: self.id(at), request_id: request_id.into() }
            }
            Step::GaveUp(at) => Job::GaveUp { id: self.id(at) },
            Step::TakeBack(at) => Job::TakeBack { id: self.id(at) },
            Step::Message(at) => Job::Message { key: self.delivery(at), receiver: Receiver::Takes },
            Step::Sweep => Job::Sweep,
        }
    }

    pub(crate) fn id(&self, at: usize) -> DatasetId {
        self.world.table.named(&self.uploads[at].file_name).expect("there is a draft").id
    }

    fn delivery(&self, at: usize) -> DeliveryKey {
        self.world.table.delivery_about(self.id(at)).expect("a message has its delivery")
    }

    /// Puts the events and messages of a run in flight.
    fn take(&mut self, ran: Ran) {
        self.world = ran.world;
        let ids: BTreeMap<u64, usize> = self.ids().into_iter().map(|(at, id)| (id.get(), at)).collect();
        let uploads = ran.stored.iter().filter_map(|object| match object {
            Object::Upload(id) => Some(id),
            _ => None,
        });
        for id in uploads {
            self.uploads[ids[&id.get()]].events.push(Event { is_again: false, tries: 0 });
        }
        for (key, delay) in ran.messages {
            let id = self.world.table.subject_of(&key).expect("a message has its delivery");
            self.uploads[ids[&id.get()]].messages.push(self.world.now + delay);
        }
        for (id, body) in ran.sent {
            let about = dataset_of(&body).expect("it is about a dataset");
            self.uploads[ids[&about.get()]].told.push((id, body));
        }
    }

    fn ids(&self) -> Vec<(usize, DatasetId)> {
        let named = |(at, upload): (usize, &Upload)| Some((at, self.world.table.named(&upload.file_name)?.id));
        self.uploads.iter().enumerate().filter_map(named).collect()
    }

    /// Consumes the event or message of the step.
    fn begin(&mut self, step: Step) {
        match step {
            Step::Upload(at) => self.uploads[at].is_sent = true,
            Step::Event(at, event) => remove_first(&mut self.uploads[at].events, |other| *other == event),
            Step::GaveUp(at) => self.uploads[at].gave_up -= 1,
            Step::TakeBack(at) => self.uploads[at].may_take_back = false,
            Step::Message(at) => {
                let now = self.world.now;
                remove_first(&mut self.uploads[at].messages, |at| *at <= now);
            }
            Step::Sweep => {}
        }
    }

    fn finish(&mut self, step: Step, ran: Ran) {
        let (is_done, answered) = match ran.end {
            End::Done(is_done) => (is_done, None),
            End::Answered(id) => (true, Some(id)),
            End::Held => unreachable!("it may go on"),
        };
        self.take(ran);
        match step {
            Step::Upload(at) => self.uploads[at].answered = answered,
            _ if !is_done => self.die(step),
            _ => {}
        }
    }

    /// The process died, or the function failed: its caller retries.
    fn die(&mut self, step: Step) {
        match step {
            Step::Event(at, event) if event.tries + 1 == TRIES => self.uploads[at].gave_up += 1,
            Step::Event(at, event) => self.uploads[at].events.push(Event { tries: event.tries + 1, ..event }),
            Step::GaveUp(at) => self.uploads[at].gave_up += 1,
            Step::Message(at) => self.uploads[at].messages.push(self.world.now + VISIBILITY),
            Step::Upload(_) | Step::TakeBack(_) | Step::Sweep => {}
        }
    }

    // ------------------------------------------------- which states are the same

    /// A hash that is the same for states that differ only by the order of groups, or of files in a group.
    fn canonical(&self) -> u64 {
        let mut files: Vec<(u64, usize)> = (0..self.uploads.len()).map(|at| (self.about(at), at)).collect();
        files.sort_unstable();
        let mut groups: Vec<(u64, Vec<u64>)> = Vec::new();
        for group in 0..=self.uploads.last().map_or(0, |upload| upload.group) {
            let of_group = files.iter().filter(|(_, at)| self.uploads[*at].group == group);
            let latest = self.world.table.latest(dataset_tests::group_id(group_number(group)));
            groups.push((latest, of_group.map(|(about, _)| *about).collect()));
        }
        groups.sort_unstable();
        let mut hasher = DefaultHasher::new();
        (groups, self.faults, self.world.table.health(self.world.now)).hash(&mut hasher);
        if let Some(held) = self.held.as_ref().filter(|held| held.step == Step::Sweep) {
            let mut text = held.past.text.concat();
            for (rank, (_, at)) in files.iter().enumerate() {
                if let Some(dataset) = self.world.table.named(&self.uploads[*at].file_name) {
                    text = text.replace(&dataset.id.to_string(), &format!("#{rank}"));
                }
            }
            (text, ms(held.deadline, self.world.now)).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The whole state of one file, without its name.
    fn about(&self, at: usize) -> u64 {
        let upload = &self.uploads[at];
        let now = self.world.now;
        let mut hasher = DefaultHasher::new();
        let mut events = upload.events.clone();
        events.sort_unstable();
        let mut messages: Vec<i64> = upload.messages.iter().map(|at| ms(*at, now)).collect();
        messages.sort_unstable();
        (
            upload.file,
            upload.is_sent,
            upload.may_take_back,
            upload.answered.is_some(),
            events,
            upload.gave_up,
            messages,
        )
            .hash(&mut hasher);
        let is_one = upload.told.windows(2).all(|two| two[0] == two[1]);
        let first = upload.told.first().map(|(_, body)| body.len());
        (upload.told.len().min(2), is_one, first, upload.published).hash(&mut hasher);
        let dataset = self.world.table.named(&upload.file_name);
        let outline: Option<Outline> = dataset.as_ref().map(|dataset| self.world.table.outline(dataset.id, now));
        outline.hash(&mut hasher);
        if let Some(dataset) = &dataset {
            let stored = self.world.blobs.objects();
            stored.contains(&dataset.upload()).hash(&mut hasher);
            stored.contains(&dataset.rows()).hash(&mut hasher);
        }
        if let Some(held) = &self.held
            && let Step::Upload(of) | Step::Event(of, _) | Step::GaveUp(of) | Step::TakeBack(of) | Step::Message(of) =
                held.step
            && of == at
        {
            let mut text = held.past.text.concat();
            if let Some(dataset) = &dataset {
                text = text.replace(&dataset.id.to_string(), "#");
            }
            let event = if let Step::Event(_, event) = held.step { Some(event) } else { None };
            (text, std::mem::discriminant(&held.step), event, ms(held.deadline, now)).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// The milliseconds from now until `at`, or 0 if it has passed.
fn ms(at: Timestamp, now: Timestamp) -> i64 {
    if at <= now { 0 } else { (at.as_millisecond() - now.as_millisecond()).max(1) }
}

fn group_number(at: usize) -> u64 {
    at as u64 + 7
}

fn remove_first<T>(all: &mut Vec<T>, is_it: impl Fn(&T) -> bool) {
    if let Some(at) = all.iter().position(is_it) {
        all.remove(at);
    }
}

impl Hash for Account {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, upload) in self.uploads.iter().enumerate().filter(|(_, upload)| upload.is_sent) {
            let outline = self.world.table.named(&upload.file_name);
            let outline = outline.map(|dataset| self.world.table.outline(dataset.id, self.world.now));
            writeln!(f, "{at}: {outline:?} {upload:?}")?;
        }
        writeln!(
            f,
            "{:?} {:?}",
            self.world.blobs.objects(),
            self.held.as_ref().map(|held| (held.step, &held.past.text))
        )
    }
}

pub(crate) fn status_of(account: &Account, at: usize) -> Option<Status> {
    let dataset = account.world.table.named(&account.uploads[at].file_name)?;
    Some(account.world.table.outline(dataset.id, account.world.now).status)
}

pub(crate) fn objects_of(account: &Account, at: usize) -> Option<[Object; 2]> {
    let dataset = account.world.table.named(&account.uploads[at].file_name)?;
    Some([Object::Upload(dataset.id), Object::Rows(dataset.group_id, dataset.id)])
}
