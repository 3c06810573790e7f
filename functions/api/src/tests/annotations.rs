//! What people say of datasets, and what can be proved of them.

use super::versions::publish;
use super::*;
use dataset_tests::group;

const DATASETS: &str = "/api/public/v2/datasets";

fn encoded(json: &str) -> String {
    json.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn ids(router: &Router, query: &str) -> (Vec<u64>, Value) {
    let (status, list) = call(router, "GET", &format!("{DATASETS}?{query}"), "").await;
    assert_eq!(status, 200, "{query}: {list}");
    let ids = list["datasets"].as_array().unwrap().iter().map(|dataset| dataset["id"].as_u64().unwrap()).collect();
    (ids, list["next_up_to_id"].clone())
}

#[tokio::test]
async fn annotations_come_with_the_upload_and_change_later() {
    let (_, router) = service().await;
    let said = json!({"description": "from the crawl", "tags": ["b", "a", "b"], "metadata": {"run": {"id": 12}}});
    let with = |mut body: Value| {
        body.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        body
    };
    let file = json!({"dataset_group_id": 7, "file_name": "a.csv", "file_content_base64": "YQoxCg=="});
    let upload = json!({"dataset_group_id": 7, "file_name": "a.csv", "file_size": 4});
    for (path, body) in [("from-file", file), ("from-upload", upload)] {
        let path = format!("/api/public/v2/dataset-versions/{path}");
        let (status, answer) = call(&router, "POST", &path, with(body.clone()).to_string()).await;
        assert_eq!(status, 201, "{answer}");
        let one = format!("{DATASETS}/{}", answer["dataset_id"]);
        let (_, read) = call(&router, "GET", &one, "").await;
        let dataset = &read["dataset"];
        assert_eq!(dataset["description"], "from the crawl");
        assert_eq!((&dataset["tags"], &dataset["metadata"]), (&json!(["a", "b"]), &json!({"run": {"id": 12}})));
        assert_eq!((&dataset["file_sha256"], &dataset["rows_sha256"]), (&Value::Null, &Value::Null));

        let (status, changed) =
            call(&router, "PATCH", &one, json!({"tags": [], "description": null}).to_string()).await;
        assert_eq!(status, 200);
        assert_eq!(changed["dataset"]["metadata"], json!({"run": {"id": 12}}));
        assert_eq!(changed["dataset"]["tags"], json!([]));
        assert_eq!(changed["dataset"], call(&router, "GET", &one, "").await.1["dataset"]);

        // What older clients may send, and what can't be kept.
        let nothing = json!({"description": null, "tags": null, "metadata": null});
        let mut plain = body.clone();
        plain.as_object_mut().unwrap().extend(nothing.as_object().unwrap().clone());
        assert_eq!(call(&router, "POST", &path, plain.to_string()).await.0, 201);
        for (name, wrong, told) in [
            ("description", json!("x".repeat(1_001)), "1,000 characters"),
            ("tags", json!([" a"]), "tags[0]"),
            ("tags", json!((0..21).map(|n| n.to_string()).collect::<Vec<_>>()), "20 tags"),
            ("metadata", json!({"a": "x".repeat(4_096)}), "4096 bytes"),
            ("metadata", json!([1]), "metadata"),
        ] {
            let mut body = body.clone();
            body[name] = wrong.clone();
            for (method, path, body) in [("POST", &path, body), ("PATCH", &one, json!({ name: wrong }))] {
                let (status, answer) = call(&router, method, path, body.to_string()).await;
                assert_eq!(status, 400, "{name}: {answer}");
                assert!(answer["error"].as_str().unwrap().contains(told), "{answer}");
            }
        }
    }
    assert_eq!(call(&router, "PATCH", &format!("{DATASETS}/999"), "{}").await.0, 404);
    assert_eq!(call(&router, "PATCH", &format!("{DATASETS}/999"), r#"{"rows": 1}"#).await.0, 404);
}

#[tokio::test]
async fn other_annotations_are_another_call() {
    let (_, router) = service().await;
    let body = |tags: Value| {
        json!({"dataset_group_id": 7, "file_name": "a.csv", "file_content_base64": "YQoxCg==", "tags": tags})
            .to_string()
    };
    let mut statuses = vec![];
    for tags in [json!(["a"]), json!(["a", "a"]), json!(["b"]), json!([])] {
        let sent = send(&router, "POST", FROM_FILE, &[("Idempotency-Key", "k")], body(tags)).await;
        statuses.push(answer(sent).await.0);
    }
    assert_eq!(statuses, [201, 201, 422, 422]);
}

#[tokio::test]
async fn datasets_are_found_by_tag_and_metadata_a_page_at_a_time() {
    let (fakes, router) = service().await;
    for id in 1..=250 {
        publish(&fakes, id, &group(7, 1, "Questions"), "a\n1\n").await;
        let change =
            json!({"tags": [if id % 2 == 0 { "even" } else { "odd" }], "metadata": {"id": id, "of": {"ten": id % 10}}});
        let change = serde_json::from_value(change).unwrap();
        fakes.table.annotate(dataset_id(id), &change).await.unwrap();
    }
    assert_eq!(ids(&router, "tag=even&per_page=3").await, (vec![250, 248, 246], json!(244)));
    assert_eq!(ids(&router, "tag=even&per_page=3&up_to_id=4").await, (vec![4, 2], Value::Null));
    assert_eq!(ids(&router, "tag=Even").await, (vec![], Value::Null));
    let by = |json: &str| format!("metadata={}&dataset_group_id=7", encoded(json));
    assert_eq!(ids(&router, &by(r#"{"id":17}"#)).await, (vec![17], Value::Null));
    assert_eq!(ids(&router, &(by(r#"{"of":{"ten":5}}"#) + "&per_page=30")).await.0.len(), 25);
    assert_eq!(ids(&router, &(by(r#"{"of":{"ten":5}}"#) + "&tag=even")).await, (vec![], Value::Null));
    assert_eq!(ids(&router, &(by("{}") + "&status=deleted")).await, (vec![], Value::Null));

    for id in 251..=1_300 {
        fakes.table.create_draft(&draft(id, &group(7, 1, "Questions"), "a.csv")).await.unwrap();
    }
    // The thousand newest have none, and the list says where it goes on.
    assert_eq!(ids(&router, "tag=even").await, (vec![], json!(300)));
    assert_eq!(ids(&router, "tag=even&up_to_id=300&per_page=1").await, (vec![250], json!(248)));
    for wrong in ["tag=even&page=2", "tag=even&sort_by=version_number", "tag=even&sort_order=asc", "metadata=1", "tag="]
    {
        let (status, answer) = call(&router, "GET", &format!("{DATASETS}?{wrong}"), "").await;
        assert_eq!(status, 400, "{wrong}");
        assert_envelope(&answer, "invalid_parameter");
    }
}
