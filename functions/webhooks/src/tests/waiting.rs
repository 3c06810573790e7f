//! Deliveries that wait for a receiver that does not answer.

use super::{Setting, key};
use crate::{Answer, Sender, Transport};
use async_trait::async_trait;
use dataset_core::clock::Clock;
use dataset_core::deliveries::Deliveries;
use dataset_core::delivery::{Delivery, DeliveryState};
use dataset_core::destination::Policy;
use dataset_core::event::EventType;
use dataset_core::webhook::{Circuit, DisabledReason};
use dataset_tests::memory::ManualClock;
use http::Request;
use jiff::Timestamp;
use reqwest::StatusCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// A receiver that takes all the time of each attempt, until it is back.
struct Hanging {
    clock: Arc<ManualClock>,
    is_back: AtomicBool,
    attempts: AtomicUsize,
}

#[async_trait]
impl Transport for Hanging {
    async fn send(&self, _: Request<String>, _: Timestamp) -> Answer {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        if self.is_back.load(Ordering::Relaxed) {
            return Answer::of_status(StatusCode::OK);
        }
        self.clock.advance(Duration::from_secs(15));
        Answer { timed_out: true, ..Answer::failed("no complete answer within 15 s") }
    }
}

struct Waiting {
    setting: Setting,
    receiver: Arc<Hanging>,
    count: u64,
}

impl Waiting {
    /// So many deliveries to a receiver that hangs.
    async fn start(count: u64) -> Self {
        let mut setting = Setting::with("http://127.0.0.1/", 0, Policy::private()).await;
        let (fakes, now) = (&setting.fakes, setting.fakes.clock.now());
        let receiver =
            Hanging { clock: fakes.clock.clone(), is_back: AtomicBool::default(), attempts: AtomicUsize::default() };
        let receiver = Arc::new(receiver);
        setting.webhooks =
            Sender::with_transport(fakes.ports(), fakes.vault.clone(), Policy::private(), receiver.clone());
        let deliveries: Vec<Delivery> = (0..count)
            .map(|number| Delivery {
                key: key(number),
                event_type: EventType::VersionCreated,
                body: "{}".into(),
                created_at: now,
                state: DeliveryState::fresh(now),
                attempts: vec![],
            })
            .collect();
        fakes.table.create_deliveries(&deliveries).await.unwrap();
        setting.attempt(0..count).await;
        assert_eq!(receiver.attempts.load(Ordering::Relaxed), 1);
        Self { setting, receiver, count }
    }

    /// Returns the calls of the sweeper's pass after a minute.
    async fn minute(&self) -> usize {
        self.setting.fakes.clock.advance(MINUTE);
        self.setting.sweep().await
    }

    async fn all_are(&self, state: DeliveryState) -> bool {
        for number in 0..self.count {
            if self.setting.nth(number).await.state != state {
                return false;
            }
        }
        true
    }
}

#[tokio::test]
async fn ten_thousand_that_wait_for_an_hour_cost_next_to_nothing() {
    let waiting = Waiting::start(10_000).await;
    let mut calls = 0;
    for _ in 0..60 {
        calls += waiting.minute().await;
    }
    assert!(calls < 100, "{calls} calls");
    assert!(waiting.receiver.attempts.load(Ordering::Relaxed) > 5, "it is looked for again and again");
    let DeliveryState::Pending { failed, .. } = waiting.setting.nth(5_000).await.state else { panic!("it has ended") };
    assert_eq!(failed, 0);

    waiting.receiver.is_back.store(true, Ordering::Relaxed);
    for _ in 0..20 {
        waiting.minute().await;
    }
    assert!(waiting.all_are(DeliveryState::Delivered).await);
    let receiver = waiting.setting.receiver().await;
    assert_eq!((receiver.circuit(waiting.setting.fakes.clock.now()), receiver.due_at()), (Circuit::Closed, None));
}

#[tokio::test]
async fn five_days_of_hanging_disable_and_what_waits_fails() {
    let waiting = Waiting::start(100).await;
    for _ in 0..5 * 24 * 60 + 60 {
        waiting.minute().await;
    }
    assert_eq!(waiting.setting.receiver().await.disabled.unwrap().reason, DisabledReason::Failing);
    assert!(waiting.all_are(DeliveryState::Failed).await);
    let last = waiting.setting.nth(99).await;
    assert_eq!(last.attempts.last().unwrap().error.as_deref(), Some("the webhook is disabled"));
    assert_eq!(waiting.setting.receiver().await.due_at(), None, "nothing is left to do");
}
