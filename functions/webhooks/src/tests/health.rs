//! What becomes of a receiver, by what it answers.

use super::{FIRST, Setting, publish_and_relay};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dataset_core::catalog::Catalog;
use dataset_core::clock::Clock;
use dataset_core::deliveries::Deliveries;
use dataset_core::delivery::{Delivery, DeliveryState};
use dataset_core::destination::Policy;
use dataset_core::event::EventType;
use dataset_core::secret::{Secret, Vault};
use dataset_core::webhook::{DisabledReason, Health, Webhook};
use dataset_core::webhooks::{Webhooks, change};
use dataset_tests::memory::Fakes;
use dataset_tests::receiver::Receiver;
use dataset_tests::{SECRET, webhook_id, workspace};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn changed(fakes: &Fakes, how: impl FnMut(&mut Webhook) -> bool) {
    change(fakes.table.as_ref(), workspace(1), webhook_id(21), how).await.unwrap().unwrap();
}

#[tokio::test]
async fn gone_disables_and_what_waits_is_given_up() {
    let receiver = Receiver::start(&[410]).await;
    let setting = Setting::with(&receiver.url, 2, Policy::private()).await;
    setting.attempt([0]).await;
    assert_eq!(setting.delivery().await.state, DeliveryState::Failed);
    let disabled = setting.receiver().await.disabled.unwrap();
    assert_eq!((disabled.reason, disabled.at), (DisabledReason::Gone, setting.fakes.clock.now()));

    setting.attempt([1]).await;
    assert_eq!(receiver.received().len(), 1);
    let waiting = setting.nth(1).await;
    assert_eq!(waiting.state, DeliveryState::Failed);
    assert_eq!(waiting.attempts[0].error.as_deref(), Some("the webhook is disabled"));
}

#[tokio::test]
async fn an_event_for_a_disabled_receiver_can_be_recovered() {
    let receiver = Receiver::start(&[]).await;
    let setting = Setting::with(&receiver.url, 0, Policy::private()).await;
    let (fakes, now) = (&setting.fakes, setting.fakes.clock.now());
    changed(fakes, |receiver| {
        receiver.disable(DisabledReason::Requested, now);
        true
    })
    .await;
    let group = dataset_tests::group(7, 1, "Questions");
    let draft = dataset_tests::draft(FIRST, &group, "a.csv");
    fakes.table.create_draft(&draft).await.unwrap();
    publish_and_relay(fakes, &draft).await;
    assert!(fakes.queue.take().is_empty());
    assert_eq!(setting.delivery().await.state, DeliveryState::Failed);

    changed(fakes, |receiver| {
        receiver.enable(now);
        true
    })
    .await;
    assert!(fakes.table.requeue(&super::key(0), now).await.unwrap());
    setting.attempt([0]).await;
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn one_that_is_deleted_gets_nothing() {
    let receiver = Receiver::start(&[]).await;
    let setting = Setting::with(&receiver.url, 1, Policy::private()).await;
    setting.fakes.table.remove(workspace(1), webhook_id(21)).await.unwrap();
    setting.attempt([0]).await;
    assert!(receiver.received().is_empty());
    assert_eq!(setting.delivery().await.state, DeliveryState::Failed);
}

#[tokio::test]
async fn five_days_of_nothing_but_failures_disable_and_a_success_forgets() {
    let receiver = Receiver::start(&[500; 40]).await;
    let setting = Setting::with(&receiver.url, 3, Policy::private()).await;
    // A delivery runs through its schedule, which takes three days.
    let exhaust = async |number| {
        while let DeliveryState::Pending { next_attempt_at, .. } = setting.nth(number).await.state {
            let wait = next_attempt_at.duration_since(setting.fakes.clock.now());
            setting.fakes.clock.advance(wait.try_into().unwrap_or_default());
            setting.attempt([number]).await;
        }
    };
    exhaust(0).await;
    assert_eq!(setting.nth(0).await.attempts.len(), 10);
    assert_eq!(setting.receiver().await.disabled, None);
    setting.fakes.clock.advance(DAY * 2);
    setting.attempt([1]).await;
    assert_eq!(setting.receiver().await.disabled.unwrap().reason, DisabledReason::Failing);
    exhaust(1).await;
    assert_eq!(setting.nth(1).await.attempts.len(), 2, "the second finds it disabled");

    let well = Receiver::start(&[500, 200, 500]).await;
    let setting = Setting::with(&well.url, 3, Policy::private()).await;
    for number in 0..3 {
        setting.attempt([number]).await;
        setting.fakes.clock.advance(DAY * 6);
        assert_eq!(setting.receiver().await.health.failing_since.is_none(), number == 1, "a success forgets");
    }
}

#[tokio::test]
async fn a_success_costs_the_receiver_no_write() {
    let receiver = Receiver::start(&[200, 500, 500]).await;
    let setting = Setting::with(&receiver.url, 3, Policy::private()).await;
    for (number, revision) in [(0, 0), (1, 1), (2, 1)] {
        setting.attempt([number]).await;
        assert_eq!(setting.receiver().await.revision, revision);
    }
}

#[tokio::test]
async fn both_secrets_sign_for_a_day() {
    let receiver = Receiver::start(&[]).await;
    let setting = Setting::with(&receiver.url, 2, Policy::private()).await;
    let (fakes, new) = (&setting.fakes, "whsec_bmV3IHNlY3JldA==");
    let sealed = fakes.vault.seal(&Secret::new(new.into()), setting.receiver().await.owner()).await.unwrap();
    let now = fakes.clock.now();
    changed(fakes, |receiver| receiver.secrets.rotate(sealed.clone(), now)).await;
    setting.attempt([0]).await;
    fakes.clock.advance(DAY);
    setting.attempt([1]).await;
    let received = receiver.received();
    // The library looks at its own clock, so it is only asked to sign.
    let signed = |secret: &str, at: usize| {
        let (id, timestamp) = (received[at].header("webhook-id"), received[at].header("webhook-timestamp"));
        let webhook = standardwebhooks::Webhook::new(secret).unwrap();
        webhook.sign(id, timestamp.parse().unwrap(), &received[at].body).unwrap()
    };
    let both = format!("{} {}", signed(new, 0), signed(SECRET, 0));
    assert_eq!(received[0].header("webhook-signature"), both);
    assert_eq!(received[1].header("webhook-signature"), signed(new, 1));
    assert_eq!(STANDARD.decode(&signed(new, 1)[3..]).unwrap().len(), 32);
}

#[tokio::test]
async fn a_test_is_tried_once() {
    let receiver = Receiver::start(&[500, 410]).await;
    let setting = Setting::with(&receiver.url, 0, Policy::private()).await;
    let now = setting.fakes.clock.now();
    let test = |number| Delivery {
        key: super::key(number),
        event_type: EventType::Test,
        body: "{}".into(),
        created_at: now,
        state: DeliveryState::fresh(now),
        attempts: vec![],
    };
    setting.fakes.table.create_deliveries(&[test(0), test(1)]).await.unwrap();
    setting.attempt([0]).await;
    assert_eq!(setting.delivery().await.state, DeliveryState::Failed);
    assert_eq!(setting.receiver().await.health, Health::default(), "it may not be there yet");
    setting.attempt([1]).await;
    assert_eq!(setting.receiver().await.disabled.unwrap().reason, DisabledReason::Gone, "it says so itself");
}
