//! Names of versions, which are moved.

use super::versions::publish;
use super::*;
use dataset_core::event::{EventFilter, EventType};
use dataset_core::webhooks::Webhooks;
use dataset_tests::webhook_at;

const LABELS: &str = "/api/public/v2/dataset-groups/7/labels";

async fn with_versions(number: u64) -> (Fakes, Router) {
    let (fakes, router) = service().await;
    for id in 1..=number {
        publish(&fakes, id, &group(7, 1, "Questions"), &format!("a\n{id}\n")).await;
    }
    fakes.queue.take();
    (fakes, router)
}

async fn put(router: &Router, name: &str, body: Value) -> (u16, Value) {
    call(router, "PUT", &format!("{LABELS}/{name}"), body.to_string()).await
}

#[tokio::test]
async fn a_label_is_put_moved_followed_and_taken_away() {
    let (_, router) = with_versions(3).await;
    let (status, answer) = put(&router, "prod", json!({ "version": 1 })).await;
    assert_eq!(
        (status, &answer["label"]["version_number"], &answer["label"]["dataset_id"]),
        (200, &json!(1), &json!(1))
    );
    assert_eq!(put(&router, "prod", json!({ "version": 1 })).await.1["message"], "Label is there already");
    for (expected, status) in [(json!(2), 409), (json!(null), 409), (json!(1), 200)] {
        let (got, answer) = put(&router, "prod", json!({ "version": 2, "expected": expected })).await;
        assert_eq!(got, status, "{answer}");
    }
    let (_, read) = call(&router, "GET", &format!("{LABELS}/prod"), "").await;
    let moves: Vec<_> = read["label"]["moves"].as_array().unwrap().iter().map(|m| &m["version_number"]).collect();
    assert_eq!((moves, &read["label"]["moves"][0]["user_id"]), (vec![&json!(2), &json!(1)], &json!(3)));
    put(&router, "dev", json!({ "version": 3, "expected": null })).await;
    let (_, list) = call(&router, "GET", LABELS, "").await;
    let names: Vec<_> = list["labels"].as_array().unwrap().iter().map(|label| &label["name"]).collect();
    assert_eq!(names, ["dev", "prod"]);

    let versions = "/api/public/v2/dataset-groups/7/versions";
    assert_eq!(call(&router, "GET", &format!("{versions}/prod"), "").await.1["dataset"]["version_number"], 2);
    assert_eq!(call(&router, "GET", &format!("{versions}/prod"), "").await.1["dataset"]["labels"], json!(["prod"]));
    let (status, diff) = call(&router, "GET", &format!("{versions}/dev/diff?against=@prod"), "").await;
    assert_eq!((status, &diff["against_dataset_id"]), (200, &json!(2)));

    assert_eq!(call(&router, "DELETE", &format!("{LABELS}/prod"), "").await.0, 200);
    for path in [format!("{LABELS}/prod"), format!("{versions}/prod"), format!("{LABELS}/Prod")] {
        assert_eq!(call(&router, "GET", &path, "").await.0, 404, "{path}");
    }
    let (status, answer) = call(&router, "DELETE", &format!("{LABELS}/prod"), "").await;
    assert_eq!(status, 404);
    assert_envelope(&answer, "label_not_found");
    for (name, body, status) in [
        ("latest", json!({ "version": 1 }), 400),
        ("1st", json!({ "version": 1 }), 400),
        ("prod", json!({ "version": 9 }), 404),
        ("prod", json!({ "version": -1 }), 400),
        ("prod", json!({ "number": 1 }), 400),
    ] {
        assert_eq!(put(&router, name, body).await.0, status, "{name}");
    }
}

#[tokio::test]
async fn a_version_with_a_label_is_not_deleted_without_a_word() {
    let (_, router) = with_versions(2).await;
    put(&router, "prod", json!({ "version": 1 })).await;
    let (status, answer) = call(&router, "DELETE", "/api/public/v2/datasets/1", "").await;
    assert_eq!(status, 409);
    assert_envelope(&answer, "dataset_labelled");
    let (status, answer) = call(&router, "DELETE", "/api/public/v2/datasets/1?unlabel=true", "").await;
    assert_eq!(
        (status, &answer["dataset"]["is_deleted"], &answer["dataset"]["labels"]),
        (200, &json!(true), &json!([]))
    );
    assert_eq!(call(&router, "GET", &format!("{LABELS}/prod"), "").await.0, 404);
    let (status, answer) = put(&router, "prod", json!({ "version": 1 })).await;
    assert_eq!(status, 409);
    assert_envelope(&answer, "dataset_deleted");
}

#[tokio::test]
async fn of_those_who_promote_at_once_one_does() {
    let (_, router) = with_versions(4).await;
    put(&router, "prod", json!({ "version": 1 })).await;
    let promotions = (2..=4).map(|version| put(&router, "prod", json!({ "version": version, "expected": 1 })));
    let answers = futures::future::join_all(promotions).await;
    let mut statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
}

#[tokio::test]
async fn a_move_is_told_to_those_who_ask_for_it() {
    let (fakes, router) = with_versions(2).await;
    let with = |id: u64, event_types: Vec<EventFilter>| {
        let url = format!("https://example.com/{id}");
        dataset_core::webhook::Webhook { event_types, ..dataset_tests::webhook(id, 1, &url) }
    };
    for webhook in [
        webhook_at("https://example.com/"),
        with(31, vec![EventFilter::Every]),
        with(32, vec![EventFilter::Type(EventType::LabelMoved)]),
        with(33, vec![EventFilter::Type(EventType::VersionFailed)]),
    ] {
        fakes.table.register(&webhook).await.unwrap();
    }
    put(&router, "prod", json!({ "version": 1 })).await;
    put(&router, "prod", json!({ "version": 2 })).await;
    call(&router, "DELETE", &format!("{LABELS}/prod"), "").await;
    let mut told = Vec::new();
    for (key, _) in fakes.queue.take() {
        use dataset_core::deliveries::Deliveries;
        let delivery = fakes.table.delivery(&key).await.unwrap().unwrap();
        let body: Value = serde_json::from_str(&delivery.body).unwrap();
        assert_eq!(body["event_type"], "dataset_label_moved");
        told.push((key.webhook_id.get(), body["details"].clone()));
    }
    let of = |to: Option<u64>, from: Option<u64>| json!({ "dataset_group_id": 7, "dataset_id": to, "dataset_version_number": to, "label": "prod", "previous_version_number": from });
    let details = [of(Some(1), None), of(Some(2), Some(1)), of(None, Some(2))];
    for id in [31, 32] {
        let of_one: Vec<&Value> = told.iter().filter(|(to, _)| *to == id).map(|(_, details)| details).collect();
        assert_eq!(of_one, details.iter().collect::<Vec<_>>());
    }
    assert_eq!(told.len(), 6, "no one else is told");
}
