//! How often a call may be made, and what it does the second time.

use super::*;
use dataset_core::idempotency::{CALL_LIFETIME, MEMORY};

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
        dataset_id: dataset_id(77),
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
