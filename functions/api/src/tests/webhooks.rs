//! Receivers and their deliveries, as their owner manages them.

use super::{assert_envelope, call, service};
use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dataset_core::clock::Clock;
use dataset_core::deliveries::Deliveries;
use dataset_core::delivery::{Attempt, Delivery, DeliveryKey, DeliveryState};
use dataset_core::event::EventType;
use dataset_core::id::DeliveryId;
use dataset_core::secret::Vault;
use dataset_core::webhook::{AttemptResult, DisabledReason, Outcome, Webhook};
use dataset_core::webhooks::{Webhooks, change};
use dataset_tests::memory::Fakes;
use dataset_tests::{webhook_id, workspace};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

const WEBHOOKS: &str = "/api/public/v2/webhooks";

fn slow(at: Timestamp) -> AttemptResult {
    AttemptResult { outcome: Outcome::FailedSlowly, at, slow_failures_before: 0 }
}

async fn registered(router: &Router) -> (u64, String) {
    let (status, answer) = call(router, "POST", WEBHOOKS, r#"{"url":"https://example.com/hook"}"#).await;
    assert_eq!(status, 201, "{answer}");
    (answer["id"].as_u64().unwrap(), answer["secret"].as_str().unwrap().to_owned())
}

async fn stored(fakes: &Fakes, id: u64) -> Webhook {
    fakes.table.webhook(workspace(1), webhook_id(id)).await.unwrap().unwrap()
}

/// The secrets that sign.
async fn secrets(fakes: &Fakes, id: u64) -> Vec<String> {
    let webhook = stored(fakes, id).await;
    let mut secrets = Vec::new();
    for sealed in webhook.secrets.live(fakes.clock.now()) {
        let secret = fakes.vault.open(sealed, webhook.owner()).await.unwrap();
        secrets.push(secret.reveal().to_owned());
    }
    secrets
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let (fakes, router) = service().await;
    let (id, secret) = registered(&router).await;
    assert_eq!(STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap().len(), 32);
    assert_eq!(secrets(&fakes, id).await, [secret]);
    for path in [WEBHOOKS.to_owned(), format!("{WEBHOOKS}/{id}")] {
        let (status, answer) = call(&router, "GET", &path, "").await;
        assert_eq!(status, 200);
        assert!(!answer.to_string().contains("whsec_"));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_url_is_said_and_nothing_stored() {
    let (fakes, router) = service().await;
    let (id, _) = registered(&router).await;
    for (body, code) in [
        (json!({"url": "http://example.com/"}), "invalid_url"),
        (json!({"url": "https://169.254.169.254/"}), "invalid_url"),
        (json!({"url": "https://database.inside/"}), "invalid_url"),
        (json!({"url": "https://example.com:22/"}), "invalid_url"),
        (json!({"url": format!("https://example.com/{}", "x".repeat(2048))}), "invalid_url"),
        (json!({"url": "https://example.com/", "event_types": ["nothing"]}), "invalid_request"),
        (json!({"url": "https://example.com/", "event_types": ["webhook_test"]}), "invalid_request"),
        (json!({"url": 1}), "invalid_request"),
    ] {
        for (method, path) in [("POST", WEBHOOKS.to_owned()), ("PATCH", format!("{WEBHOOKS}/{id}"))] {
            let (status, answer) = call(&router, method, &path, body.to_string()).await;
            assert_eq!(status, 400, "{method} {body}");
            assert_envelope(&answer, code);
        }
    }
    assert_eq!(fakes.table.webhooks(workspace(1)).await.unwrap().len(), 1);
    assert_eq!(stored(&fakes, id).await.revision, 0);
}

#[tokio::test]
async fn a_webhook_is_changed_rotated_and_deleted() {
    let (fakes, router) = service().await;
    let (id, first) = registered(&router).await;
    let path = format!("{WEBHOOKS}/{id}");
    let body = json!({"url": "https://example.org/", "event_types": ["dataset_version_created_by_file"]});
    let (status, answer) = call(&router, "PATCH", &path, body.to_string()).await;
    assert_eq!((status, &answer["webhook"]["url"]), (200, &body["url"]), "{answer}");
    assert_eq!(answer["webhook"]["event_types"], body["event_types"]);
    let (_, answer) = call(&router, "PATCH", &path, r#"{"disabled": true}"#).await;
    assert_eq!(
        (&answer["webhook"]["disabled"], &answer["webhook"]["disabled_reason"]),
        (&json!(true), &json!("requested"))
    );
    assert_eq!(answer["webhook"]["url"], body["url"], "what is not given stays");

    // One that was disabled for its failures starts anew.
    let now = fakes.clock.now();
    change(fakes.table.as_ref(), workspace(1), webhook_id(id), |webhook| {
        webhook.enable(now);
        webhook.record(slow(now));
        webhook.disable(DisabledReason::Failing, now);
        true
    })
    .await
    .unwrap();
    let (_, answer) = call(&router, "GET", &path, "").await;
    assert_eq!(answer["webhook"]["disabled_reason"], "failing");
    assert_eq!(answer["webhook"]["failing_since"], now.to_string());
    let (_, answer) = call(&router, "PATCH", &path, r#"{"disabled": false}"#).await;
    for field in ["disabled_reason", "disabled_at", "failing_since"] {
        assert_eq!(answer["webhook"][field], Value::Null, "{field}");
    }

    let (status, answer) = call(&router, "POST", &format!("{path}/rotate-secret"), "").await;
    let second = answer["secret"].as_str().unwrap().to_owned();
    assert_eq!((status, secrets(&fakes, id).await), (200, vec![second.clone(), first]));
    fakes.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(answer["previous_secret_expires_at"], fakes.clock.now().to_string());
    assert_eq!(secrets(&fakes, id).await, [second]);

    assert_eq!(call(&router, "DELETE", &path, "").await.0, 200);
    for (method, path) in [("GET", path.clone()), ("DELETE", path.clone()), ("POST", format!("{path}/test"))] {
        assert_envelope(&call(&router, method, &path, "").await.1, "webhook_not_found");
    }
}

#[tokio::test]
async fn another_workspaces_webhook_is_as_good_as_none() {
    let (fakes, router) = service().await;
    fakes.table.register(&dataset_tests::webhook(5, 2, "https://example.com/")).await.unwrap();
    for id in ["5", "6", "x", "0"] {
        for (method, rest, body) in [
            ("GET", "", ""),
            ("PATCH", "", "{}"),
            ("DELETE", "", ""),
            ("POST", "/rotate-secret", ""),
            ("POST", "/test", ""),
            ("GET", "/deliveries", ""),
            ("GET", "/deliveries/msg_1_5", ""),
            ("POST", "/deliveries/msg_1_5/redeliver", ""),
            ("POST", "/recover", r#"{"since": "2026-01-01T00:00:00Z"}"#),
        ] {
            let (status, answer) = call(&router, method, &format!("{WEBHOOKS}/{id}{rest}"), body).await;
            assert_eq!(status, 404, "{method} {id}{rest}");
            assert_envelope(&answer, "webhook_not_found");
        }
    }
}

/// Seven deliveries to a receiver, an hour apart: each third has failed.
async fn seven(fakes: &Fakes, id: u64) {
    for order in 1..=7 {
        let failed = order % 3 == 0;
        let key = DeliveryKey {
            workspace_id: workspace(1),
            webhook_id: webhook_id(id),
            // In the order of time, as identifiers of datasets are.
            delivery_id: DeliveryId::at(dataset_core::ids::first_at(fakes.clock.now()) + order, webhook_id(id)),
        };
        let attempt = Attempt {
            started_at: fakes.clock.now(),
            duration_ms: 7,
            status: Some(500),
            error: Some("the receiver answered 500".into()),
            location: None,
            response: Some("no".into()),
            response_is_cut: false,
        };
        let delivery = Delivery {
            key,
            event_type: EventType::VersionCreated,
            body: json!({ "order": order }).to_string(),
            created_at: fakes.clock.now(),
            state: if failed { DeliveryState::Failed } else { DeliveryState::fresh(fakes.clock.now()) },
            attempts: if failed { vec![attempt; 12] } else { vec![] },
        };
        fakes.table.create_deliveries(&[delivery]).await.unwrap();
        fakes.clock.advance(Duration::from_secs(3600));
    }
}

#[tokio::test]
async fn deliveries_are_listed_and_sent_again() {
    let (fakes, router) = service().await;
    let (id, _) = registered(&router).await;
    seven(&fakes, id).await;
    let path = format!("{WEBHOOKS}/{id}/deliveries");
    let orders = |answer: &Value| {
        let deliveries = answer["deliveries"].as_array().unwrap();
        deliveries.iter().map(|it| it["payload"]["order"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let (mut seen, mut query) = (Vec::new(), String::new());
    loop {
        let (status, page) = call(&router, "GET", &format!("{path}?per_page=3{query}"), "").await;
        assert_eq!(status, 200, "{page}");
        seen.extend(orders(&page));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("&before={next}");
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
    let (_, failed) = call(&router, "GET", &format!("{path}?state=failed"), "").await;
    assert_eq!((orders(&failed), &failed["next"]), (vec![6, 3], &Value::Null));
    let delivery = &failed["deliveries"][0];
    assert_eq!((&delivery["state"], &delivery["next_attempt_at"]), (&json!("failed"), &Value::Null));
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 10);
    let expected = json!({"started_at": delivery["created_at"], "outcome": "failed", "status": 500, "duration_ms": 7,
        "error": "the receiver answered 500", "location": null, "response": "no", "response_is_cut": false});
    assert_eq!(delivery["attempts"][9], expected);
    for query in ["?state=lost", "?before=7", "?per_page=0", "?per_page=101"] {
        assert_envelope(&call(&router, "GET", &format!("{path}{query}"), "").await.1, "invalid_parameter");
    }

    let one = format!("{path}/{}", delivery["id"].as_str().unwrap());
    let (_, answer) = call(&router, "GET", &one, "").await;
    assert_eq!(answer["delivery"]["attempts"].as_array().unwrap().len(), 12);
    let (status, answer) = call(&router, "POST", &format!("{one}/redeliver"), "").await;
    assert_eq!((status, &answer["delivery"]["state"]), (200, &json!("pending")));
    assert_eq!(answer["delivery"]["next_attempt_at"], fakes.clock.now().to_string());
    assert_eq!(fakes.queue.take().len(), 1);
    let (status, answer) = call(&router, "POST", &format!("{path}/msg_0000000000000009_1/redeliver"), "").await;
    assert_eq!(status, 404);
    assert_envelope(&answer, "delivery_not_found");
}

#[tokio::test]
async fn what_failed_since_a_time_is_recovered() {
    let (fakes, router) = service().await;
    let (id, _) = registered(&router).await;
    let started_at = fakes.clock.now();
    seven(&fakes, id).await;
    let path = format!("{WEBHOOKS}/{id}/recover");
    for since in ["", "yesterday", "2026-01-31"] {
        let (status, answer) = call(&router, "POST", &path, json!({ "since": since }).to_string()).await;
        assert_eq!(status, 400, "{since}");
        assert_envelope(&answer, "invalid_request");
    }
    // The third is two hours old by then, the sixth five.
    for (hours, recovered) in [(6, 0), (3, 1), (3, 0), (0, 1)] {
        let since = (started_at + Duration::from_secs(hours * 3600)).to_string();
        let (status, answer) = call(&router, "POST", &path, json!({ "since": since }).to_string()).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!((&answer["recovered"], &answer["complete"]), (&json!(recovered), &json!(true)), "{hours}");
        assert_eq!(fakes.queue.take().len(), recovered);
    }
}

#[tokio::test]
async fn a_test_event_wakes_a_receiver_that_rests() {
    let (fakes, router) = service().await;
    let (id, _) = registered(&router).await;
    let now = fakes.clock.now();
    let tire = |webhook: &mut Webhook| webhook.record(slow(now));
    change(fakes.table.as_ref(), workspace(1), webhook_id(id), tire).await.unwrap();
    assert!(stored(&fakes, id).await.health.open_until.is_some());
    let (status, answer) = call(&router, "POST", &format!("{WEBHOOKS}/{id}/test"), "").await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(stored(&fakes, id).await.health.open_until, None);
    let queued = fakes.queue.take();
    assert_eq!(queued[0].0.delivery_id.as_str(), answer["delivery_id"].as_str().unwrap());
    let delivery = fakes.table.delivery(&queued[0].0).await.unwrap().unwrap();
    assert_eq!(delivery.event_type, EventType::Test);

    call(&router, "PATCH", &format!("{WEBHOOKS}/{id}"), r#"{"disabled": true}"#).await;
    for (rest, body) in [("test", ""), ("recover", r#"{"since": "2026-01-01T00:00:00Z"}"#)] {
        let (status, answer) = call(&router, "POST", &format!("{WEBHOOKS}/{id}/{rest}"), body).await;
        assert_eq!(status, 409);
        assert_envelope(&answer, "webhook_disabled");
    }
}
