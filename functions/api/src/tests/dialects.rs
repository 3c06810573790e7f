//! What is said of how files are written, and what a file would be.

use super::*;
use dataset_types::dialect::Dialect;

const GROUP: &str = "/api/public/v2/dataset-groups/7";
const FROM_UPLOAD: &str = "/api/public/v2/dataset-versions/from-upload";
const PREVIEW: &str = "/api/public/v2/dataset-versions/preview";

fn from_file(name: &str, dialect: &Value) -> String {
    let file = STANDARD.encode("a;b\n1;2\n");
    json!({"dataset_group_id": 7, "file_name": name, "file_content_base64": file, "dialect": dialect}).to_string()
}

/// The dialect with which the draft of an answer is stored.
async fn said(fakes: &Fakes, answer: &Value) -> Value {
    let id = dataset_id(answer["dataset_id"].as_u64().unwrap_or_else(|| panic!("{answer}")));
    let draft = fakes.table.dataset(id).await.unwrap().unwrap();
    serde_json::to_value(draft.said).unwrap()
}

#[tokio::test]
async fn what_a_request_says_replaces_what_its_group_says() {
    let (fakes, router) = service().await;
    let of_group = json!({"encoding": "windows-1252", "delimiter": ";", "rows_at": "/data"});
    let (status, answer) = call(&router, "PATCH", GROUP, json!({"dialect": of_group}).to_string()).await;
    assert_eq!((status, &answer["dataset_group"]["dialect"]), (200, &of_group));
    assert_eq!(call(&router, "GET", GROUP, "").await.1["dataset_group"]["dialect"], of_group);
    let (_, unchanged) = call(&router, "PATCH", GROUP, "{}").await;
    assert_eq!(unchanged["dataset_group"]["dialect"], of_group);
    for (name, dialect, expected) in [
        ("q.csv", Value::Null, json!({"encoding": "windows-1252", "delimiter": ";"})),
        ("q.json", Value::Null, json!({"encoding": "windows-1252", "rows_at": "/data"})),
        ("q.csv", json!({}), json!({})),
        ("q.csv", json!({"delimiter": "|", "json_lines": false}), json!({"delimiter": "|", "json_lines": false})),
    ] {
        let (status, answer) = call(&router, "POST", FROM_FILE, from_file(name, &dialect)).await;
        assert_eq!((status, said(&fakes, &answer).await), (201, expected.clone()), "{name} {dialect}");
        let order = json!({"dataset_group_id": 7, "file_name": name, "file_size": 9, "dialect": dialect});
        let (status, answer) = call(&router, "POST", FROM_UPLOAD, order.to_string()).await;
        assert_eq!((status, said(&fakes, &answer).await), (201, expected), "{name} {dialect}");
    }
    let (_, answer) = call(&router, "PATCH", GROUP, json!({"dialect": {}}).to_string()).await;
    assert_eq!(answer["dataset_group"]["dialect"], json!({}));
}

#[tokio::test]
async fn what_can_not_be_said_is_refused() {
    let (_, router) = service().await;
    for (name, dialect, told) in [
        ("q.csv", json!({"encoding": "latin1"}), "windows-1252"),
        ("q.csv", json!({"delimiter": "::"}), "dialect.delimiter"),
        ("q.csv", json!({"comment": "#"}), "comment"),
        ("q.csv", json!({"rows_at": "/data"}), "rows_at"),
        ("q.json", json!({"delimiter": ";", "short_rows": "pad"}), "delimiter and short_rows"),
        ("q.json", json!([]), "dialect"),
    ] {
        let (status, answer) = call(&router, "POST", FROM_FILE, from_file(name, &dialect)).await;
        assert_eq!(status, 400, "{dialect}");
        assert_envelope(&answer, "invalid_request");
        assert!(answer["error"].as_str().unwrap().contains(told), "{answer}");
    }
}

#[tokio::test]
async fn a_key_stands_for_the_dialect_too() {
    let (_, router) = service().await;
    let send = async |dialect: Value| {
        let headers = [("Idempotency-Key", "k")];
        answer(send(&router, "POST", FROM_FILE, &headers, from_file("q.csv", &dialect)).await).await
    };
    let (_, first) = send(json!({"delimiter": ";"})).await;
    assert_eq!(send(json!({"delimiter": ";"})).await, (201, first));
    assert_eq!(send(Value::Null).await.0, 422);
}

#[tokio::test]
async fn a_preview_is_what_a_version_would_be() {
    let (fakes, router) = service().await;
    let preview = async |name: &str, head: &[u8], is_whole: bool, more: Value| {
        let mut body = json!({"file_name": name, "head_base64": STANDARD.encode(head), "is_whole": is_whole});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(&router, "POST", PREVIEW, body.to_string()).await
    };
    let (status, found) = preview("q.csv", b"a;\n1;x\n2;\"y", false, json!({})).await;
    assert_eq!((status, &found["column_names"]), (200, &json!(["a", "column_2"])));
    assert_eq!(found["columns"], json!([{"name": "a", "type": "text"}, {"name": "column_2", "type": "text"}]));
    let cell = |value: &str| json!({"type": "dataset", "value": value});
    assert_eq!(found["rows"], json!([[cell("1"), cell("x")]]));
    assert_eq!((&found["dialect"]["delimiter"], &found["notices"][0]["code"]), (&json!(";"), &json!("dialect_found")));

    let windows = "Größe;Preis\n5;1 €\n".chars().map(|c| match c {
        'ö' => 0xF6,
        'ß' => 0xDF,
        '€' => 0x80,
        c => c as u8,
    });
    let windows: Vec<u8> = windows.collect();
    let (status, refused) = preview("q.csv", &windows, true, json!({})).await;
    let failure = &refused["failure"];
    assert_eq!((status, &failure["code"], &failure["line"]), (200, &json!("invalid_utf8"), &json!(1)));
    let suggestion = &failure["suggestions"][0];
    assert_eq!((&suggestion["dialect"], &suggestion["tried"]), (&json!({"encoding": "windows-1252"}), &json!("whole")));
    let (_, found) = preview("q.csv", &windows, true, json!({"dialect": suggestion["dialect"]})).await;
    assert_eq!((&found["column_names"], &found["rows"][0][1]), (&suggestion["column_names"], &cell("1 €")));

    // What the group says holds; that of another workspace is not told.
    let dialect = Dialect { rows_at: Some("/data".to_owned().try_into().unwrap()), ..Dialect::default() };
    fakes.table.set_dialect(group_id(7), &dialect).await.unwrap();
    let wrapped = br#"{"data": [{"n": 1.5}, {"n": 2}]}"#;
    let (_, found) = preview("q.json", wrapped, true, json!({"dataset_group_id": 7})).await;
    assert_eq!((&found["columns"][0]["type"], &found["rows"][1][0]["value"]), (&json!("number"), &json!(2.0)));
    assert_eq!(preview("q.json", wrapped, true, json!({"dataset_group_id": 8})).await.0, 403);
    assert_eq!(preview("q.csv", b"a\n1\n", true, json!({"dialect": {"rows_at": ""}})).await.0, 400);
    assert_eq!(preview("q.csv", &vec![b'a'; (1 << 20) + 1], false, json!({})).await.1["code"], "body_too_large");
    assert_eq!(fakes.blobs.objects(), []);
}
