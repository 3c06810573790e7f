mod health;
mod hostile;
mod waiting;

use crate::{Sender, client, handle};
use dataset_aws::SystemResolver;
use dataset_core::catalog::{Catalog, Due, OutboxEntry};
use dataset_core::clock::Clock;
use dataset_core::dataset::{Contents, Dataset};
use dataset_core::deliveries::Deliveries;
use dataset_core::delivery::{Delivery, DeliveryKey, DeliveryState, RETRY_SCHEDULE};
use dataset_core::destination::Policy;
use dataset_core::id::DeliveryId;
use dataset_core::id::EventId;
use dataset_core::outbox;
use dataset_core::parking;
use dataset_core::queue::{MAX_MESSAGES, Queue};
use dataset_core::resolver::Resolver;
use dataset_core::uploads;
use dataset_core::webhook::Webhook;
use dataset_core::webhooks::Webhooks;
use dataset_tests::memory::Fakes;
use dataset_tests::receiver::Receiver;
use dataset_tests::{draft, group, start, webhook_at, webhook_id, workspace};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const ONE: &str = include_str!("../../../events/sqs-one-delivery.json");
const POISON: &str = include_str!("../../../events/sqs-poison-in-a-batch.json");
const FIRST: u64 = 3_751_873_437_921;

struct Setting {
    fakes: Fakes,
    webhooks: Sender,
}

impl Setting {
    /// A receiver at `url` and `count` deliveries to it.
    async fn with(url: &str, count: u64, policy: Policy) -> Self {
        Self::resolving(url, count, policy, Arc::new(SystemResolver)).await
    }

    async fn resolving(url: &str, count: u64, policy: Policy, resolver: Arc<dyn Resolver>) -> Self {
        let fakes = Fakes::default();
        let group = group(7, 1, "Questions");
        fakes.table.create_group(&group).await.unwrap();
        fakes.table.register(&webhook_at(url)).await.unwrap();
        for id in FIRST..FIRST + count {
            let draft = draft(id, &group, "a.csv");
            fakes.table.create_draft(&draft).await.unwrap();
            publish_and_relay(&fakes, &draft).await;
        }
        fakes.queue.take();
        let webhooks = Sender::new(fakes.ports(), fakes.vault.clone(), policy, resolver).unwrap();
        Self { fakes, webhooks }
    }

    /// The messages that should come again.
    async fn handle(&self, event: &str) -> Vec<String> {
        let event = LambdaEvent::new(serde_json::from_str(event).unwrap(), Context::default());
        let response = handle(event, &self.webhooks).await.unwrap();
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    /// Attempts deliveries, the first of which is number 0.
    async fn attempt(&self, numbers: impl IntoIterator<Item = u64>) {
        let message = |number| json!({"messageId": format!("{number}"), "body": json!(key(number)).to_string()});
        let records: Vec<_> = numbers.into_iter().map(message).collect();
        assert!(self.handle(&json!({ "Records": records }).to_string()).await.is_empty());
    }

    /// A pass of the sweeper, as far as it is about webhooks, and the messages that follow. Returns how many calls
    /// they take.
    async fn sweep(&self) -> usize {
        let Fakes { table, queue, clock, .. } = &self.fakes;
        let due = table.due(clock.now(), 100_000).await.unwrap();
        let (before, mut sends) = (table.calls(), 0);
        let mut overdue = Vec::new();
        for due in due {
            match due {
                Due::Webhook(owner) => parking::resume(&self.fakes.ports(), owner).await.unwrap(),
                Due::Delivery(key) => overdue.push(key),
                Due::Dataset(_) | Due::Outbox(_) => {}
            }
        }
        queue.send(&overdue, Duration::ZERO).await.unwrap();
        loop {
            let messages = queue.take();
            if messages.is_empty() {
                return table.calls() - before + sends;
            }
            sends += messages.len().div_ceil(MAX_MESSAGES);
            self.attempt(messages.iter().map(|(key, _)| key.delivery_id.order() - FIRST)).await;
        }
    }

    async fn delivery(&self) -> Delivery {
        self.nth(0).await
    }

    async fn nth(&self, number: u64) -> Delivery {
        self.fakes.table.delivery(&key(number)).await.unwrap().unwrap()
    }

    async fn receiver(&self) -> Webhook {
        self.fakes.table.webhook(workspace(1), webhook_id(21)).await.unwrap().unwrap()
    }
}

/// Under the id that the fixtures have.
async fn publish_and_relay(fakes: &Fakes, draft: &Dataset) {
    let contents = Contents { columns: vec!["q".into()], row_count: 1, ..Contents::default() };
    let published = uploads::publish(&fakes.ports(), draft, &contents).await.unwrap().unwrap();
    fakes.table.close_outbox_entry(&published.event.event_id).await.unwrap();
    let event = OutboxEntry { event_id: EventId::of_dataset(draft.id.get()), ..published.event };
    outbox::relay(&fakes.ports(), &event).await.unwrap();
}

fn key(number: u64) -> DeliveryKey {
    let delivery_id = DeliveryId::at(FIRST + number, webhook_id(21));
    DeliveryKey { workspace_id: workspace(1), webhook_id: webhook_id(21), delivery_id }
}

#[tokio::test]
async fn a_delivery_is_sent_once_however_often_its_message_comes() {
    let receiver = Receiver::start(&[]).await;
    let setting = Setting::with(&receiver.url, 1, Policy::private()).await;
    for _ in 0..3 {
        assert!(setting.handle(ONE).await.is_empty());
    }
    let received = receiver.received();
    assert_eq!(received.len(), 1);
    let delivery = setting.delivery().await;
    assert_eq!(received[0].body, delivery.body);
    assert_eq!(received[0].header("content-type"), "application/json");
    assert_eq!(received[0].header("webhook-id"), key(0).delivery_id.as_str());
    assert_eq!(received[0].header("webhook-timestamp"), start().as_second().to_string());
    assert!(received[0].header("webhook-signature").starts_with("v1,"));
    assert_eq!(received[0].header("x-promptlayer-signature").len(), 64);
    assert_eq!(delivery.state, DeliveryState::Delivered);
    assert_eq!(delivery.attempts.len(), 1);
    assert_eq!(delivery.attempts[0].status, Some(200));
    assert_eq!(delivery.attempts[0].response.as_deref(), Some("an answer"));
    assert!(setting.fakes.queue.take().is_empty());
}

#[tokio::test]
async fn what_failed_comes_again_by_the_schedule_and_under_the_same_id() {
    let receiver = Receiver::start(&[500; 10]).await;
    let setting = Setting::with(&receiver.url, 1, Policy::private()).await;
    for (attempt, wait) in RETRY_SCHEDULE.iter().enumerate() {
        setting.handle(ONE).await;
        let now = setting.fakes.clock.now();
        let DeliveryState::Pending { next_attempt_at, .. } = setting.delivery().await.state else { panic!("given up") };
        let delay = Duration::try_from(next_attempt_at.duration_since(now)).unwrap();
        assert!(delay >= *wait && delay <= wait.mul_f64(1.1), "after attempt {attempt}: {delay:?}");
        // The queue carries what it can hold back; the sweeper brings the rest.
        let queued = setting.fakes.queue.take();
        assert_eq!(queued.len(), usize::from(*wait <= Duration::from_secs(15 * 60)));
        setting.handle(ONE).await;
        assert_eq!(receiver.received().len(), attempt + 1, "not before it is due");
        setting.fakes.clock.advance(delay);
    }
    setting.handle(ONE).await;
    let delivery = setting.delivery().await;
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Failed, 10));
    let received = receiver.received();
    assert!(received.iter().all(|r| r.header("webhook-id") == received[0].header("webhook-id")));
    assert_ne!(received[0].header("webhook-signature"), received[9].header("webhook-signature"));
}

#[tokio::test]
async fn an_attempt_that_was_not_recorded_is_made_again_under_the_same_id() {
    let receiver = Receiver::start(&[]).await;
    let setting = Setting::with(&receiver.url, 1, Policy::private()).await;
    setting.fakes.table.lose_a_record();
    assert_eq!(setting.handle(ONE).await.len(), 1, "the message is not let go");
    assert!(setting.handle(ONE).await.is_empty());
    assert_eq!(receiver.received().len(), 1, "its time is not up");
    setting.fakes.clock.advance(Duration::from_secs(45));
    let due = setting.fakes.table.due(setting.fakes.clock.now(), 10).await.unwrap();
    assert_eq!(due, [Due::Delivery(key(0))], "the sweeper finds it");
    setting.handle(ONE).await;
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_eq!(setting.delivery().await.state, DeliveryState::Delivered);
}

#[tokio::test]
async fn nine_of_ten_are_sent_and_the_poison_is_named() {
    let receiver = Receiver::start(&[]).await;
    let setting = Setting::with(&receiver.url, 10, Policy::private()).await;
    assert_eq!(setting.handle(POISON).await, ["059f36b4-87a3-44ab-83d2-661970000004"]);
    assert_eq!(receiver.received().len(), 9);
}

#[tokio::test]
async fn redirects_and_faults_are_failures() {
    for (status, error) in [(302, "the receiver answered 302"), (404, "the receiver answered 404")] {
        let receiver = Receiver::start(&[status]).await;
        let setting = Setting::with(&receiver.url, 1, Policy::private()).await;
        setting.handle(ONE).await;
        let attempt = &setting.delivery().await.attempts[0];
        assert_eq!((attempt.status, attempt.error.as_deref()), (Some(status), Some(error)));
    }
    // Nothing listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let setting = Setting::with(&format!("http://127.0.0.1:{port}/secret-token"), 1, Policy::private()).await;
    assert!(setting.handle(ONE).await.is_empty());
    let attempt = &setting.delivery().await.attempts[0];
    let error = attempt.error.as_deref().unwrap();
    assert!(error.contains("refused") && !error.contains("secret-token"), "{error}");
}

#[tokio::test]
async fn a_name_is_looked_at_when_it_has_been_resolved() {
    let receiver = Receiver::start(&[]).await;
    // Any name may turn to this machine at any time; this one always does.
    let url = receiver.url.replace("127.0.0.1", "localhost");
    let error = client(&Policy::default(), Arc::new(SystemResolver)).unwrap().post(&url).send().await.unwrap_err();
    let mut causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    assert!(causes.any(|cause| cause.to_string() == "the host has no public address"), "{error:?}");
    assert!(
        client(&Policy::private(), Arc::new(SystemResolver))
            .unwrap()
            .post(&url)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn an_address_in_the_url_is_looked_at_before_each_attempt() {
    let receiver = Receiver::start(&[]).await;
    let setting = Setting::with(&receiver.url, 1, Policy::default()).await;
    setting.handle(ONE).await;
    assert!(receiver.received().is_empty());
    assert_eq!(setting.delivery().await.attempts.len(), 1);
}
