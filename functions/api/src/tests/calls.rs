//! How often a call may be made, and what it does the second time.

use super::*;
use dataset_core::clock::Clock;
use dataset_core::idempotency::{CALL_LIFETIME, MEMORY};
use dataset_core::webhooks::Webhooks;

const FROM_UPLOAD: &str = "/api/public/v2/dataset-versions/from-upload";

async fn keyed(router: &Router, path: &str, key: &str, body: &Value) -> (u16, Value) {
    answer(send(router, "POST", path, &[("Idempotency-Key", key)], body.to_string()).await).await
}

fn file(content: &str) -> Value {
    json!({"dataset_group_id": 7, "file_name": "a.csv", "file_content_base64": STANDARD.encode(content)})
}

async fn drafts(fakes: &Fakes) -> usize {
    fakes.table.list(Scope::Group(group_id(7)), None, 1_000).await.unwrap().len()
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_creates_nothing() {
    let (fakes, router) = service().await;
    let first = keyed(&router, FROM_FILE, "k", &file("a\n1\n")).await;
    assert_eq!(first.0, 201);
    fakes.clock.advance(MEMORY - Duration::from_secs(1));
    // The same body in another form is the same call.
    let again = r#"{ "file_name": "a.csv", "file_content_base64": "YQox\nCg==", "dataset_group_id": 7 }"#;
    let again = answer(send(&router, "POST", FROM_FILE, &[("idempotency-key", "k")], again).await).await;
    assert_eq!(again, first);
    for other in
        [file("a\n2\n"), json!({"dataset_group_id": 7, "file_name": "b.csv", "file_content_base64": "YQoxCg=="})]
    {
        let (status, answer) = keyed(&router, FROM_FILE, "k", &other).await;
        assert_eq!(status, 422);
        assert_envelope(&answer, "idempotency_key_reused");
    }
    assert_eq!((drafts(&fakes).await, fakes.blobs.objects().len()), (1, 1));
    fakes.clock.advance(Duration::from_secs(2));
    assert_ne!(keyed(&router, FROM_FILE, "k", &file("a\n2\n")).await.1, first.1, "a day later it is a new call");
    let too_long = "k".repeat(256);
    for key in ["", "with space", "ключ", &too_long] {
        let (status, answer) = keyed(&router, FROM_FILE, key, &file("a\n1\n")).await;
        assert_eq!(status, 400, "{key}");
        assert_envelope(&answer, "invalid_idempotency_key");
    }
}

#[tokio::test]
async fn a_call_that_failed_is_made_anew() {
    let (fakes, router) = service().await;
    fakes.blobs.set_down(true);
    assert_eq!(keyed(&router, FROM_FILE, "k", &file("a\n1\n")).await.0, 500);
    assert_eq!(drafts(&fakes).await, 0);
    fakes.blobs.set_down(false);
    assert_eq!(keyed(&router, FROM_FILE, "k", &file("a\n2\n")).await.0, 201, "even with another body");
    assert_eq!(drafts(&fakes).await, 1);
}

#[tokio::test]
async fn a_call_that_died_is_taken_up_by_the_next_one() {
    use dataset_core::idempotency::{Idempotency, IdempotencyKey, Reservation};
    let (fakes, router) = service().await;
    // What the first call had done: nothing but the reservation.
    let body = json!({"dataset_group_id": 7, "file_name": "a.csv", "file_size": 4});
    let fingerprint = crate::routes::idempotency::fingerprint(&[b"from-upload", b"7", b"a.csv", b"4", b""]);
    let reservation = Reservation {
        workspace_id: workspace(1),
        key: IdempotencyKey::parse("k").unwrap(),
        fingerprint,
        id: 77,
        now: start(),
    };
    fakes.table.reserve(&reservation).await.unwrap();
    let running = send(&router, "POST", FROM_UPLOAD, &[("idempotency-key", "k")], body.to_string()).await;
    assert_eq!(running.headers()["retry-after"], "2");
    let (status, answer) = answer(running).await;
    assert_eq!(status, 409);
    assert_envelope(&answer, "idempotency_in_progress");
    fakes.clock.advance(CALL_LIFETIME);
    let (status, answer) = keyed(&router, FROM_UPLOAD, "k", &body).await;
    assert_eq!(status, 201, "{answer}");
    assert_ne!(answer["dataset_id"], 77, "no one was told of it");
    assert_eq!(keyed(&router, FROM_UPLOAD, "k", &body).await.1, answer);
    assert_eq!(drafts(&fakes).await, 1);
}

#[tokio::test]
async fn calls_at_once_with_one_key_create_one_draft() {
    let (fakes, router) = service().await;
    let calls = (0..20).map(|_| {
        let router = router.clone();
        tokio::spawn(async move { keyed(&router, FROM_FILE, "k", &file("a\n1\n")).await })
    });
    let mut created = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            (201, answer) => created.push(answer),
            (status, answer) => assert_eq!((status, &answer["code"]), (409, &json!("idempotency_in_progress"))),
        }
    }
    assert!(!created.is_empty() && created.iter().all(|answer| *answer == created[0]));
    assert_eq!(drafts(&fakes).await, 1);
}

#[tokio::test]
async fn an_upload_is_signed_for_that_file_alone() {
    let (fakes, router) = service().await;
    let checksum = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let body = json!({"dataset_group_id": 7, "file_name": "a.csv", "file_size": 4, "checksum_sha256": checksum});
    let (status, answer) = call(&router, "POST", FROM_UPLOAD, body.to_string()).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["message"], "Dataset version awaits its file; send it to upload.url");
    let upload = &answer["upload"];
    assert_eq!(upload["method"], "PUT");
    assert!(upload["url"].as_str().unwrap().ends_with("length=4"), "{upload}");
    assert_eq!(upload["headers"]["content-type"], "text/csv");
    assert_eq!(upload["headers"]["x-amz-checksum-sha256"], checksum);
    assert_eq!(upload["expires_at"], "2023-12-01T23:05:57Z");
    let draft = fakes.table.dataset(dataset_id(answer["dataset_id"].as_u64().unwrap())).await.unwrap().unwrap();
    assert_eq!(draft.file_due_at, start() + Duration::from_secs(3600));

    for (field, value, code) in [
        ("file_size", json!(0), "empty_file"),
        ("file_size", json!(104_857_601), "file_too_large"),
        ("file_size", json!(-1), "invalid_request"),
        ("file_size", json!("4"), "invalid_request"),
        ("file_name", json!("a.txt"), "unsupported_file_type"),
        ("checksum_sha256", json!("YQ=="), "invalid_checksum"),
        ("checksum_sha256", json!("x".repeat(44)), "invalid_checksum"),
        ("dataset_group_id", json!(0), "invalid_request"),
    ] {
        let mut bad = body.clone();
        bad[field] = value;
        let (status, answer) = call(&router, "POST", FROM_UPLOAD, bad.to_string()).await;
        assert_eq!(status, 400, "{bad}: {answer}");
        assert_envelope(&answer, code);
    }
    assert_eq!(drafts(&fakes).await, 1);
}

#[tokio::test]
async fn a_key_that_calls_too_often_is_told_when_to_come_back() {
    let (fakes, router) = service().await;
    for _ in 0..LIMIT {
        assert_eq!(call(&router, "GET", "/api/public/v2/datasets", "").await.0, 200);
    }
    let response = send(&router, "GET", "/api/public/v2/datasets", &[], "").await;
    let wait: u64 = response.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    let (status, answer) = answer(response).await;
    assert_eq!(status, 429);
    assert_envelope(&answer, "too_many_requests");
    fakes.clock.advance(Duration::from_secs(wait));
    assert_eq!(call(&router, "GET", "/api/public/v2/datasets", "").await.0, 200);
}

const GROUPS: &str = "/api/public/v2/dataset-groups";
const WEBHOOKS: &str = "/api/public/v2/webhooks";

/// Sends it as the first call, as a repeat, and as one with another body.
async fn thrice(router: &Router, path: &str, key: &str, body: &Value, other: &Value) -> [Value; 2] {
    let first = keyed(router, path, key, body).await;
    let second = keyed(router, path, key, body).await;
    assert!((first.0, second.0) == (200, 200) || (first.0, second.0) == (201, 201), "{first:?} {second:?}");
    let (status, answer) = keyed(router, path, key, other).await;
    assert_eq!(status, 422, "{path}");
    assert_envelope(&answer, "idempotency_key_reused");
    [first.1, second.1]
}

#[tokio::test]
async fn every_post_is_carried_out_once() {
    let (fakes, router) = service().await;
    let [first, second] = thrice(&router, GROUPS, "g", &json!({"name": "A"}), &json!({"name": "B"})).await;
    assert_eq!(first, second);
    let (status, answer) = keyed(&router, GROUPS, "h", &json!({"name": "A"})).await;
    assert_eq!((status, &answer["code"]), (400, &json!("name_taken")));
    assert_eq!(keyed(&router, GROUPS, "h", &json!({"name": "C"})).await.0, 201, "a refused call has no answer");

    let mine = format!("whsec_{}", STANDARD.encode([1; 32]));
    let body = json!({"url": "https://example.com/", "secret": mine});
    let other = json!({"url": "https://example.com/"});
    let [mut first, second] = thrice(&router, WEBHOOKS, "w", &body, &other).await;
    assert_eq!(first["secret"], mine);
    first.as_object_mut().unwrap().remove("secret");
    assert_eq!(first, second, "a repeat is told no secret");
    assert_eq!(fakes.table.webhooks(workspace(1)).await.unwrap().len(), 1);
    let (_, twin) = call(&router, "POST", WEBHOOKS, other.to_string()).await;
    assert_eq!((&twin["same_url_as"], &first["same_url_as"]), (&first["id"], &Value::Null));

    let webhook = format!("{WEBHOOKS}/{}", first["id"]);
    let rotate = format!("{webhook}/rotate-secret");
    let [mut first, second] = thrice(&router, &rotate, "r", &json!({}), &json!({"secret": mine})).await;
    assert!(first.as_object_mut().unwrap().remove("secret").is_some_and(|secret| secret != json!(mine)));
    assert_eq!(first, second);

    for (key, path) in [("t", "/test"), ("u", "/test")] {
        let path = format!("{webhook}{path}");
        let first = keyed(&router, &path, key, &json!({})).await;
        assert_eq!(keyed(&router, &path, key, &json!({})).await, first);
        assert_eq!(fakes.queue.take().len(), 1, "one test for each key");
        let delivery = format!("{webhook}/deliveries/{}/redeliver", first.1["delivery_id"].as_str().unwrap());
        let key = format!("{key} again").replace(' ', "-");
        for sent in [1, 0] {
            assert_eq!(keyed(&router, &delivery, &key, &json!({})).await.0, 200);
            assert_eq!(fakes.queue.take().len(), sent);
        }
    }
    let recover = json!({"since": "2026-01-01T00:00:00Z"});
    let path = format!("{webhook}/recover");
    let [first, second] = thrice(&router, &path, "v", &recover, &json!({"since": "2025-01-01T00:00:00Z"})).await;
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_post_that_died_is_taken_up_by_the_next_one() {
    let (fakes, router) = service().await;
    let secret = format!("whsec_{}", STANDARD.encode([1; 32]));
    let register = json!({"url": "https://example.com/", "secret": secret});
    for (path, body) in [(GROUPS, json!({"name": "A"})), (WEBHOOKS, register)] {
        fakes.table.lose_completion();
        let (status, answer) = keyed(&router, path, "k", &body).await;
        assert_eq!(status, 500, "{answer}");
        let (status, answer) = keyed(&router, path, "k", &body).await;
        assert_eq!((status, &answer["code"]), (409, &json!("idempotency_in_progress")));
        fakes.clock.advance(CALL_LIFETIME);
        let (status, answer) = keyed(&router, path, "k", &body).await;
        assert_eq!(status, 201, "{answer}");
        assert!(path == GROUPS || answer["secret"] == secret);
        fakes.clock.advance(MEMORY);
    }
    let rotate = format!("{WEBHOOKS}/{}/rotate-secret", fakes.table.webhooks(workspace(1)).await.unwrap()[0].id);
    fakes.table.lose_completion();
    assert_eq!(keyed(&router, &rotate, "r", &json!({})).await.0, 500);
    fakes.clock.advance(CALL_LIFETIME);
    let (status, answer) = keyed(&router, &rotate, "r", &json!({})).await;
    assert_eq!((status, &answer["secret"]), (200, &Value::Null), "it was rotated, and no one knows to what");
    let webhook = &fakes.table.webhooks(workspace(1)).await.unwrap()[0];
    assert_eq!(webhook.secrets.live(fakes.clock.now()).count(), 2, "once");
}

#[tokio::test]
async fn bodies_that_a_call_does_not_take() {
    let (_, router) = service().await;
    let (_, answer) = call(&router, "POST", WEBHOOKS, r#"{"url": "https://example.com/"}"#).await;
    let path = format!("{WEBHOOKS}/{}", answer["id"]);
    for (method, rest) in [("POST", "/test"), ("POST", "/rotate-secret"), ("DELETE", "")] {
        let (status, answer) = call(&router, method, &format!("{path}{rest}"), r#"{"foo": 1}"#).await;
        assert_eq!(status, 400, "{method} {rest}");
        assert_envelope(&answer, "invalid_request");
    }
    assert_eq!(call(&router, "POST", &format!("{path}/test"), "{}").await.0, 201);
}
