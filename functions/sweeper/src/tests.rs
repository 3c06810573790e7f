use crate::handle;
use crate::sweep::sweep;
use dataset_core::blobs::{Blobs, Object};
use dataset_core::catalog::{Catalog, FailedDraft, LeaseRequest, Leased, OutboxEntry};
use dataset_core::dataset::{Contents, DRAFT_LIFETIME, Dataset, Failure, State};
use dataset_core::deliveries::Deliveries;
use dataset_core::delivery::{Delivery, DeliveryKey, DeliveryState, QUEUE_GRACE};
use dataset_core::event::EventType;
use dataset_core::id::{DeliveryId, EventId};
use dataset_core::outbox;
use dataset_core::uploads;
use dataset_core::webhooks::Webhooks;
use dataset_tests::memory::Fakes;
use dataset_tests::{dataset_id, draft, group, start, webhook_at, webhook_id, workspace};
use dataset_types::FailureCode;
use lambda_runtime::{Context, LambdaEvent};
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::time::Duration;

const SCHEDULE: &str = include_str!("../../../events/schedule.json");
const GAVE_UP: &str = include_str!("../../../events/processor-gave-up.json");
const ID: u64 = 3_751_873_437_921;

async fn setting(with_file: bool) -> (Fakes, Dataset) {
    let fakes = Fakes::default();
    let group = group(7, 1, "Questions");
    fakes.table.create_group(&group).await.unwrap();
    fakes.table.register(&webhook_at("https://example.com/")).await.unwrap();
    let draft = draft(ID, &group, "a.csv");
    fakes.table.create_draft(&draft).await.unwrap();
    if with_file {
        fakes.blobs.put_new(draft.upload(), "text/csv", "q\n1\n".into()).await.unwrap();
    }
    (fakes, draft)
}

async fn invoke(fakes: &Fakes, event: &str) {
    let mut context = Context::default();
    context.deadline = (fakes.ports().clock.now() + Duration::from_secs(60)).as_millisecond() as u64;
    let event = LambdaEvent::new(serde_json::from_str(event).unwrap(), context);
    handle(event, &fakes.ports()).await.unwrap();
}

async fn failure_code(fakes: &Fakes) -> Option<String> {
    match fakes.table.dataset(dataset_id(ID)).await.unwrap().unwrap().state {
        State::Failed { failure, .. } => Some(failure.code),
        _ => None,
    }
}

#[tokio::test]
async fn a_draft_whose_file_never_came_expires_and_is_told_of() {
    let (fakes, _) = setting(false).await;
    invoke(&fakes, SCHEDULE).await;
    assert_eq!(failure_code(&fakes).await, None, "it is not due yet");
    fakes.clock.advance(DRAFT_LIFETIME);
    invoke(&fakes, SCHEDULE).await;
    assert_eq!(failure_code(&fakes).await.as_deref(), Some("upload_expired"));
    assert_eq!(fakes.queue.take().len(), 1);
    invoke(&fakes, SCHEDULE).await;
    assert!(fakes.queue.take().is_empty());
}

#[tokio::test]
async fn a_draft_whose_event_was_lost_is_started_and_in_the_end_given_up() {
    let (fakes, draft) = setting(true).await;
    fakes.clock.advance(DRAFT_LIFETIME);
    invoke(&fakes, SCHEDULE).await;
    assert_eq!(fakes.blobs.take_announced(), [draft.upload()]);
    invoke(&fakes, SCHEDULE).await;
    assert!(fakes.blobs.take_announced().is_empty(), "it has time to be processed");

    // Each of its processors dies.
    for n in 0..5 {
        let now = fakes.ports().clock.now();
        let lease = LeaseRequest { owner: format!("{n}"), now, until: now + Duration::from_secs(300) };
        fakes.table.acquire_lease(draft.id, &lease).await.unwrap();
        fakes.clock.advance(Duration::from_secs(301));
    }
    invoke(&fakes, SCHEDULE).await;
    assert_eq!(failure_code(&fakes).await.as_deref(), Some("processing_failed"));
    assert!(fakes.blobs.objects().is_empty());
}

#[tokio::test]
async fn an_event_left_in_the_outbox_is_relayed() {
    let (fakes, draft) = setting(true).await;
    let contents = Contents { columns: vec!["q".into()], row_count: 1, ..Contents::default() };
    let published = uploads::publish(&fakes.ports(), &draft, &contents).await.unwrap().unwrap();
    invoke(&fakes, SCHEDULE).await;
    assert!(fakes.queue.take().is_empty(), "its processor may be at it");
    fakes.clock.advance(QUEUE_GRACE);
    invoke(&fakes, SCHEDULE).await;
    assert_eq!(fakes.queue.take().len(), 1);
    assert_eq!(fakes.table.outbox_entry(&published.event.event_id).await.unwrap(), None);
}

#[tokio::test]
async fn an_overdue_delivery_is_put_on_the_queue_again() {
    let (fakes, draft) = setting(true).await;
    let contents = Contents { columns: vec!["q".into()], row_count: 1, ..Contents::default() };
    let published = uploads::publish(&fakes.ports(), &draft, &contents).await.unwrap().unwrap();
    outbox::relay(&fakes.ports(), &published.event).await.unwrap();
    let sent = fakes.queue.take();
    // The message is lost.
    fakes.clock.advance(QUEUE_GRACE);
    invoke(&fakes, SCHEDULE).await;
    assert_eq!(fakes.queue.take(), sent);
}

/// So many deliveries to a webhook, the first of them due for longer than anything else.
async fn overdue_deliveries(fakes: &Fakes, webhook: u64, numbers: Range<u64>) -> HashSet<DeliveryKey> {
    let delivery = |n: u64| Delivery {
        key: DeliveryKey {
            workspace_id: workspace(1),
            webhook_id: webhook_id(webhook),
            delivery_id: DeliveryId::at(n, webhook_id(webhook)),
        },
        event_type: EventType::VersionCreated,
        body: "{}".into(),
        created_at: start(),
        state: DeliveryState::fresh(start() + Duration::from_millis(n)),
        attempts: vec![],
    };
    let deliveries: Vec<Delivery> = numbers.map(delivery).collect();
    fakes.table.create_deliveries(&deliveries).await.unwrap();
    deliveries.into_iter().map(|delivery| delivery.key).collect()
}

fn queued(fakes: &Fakes) -> HashSet<DeliveryKey> {
    fakes.queue.take().into_iter().map(|(key, _)| key).collect()
}

#[tokio::test]
async fn thousands_of_overdue_deliveries_keep_no_draft_waiting() {
    let (fakes, _) = setting(false).await;
    let deliveries = overdue_deliveries(&fakes, 21, 0..3_500).await;
    fakes.clock.advance(DRAFT_LIFETIME);
    invoke(&fakes, SCHEDULE).await;
    assert_eq!(failure_code(&fakes).await.as_deref(), Some("upload_expired"));
    assert!(queued(&fakes).is_superset(&deliveries));
}

#[tokio::test]
async fn thousands_that_fail_each_time_keep_nothing_waiting() {
    let (fakes, first) = setting(true).await;
    let contents = Contents { columns: vec!["q".into()], row_count: 1, ..Contents::default() };
    uploads::publish(&fakes.ports(), &first, &contents).await.unwrap().unwrap();
    let group = fakes.table.group(first.group_id).await.unwrap().unwrap();
    for id in 1..=2_500 {
        let draft = Dataset {
            state: State::Draft { due_at: start(), lost_leases: 0, restarts: 0 },
            ..draft(id, &group, "a.csv")
        };
        fakes.table.create_draft(&draft).await.unwrap();
    }
    fakes.blobs.set_down(true);
    fakes.clock.advance(QUEUE_GRACE);
    for _ in 0..2 {
        invoke(&fakes, SCHEDULE).await;
    }
    assert_eq!(fakes.queue.take().len(), 1);
}

#[tokio::test]
async fn a_pass_begins_nothing_when_its_time_is_nearly_up() {
    let (fakes, _) = setting(false).await;
    overdue_deliveries(&fakes, 21, 0..3_500).await;
    fakes.clock.advance(DRAFT_LIFETIME);
    let deadline = fakes.ports().clock.now() + Duration::from_secs(10);
    sweep(&fakes.ports(), Some(deadline)).await.unwrap();
    assert_eq!((queued(&fakes), failure_code(&fakes).await), (HashSet::new(), None));
}

#[tokio::test]
async fn each_webhook_has_its_turn() {
    let (fakes, _) = setting(false).await;
    overdue_deliveries(&fakes, 21, 0..3_000).await;
    let few = overdue_deliveries(&fakes, 22, 3_000..3_005).await;
    fakes.clock.advance(Duration::from_secs(60));
    invoke(&fakes, SCHEDULE).await;
    let first: HashSet<DeliveryKey> = fakes.queue.take().into_iter().take(20).map(|(key, _)| key).collect();
    assert!(first.is_superset(&few));
}

#[tokio::test]
async fn a_cleanup_that_was_cut_off_is_completed() {
    let (fakes, draft) = setting(true).await;
    let failed = FailedDraft {
        dataset_id: draft.id,
        due_at: draft.file_due_at,
        lost_leases: 0,
        finished_at: start(),
        clean_at: start() + QUEUE_GRACE,
        failure: Failure::new(FailureCode::NoRows, "there are no rows"),
        event: OutboxEntry {
            event_id: EventId::of_dataset(draft.id.get()),
            workspace_id: draft.workspace_id,
            event_type: EventType::VersionFailed,
            body: "{}".into(),
            due_at: start() + QUEUE_GRACE,
        },
    };
    fakes.table.fail(&failed).await.unwrap();
    fakes.clock.advance(QUEUE_GRACE);
    invoke(&fakes, SCHEDULE).await;
    assert!(fakes.blobs.objects().is_empty());
    assert_eq!(fakes.queue.take().len(), 1);
    assert!(fakes.table.due(start() + Duration::from_secs(29), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_lambda_gave_up_on_waits_for_its_time_like_any_draft() {
    let (fakes, draft) = setting(true).await;
    invoke(&fakes, GAVE_UP).await;
    assert!(fakes.blobs.take_announced().is_empty());
    fakes.clock.advance(DRAFT_LIFETIME);
    invoke(&fakes, GAVE_UP).await;
    assert_eq!(fakes.blobs.take_announced(), [draft.upload()]);
    assert_eq!(failure_code(&fakes).await, None);
}

/// A thousand uploads at once with one processor, which takes two seconds for each: their events wait for
/// half an hour, and the sweeper can't know that they do.
#[tokio::test]
async fn uploads_that_wait_for_a_processor_are_started_again_a_handful_of_times() {
    let fakes = Fakes::default();
    let group = group(7, 1, "Questions");
    fakes.table.create_group(&group).await.unwrap();
    let mut events = VecDeque::new();
    for id in 1..=1_000 {
        let draft = draft(id, &group, "a.csv");
        fakes.table.create_draft(&draft).await.unwrap();
        fakes.blobs.put_new(draft.upload(), "text/csv", "q\n1\n".into()).await.unwrap();
        events.push_back(draft.upload());
    }
    let (ports, second) = (fakes.ports(), Duration::from_secs(1));
    let mut restarts = HashMap::new();
    let (mut parsed, mut seconds) = (0, 0);
    while let Some(event) = events.pop_front() {
        let Object::Upload(id) = event else { unreachable!("only uploads are announced") };
        if let Leased::Yours(draft) = uploads::acquire_lease(&ports, id, "p", None).await.unwrap() {
            parsed += 1;
            for _ in 0..2 {
                fakes.clock.advance(second);
                seconds += 1;
                if seconds % 60 == 0 {
                    invoke(&fakes, SCHEDULE).await;
                }
            }
            let contents = Contents { columns: vec!["q".into()], row_count: 1, ..Contents::default() };
            uploads::publish(&ports, &draft, &contents).await.unwrap();
        }
        for object in fakes.blobs.take_announced() {
            *restarts.entry(object).or_insert(0) += 1;
            events.push_back(object);
        }
    }
    assert_eq!((parsed, seconds), (1_000, 2_000));
    let most = restarts.values().max();
    assert!(most.is_some_and(|most| *most <= 5), "{most:?}");
}

/// Nothing that is away for an hour costs a file; what never comes back is told of.
#[tokio::test]
async fn a_draft_is_started_again_ever_less_often_and_for_a_day() {
    let (fakes, _) = setting(true).await;
    let mut started = Vec::new();
    for minute in 1..=25 * 60 {
        fakes.clock.advance(Duration::from_secs(60));
        invoke(&fakes, SCHEDULE).await;
        started.extend(fakes.blobs.take_announced().iter().map(|_| minute));
    }
    assert_eq!(started[..6], [1, 3, 7, 15, 30, 45]);
    assert_eq!((started.len(), started[99]), (100, 15 + 15 * 96));
    assert_eq!(failure_code(&fakes).await.as_deref(), Some("processing_failed"));
    assert!(!fakes.queue.take().is_empty());
}
