mod annotations;
mod calls;
mod console;
mod dialects;
mod labels;
mod schemas;
mod versions;
mod webhooks;

use crate::{Api, SCAN_TIME, router};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dataset_core::api_key::{ApiKey, Grant};
use dataset_core::api_keys::ApiKeys;
use dataset_core::blobs::Object;
use dataset_core::catalog::{Catalog, Scope};
use dataset_core::dataset::{Contents, State, upload_expired};
use dataset_core::destination::Policy;
use dataset_core::id::{KeyId, UserId};
use dataset_core::resolver::Resolver;
use dataset_core::uploads;
use dataset_tests::memory::Fakes;
use dataset_tests::{dataset_id, draft, group, group_id, start, workspace};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

const KEY: &str = "pl_example_key_0123456789";
/// Calls in a window.
const LIMIT: u32 = 50;
const FROM_FILE: &str = "/api/public/v2/dataset-versions/from-file";

async fn service() -> (Fakes, Router) {
    service_with(SCAN_TIME).await
}

async fn service_with(scan_time: Duration) -> (Fakes, Router) {
    let fakes = Fakes::default();
    let grant = Grant {
        id: KeyId::new(9).unwrap(),
        workspace_id: workspace(1),
        user_id: UserId::new(3).unwrap(),
        created_at: start(),
    };
    fakes.table.allow(&ApiKey::parse(KEY).unwrap().hash(), &grant).await.unwrap();
    fakes.table.create_group(&group(7, 1, "Questions")).await.unwrap();
    fakes.table.create_group(&group(8, 2, "Theirs")).await.unwrap();
    let api = Api {
        api_keys: fakes.table.clone(),
        ports: fakes.ports(),
        vault: fakes.vault.clone(),
        resolver: Arc::new(Names),
        destinations: Policy::default(),
        scan_time,
        call_limit: NonZero::new(LIMIT),
    };
    (fakes, router(Arc::new(api)))
}

/// Every name is public but those that end in `.inside`.
struct Names;

#[async_trait::async_trait]
impl Resolver for Names {
    async fn addresses(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![if host.ends_with(".inside") { [10, 0, 0, 1].into() } else { [8, 8, 8, 8].into() }])
    }
}

async fn answer(response: Response<Body>) -> (u16, Value) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json", "{status}");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// The answer to an event of API Gateway.
async fn invoke(router: &Router, event: &str) -> (u16, Value) {
    let request = lambda_http::request::from_str(event).unwrap();
    answer(router.clone().oneshot(crate::gateway::request(request)).await.unwrap()).await
}

async fn call(router: &Router, method: &str, path: &str, body: impl Into<Body>) -> (u16, Value) {
    answer(send(router, method, path, &[], body).await).await
}

async fn send(
    router: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path).header("X-Api-Key", KEY);
    request = request.header("content-type", "application/json; charset=utf-8");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap()
}

fn assert_envelope(answer: &Value, code: &str) {
    let fields: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["code", "error", "success"], "{answer}");
    assert_eq!((&answer["success"], &answer["code"]), (&json!(false), &json!(code)));
    assert!(answer["error"].as_str().unwrap().len() > 10, "{answer}");
}

macro_rules! event {
    ($name:literal) => {
        include_str!(concat!("../../../events/", $name, ".json"))
    };
}

#[tokio::test]
async fn a_file_in_a_draft_out() {
    for (event, file) in [
        (event!("api-from-file-csv"), "question,expected_answer\nWhat is PromptLayer?,A prompt management platform"),
        (
            event!("api-from-file-body-encoded"),
            "question,expected_answer\nWhat is PromptLayer?,A prompt management platform",
        ),
        (
            event!("api-from-file-json"),
            r#"[{"question":"What is PromptLayer?","expected_answer":"A prompt management platform"}]"#,
        ),
    ] {
        let (fakes, router) = service().await;
        let (status, answer) = invoke(&router, event).await;
        assert_eq!(status, 201, "{answer}");
        let id = answer["dataset_id"].as_u64().unwrap();
        assert_eq!(
            answer,
            json!({"success": true, "message": "Dataset version creation job queued", "dataset_id": id})
        );

        assert_eq!(fakes.blobs.objects(), [Object::Upload(dataset_id(id))]);
        let draft = fakes.table.dataset(dataset_id(id)).await.unwrap().unwrap();
        assert!(matches!(draft.state, State::Draft { .. }));
        assert_eq!((draft.file_size_bytes, draft.user_id.get()), (file.len() as u64, 3));

        let (status, answer) = call(&router, "GET", &format!("/api/public/v2/datasets/{id}"), "").await;
        assert_eq!(status, 200);
        assert_eq!(answer["dataset"]["version_number"], -1);
        assert_eq!(answer["dataset"]["status"], "draft");
        let (status, answer) = call(&router, "GET", &format!("/api/public/v2/datasets/{id}/rows"), "").await;
        assert_eq!(status, 409);
        assert_envelope(&answer, "dataset_not_ready");
    }
}

#[tokio::test]
async fn every_event_that_is_refused() {
    for (event, status, code) in [
        (event!("api-from-file-bad-base64"), 400, "invalid_base64"),
        (event!("api-from-file-wrong-name"), 400, "unsupported_file_type"),
        (event!("api-from-file-not-json"), 400, "invalid_json"),
        (event!("api-from-file-form"), 415, "unsupported_media_type"),
        (event!("api-from-file-no-key"), 401, "invalid_api_key"),
        (event!("api-from-file-unknown-group"), 404, "dataset_group_not_found"),
        (event!("api-from-file-foreign-group"), 403, "access_denied"),
        (event!("api-unknown-route"), 404, "route_not_found"),
        (event!("api-wrong-method"), 405, "method_not_allowed"),
    ] {
        let (fakes, router) = service().await;
        let (got, answer) = invoke(&router, event).await;
        assert_eq!(got, status, "{answer}");
        assert_envelope(&answer, code);
        assert!(fakes.blobs.objects().is_empty());
        assert!(fakes.table.list(Scope::Workspace(workspace(1)), None, 1_000).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn events_of_the_other_routes() {
    let (_, router) = service().await;
    let (status, answer) = invoke(&router, event!("api-healthz")).await;
    assert_eq!((status, answer), (200, json!({"status": "ok"})));
    let (status, answer) = invoke(&router, event!("api-create-group")).await;
    assert_eq!(status, 400, "the name is taken");
    assert_envelope(&answer, "name_taken");
    let (status, answer) = invoke(&router, event!("api-list-datasets")).await;
    assert_eq!((status, &answer["total"]), (200, &json!(0)));
    let (status, answer) = invoke(&router, event!("api-register-webhook")).await;
    assert_eq!(status, 201);
    assert!(answer["secret"].as_str().unwrap().starts_with("whsec_"));
}

#[tokio::test]
async fn bodies_that_break_a_rule() {
    let good = json!({"dataset_group_id": 7, "file_name": "a.csv", "file_content_base64": "YQ=="});
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    let without = |field: &str| {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(field);
        body.to_string()
    };
    let nested = format!(r#"{{"x":{}{}}}"#, "[".repeat(128), "]".repeat(128));
    for (body, code) in [
        (String::new(), "invalid_json"),
        ("[]".into(), "invalid_request"),
        (r#" [7, "a.csv", "YQ=="]"#.into(), "invalid_request"),
        (nested, "invalid_request"),
        (without("dataset_group_id"), "invalid_request"),
        (without("file_name"), "invalid_request"),
        (without("file_content_base64"), "invalid_request"),
        (with("dataset_group_id", json!(0)), "invalid_request"),
        (with("dataset_group_id", json!(-1)), "invalid_request"),
        (with("dataset_group_id", json!(1.5)), "invalid_request"),
        (with("dataset_group_id", json!("1")), "invalid_request"),
        (with("dataset_group_id", json!(1u64 << 63)), "invalid_request"),
        (with("file_content_base64", json!(null)), "invalid_request"),
        (with("file_content_base64", json!(7)), "invalid_request"),
        (with("file_content_base64", json!("")), "empty_file"),
        (with("file_content_base64", json!("\n")), "empty_file"),
        (with("file_content_base64", json!("YQ")), "invalid_base64"),
        ("{\"dataset_group_id\":7,\"file_name\":\"a\n.csv\",\"file_content_base64\":\"YQ==\"}".into(), "invalid_json"),
        (
            "{\"dataset_group_id\":7,\"file_name\":\"a\n.csv\",\"file_content_base64\":\"YQ\n==\"}".into(),
            "invalid_json",
        ),
        (with("file_name", json!("")), "invalid_file_name"),
        (with("file_name", json!(7)), "invalid_request"),
        (
            r#"{"dataset_group_id":7,"file_name":"a.csv","file_name":"b.csv","file_content_base64":"YQ=="}"#.into(),
            "invalid_request",
        ),
    ] {
        let (fakes, router) = service().await;
        let (status, answer) = call(&router, "POST", FROM_FILE, body.clone()).await;
        assert_eq!(status, 400, "{body}: {answer}");
        assert_envelope(&answer, code);
        assert!(fakes.blobs.objects().is_empty(), "{body}");
    }
}

#[tokio::test]
async fn unknown_fields_escapes_and_any_case_are_taken() {
    for body in [
        r#"{"dataset_group_id":7,"file_name":"A.CSV","file_content_base64":"YQ==","unknown":{"x":[1]}}"#,
        r#"{"dataset_group_id":7,"file_name":"\u0061.csv","file_content_base64":"YQ=\u003d\r\n"}"#,
        r#"{"file_content_base64":"Pz8\/","dataset_group_id":7.0,"file_name":"\u00e9.json"}"#,
        "{\"dataset_group_id\": 7, \"file_name\": \"a.csv\",\n\"file_content_base64\": \"YQoxCjIK\r\nMwo=\n\"}\n",
    ] {
        let (_, router) = service().await;
        let (status, answer) = call(&router, "POST", FROM_FILE, body).await;
        assert_eq!(status, 201, "{body}: {answer}");
    }
}

#[tokio::test]
async fn one_answer_for_every_key_that_does_not_let_in() {
    let (_, router) = service().await;
    let mut answers = Vec::new();
    for key in [None, Some(""), Some("short"), Some("an-unknown-but-well-formed-key"), Some("a key with spaces in it")]
    {
        let mut request = Request::builder().uri("/api/public/v2/datasets");
        if let Some(key) = key {
            request = request.header("X-API-KEY", key);
        }
        answers.push(answer(router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await);
    }
    assert_eq!(answers[0].0, 401);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_stored_leaves_nothing() {
    let (fakes, router) = service().await;
    fakes.blobs.set_down(true);
    let (status, answer) = invoke(&router, event!("api-from-file-csv")).await;
    assert_eq!(status, 500);
    assert_envelope(&answer, "internal_error");
    assert!(fakes.table.list(Scope::Group(group_id(7)), None, 1_000).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_failure_is_readable_for_thirty_days() {
    let (fakes, router) = service().await;
    let draft = draft(1, &group(7, 1, "Questions"), "a.csv");
    fakes.table.create_draft(&draft).await.unwrap();
    uploads::fail(&fakes.ports(), &draft, upload_expired()).await.unwrap();
    for (days, status) in [(0, 200), (29, 200), (2, 404)] {
        fakes.clock.advance(Duration::from_secs(days * 24 * 3600));
        assert_eq!(call(&router, "GET", "/api/public/v2/datasets/1", "").await.0, status);
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_in_the_envelope() {
    let router: Router = Router::new()
        .route("/", axum::routing::get(|| async { panic!("a secret") as () }))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(crate::error::panicked));
    let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    let (status, answer) = answer(response).await;
    assert_eq!(status, 500);
    assert_envelope(&answer, "internal_error");
    assert!(!answer.to_string().contains("a secret"));
}

#[tokio::test]
async fn groups_are_created_and_listed() {
    let (_, router) = service().await;
    let (status, answer) = call(&router, "POST", "/api/public/v2/dataset-groups", r#"{"name":"Answers"}"#).await;
    assert_eq!(status, 201, "{answer}");
    let (group, dataset) = (answer["dataset_group"]["id"].clone(), answer["dataset"]["id"].clone());
    let expected = json!({
        "success": true,
        "message": "Dataset group created successfully",
        "dataset_group": {"id": group, "name": "Answers"},
        "dataset": {"id": dataset, "version_number": -1},
        "external_ids": [],
    });
    assert_eq!(answer, expected);
    let upload = json!({"dataset_group_id": group, "file_name": "a.csv", "file_content_base64": "YQ=="});
    assert_eq!(call(&router, "POST", FROM_FILE, upload.to_string()).await.0, 201);

    let (_, read) = call(&router, "GET", &format!("/api/public/v2/dataset-groups/{group}"), "").await;
    assert_eq!(
        (&read["dataset_group"]["name"], &read["dataset_group"]["latest_version_number"]),
        (&json!("Answers"), &json!(0))
    );
    assert_eq!(call(&router, "GET", "/api/public/v2/dataset-groups/9", "").await.0, 404);
    let (_, listed) = call(&router, "GET", "/api/public/v2/dataset-groups?per_page=1&page=2", "").await;
    assert_eq!(listed["dataset_groups"][0]["name"], "Questions");
    assert_eq!((&listed["total"], &listed["pages"]), (&json!(2), &json!(2)));
    for (body, status, code) in [
        (json!({"name": "Answers"}), 400, "name_taken"),
        (json!({"name": " "}), 400, "invalid_name"),
        (json!({}), 400, "invalid_request"),
        (json!({"name": "x", "workspace_id": 2}), 403, "access_denied"),
    ] {
        let (got, answer) = call(&router, "POST", "/api/public/v2/dataset-groups", body.to_string()).await;
        assert_eq!(got, status, "{body}");
        assert_envelope(&answer, code);
    }
}

#[tokio::test]
async fn datasets_are_listed_newest_first_and_by_what_is_asked() {
    let (fakes, router) = service().await;
    let ports = fakes.ports();
    let group = group(7, 1, "Questions");
    for id in 1..=5 {
        let draft = draft(id, &group, "a.csv");
        fakes.table.create_draft(&draft).await.unwrap();
        let contents = Contents { columns: vec!["a".into()], row_count: id, ..Contents::default() };
        match id {
            1..=3 => drop(uploads::publish(&ports, &draft, &contents).await.unwrap()),
            4 => drop(uploads::fail(&ports, &draft, upload_expired()).await.unwrap()),
            _ => {}
        }
    }
    for (query, ids) in [
        ("", vec![5, 3, 2, 1]),
        ("?per_page=2&page=2", vec![2, 1]),
        ("?page=9", vec![]),
        ("?status=ready", vec![3, 2, 1]),
        ("?status=failed", vec![4]),
        ("?dataset_group_id=7&status=draft", vec![5]),
        ("?name=QUEST", vec![5, 3, 2, 1]),
        ("?name=nothing", vec![]),
    ] {
        let (status, answer) = call(&router, "GET", &format!("/api/public/v2/datasets{query}"), "").await;
        assert_eq!(status, 200, "{query}: {answer}");
        let got: Vec<u64> = answer["datasets"].as_array().unwrap().iter().map(|d| d["id"].as_u64().unwrap()).collect();
        assert_eq!(got, ids, "{query}");
    }
    for (query, status, code) in [
        ("?page=0", 400, "invalid_parameter"),
        ("?per_page=101", 400, "invalid_parameter"),
        ("?per_page=x", 400, "invalid_parameter"),
        ("?status=gone", 400, "invalid_parameter"),
        ("?dataset_group_id=8", 403, "access_denied"),
        ("?dataset_group_id=9", 404, "dataset_group_not_found"),
    ] {
        let (got, answer) = call(&router, "GET", &format!("/api/public/v2/datasets{query}"), "").await;
        assert_eq!(got, status, "{query}");
        assert_envelope(&answer, code);
    }
    let (_, failed) = call(&router, "GET", "/api/public/v2/datasets/4", "").await;
    assert_eq!(failed["dataset"]["failure"]["code"], "upload_expired");
    for path in ["/api/public/v2/datasets/99", "/api/public/v2/datasets/x", "/api/public/v2/datasets/99/rows"] {
        assert_envelope(&call(&router, "GET", path, "").await.1, "dataset_not_found");
    }
    assert_envelope(&call(&router, "GET", "/api/public/v2/datasets/%FF", "").await.1, "route_not_found");
}

/// The calls of the original take what they don't know; ours say what they know.
#[tokio::test]
async fn what_is_not_known_is_said() {
    let (_, router) = service().await;
    for (method, path, body, says) in [
        ("PATCH", "dataset-groups/7", r#"{"foo": 1}"#, "unknown field `foo`, expected `dialect`"),
        ("GET", "dataset-groups?pge=2", "", "unknown field `pge`, expected one of `name`"),
        ("POST", "webhooks", r#"{"url": "https://example.com", "events": []}"#, "`event_types`"),
        ("POST", "dataset-versions/from-upload", r#"{"group": 7}"#, "`dataset_group_id`"),
        ("GET", "webhooks?page=2", "", "takes no query parameters, such as \"page\""),
        ("DELETE", "dataset-groups/7?dry_run", "", "takes no query parameters, such as \"dry_run\""),
    ] {
        let (status, answer) = call(&router, method, &format!("/api/public/v2/{path}"), body.to_owned()).await;
        assert_eq!(status, 400, "{path}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(says), "{answer}");
    }
    for (method, path, body) in [
        ("GET", "datasets?pge=2", String::new()),
        ("POST", "dataset-groups?x=1", json!({"name": "More", "tags": []}).to_string()),
        (
            "POST",
            "dataset-versions/from-file",
            json!({"dataset_group_id": 7, "file_name": "a.csv", "file_content_base64": "YQ==", "x": 1}).to_string(),
        ),
    ] {
        let (status, answer) = call(&router, method, &format!("/api/public/v2/{path}"), body).await;
        assert!(status < 300, "{path}: {answer}");
    }
    assert_eq!(send(&router, "HEAD", "/api/public/v2/datasets?page=2", &[], "").await.status(), 200);
}

#[tokio::test]
async fn an_error_quotes_little_of_what_was_sent() {
    let (_, router) = service().await;
    let long = "é".repeat(300_000);
    for (path, body) in [
        ("dataset-groups", json!({"name": [], "workspace_id": long}).to_string()),
        ("webhooks", json!({long.clone(): 1}).to_string()),
        ("dataset-versions/from-upload", json!({"dataset_group_id": long}).to_string()),
    ] {
        let (status, answer) = call(&router, "POST", &format!("/api/public/v2/{path}"), body).await;
        let said = answer["error"].as_str().unwrap();
        assert!(status == 400 && said.chars().count() < 600, "{path}: {status} {}", said.len());
    }
    let query = format!("/api/public/v2/datasets?status={}", "x".repeat(5_000));
    assert!(call(&router, "GET", &query, "").await.1.to_string().len() < 800);
}

#[tokio::test]
async fn what_a_client_may_keep() {
    let (fakes, router) = service().await;
    let get = async |path: &str, known: &str| {
        let request = Request::get(path).header("x-api-key", KEY).header("if-none-match", known);
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let headers = response.headers().clone();
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, header("cache-control"), header("etag"), body.len())
    };
    let path = "/api/public/v2/dataset-groups";
    let (status, caching, tag, length) = get(path, "").await;
    assert_eq!((status, &*caching, length > 0), (200, "private, no-cache", true));
    for known in [&*tag, &format!("\"x\", {tag}"), tag.trim_start_matches("W/"), "*"] {
        assert_eq!(get(path, known).await, (304, caching.clone(), tag.clone(), 0), "{known}");
    }
    fakes.table.create_group(&group(9, 1, "Another")).await.unwrap();
    assert_eq!(get(path, &tag).await.0, 200);
    for (path, status, caching) in
        [("/api/public/v2/datasets/1", 404, "no-store"), ("/docs", 200, "no-cache"), ("/nothing", 404, "no-store")]
    {
        let got = get(path, "*").await;
        assert_eq!((got.0, &*got.1), (status, caching), "{path}");
    }
    let request = Request::post("/api/public/v2/webhooks").header("x-api-key", KEY);
    let request = request.body(Body::from(r#"{"url": "https://example.com/"}"#)).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["cache-control"]), (201, &"no-store".parse().unwrap()));
}
