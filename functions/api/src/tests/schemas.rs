//! What the rows of a group must be.

use super::versions::publish;
use super::*;
use dataset_core::dataset::{Dataset, Failure};
use dataset_core::schemas::Schemas;
use dataset_types::FailureCode;
use dataset_types::dataset::Column;
use dataset_types::schema::Violation;

const SCHEMA: &str = "/api/public/v2/dataset-groups/7/schema";

#[tokio::test]
async fn a_schema_is_put_read_replaced_and_taken_away() {
    let (_, router) = service().await;
    let (status, none) = call(&router, "GET", SCHEMA, "").await;
    assert_eq!(status, 404);
    assert_envelope(&none, "schema_not_found");
    let first = json!({ "properties": { "a": { "type": "integer" } } });
    for message in ["Schema put in force successfully", "Schema is in force already"] {
        let (status, put) = call(&router, "PUT", SCHEMA, first.to_string()).await;
        assert_eq!((status, &put["message"], &put["schema_version"]), (200, &json!(message), &json!(1)), "{put}");
        assert_eq!((&put["schema"], &put["is_in_force"], &put["user_id"]), (&first, &json!(true), &json!(3)));
    }
    let second = "{\n \"required\": [\"a\"]}";
    assert_eq!(call(&router, "PUT", SCHEMA, second).await.1["schema_version"], 2);
    let response = send(&router, "GET", SCHEMA, &[], "").await;
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains(second), "it is given back as it was written");
    let (_, read) = call(&router, "GET", &format!("{SCHEMA}?version=1"), "").await;
    assert_eq!((&read["schema"], &read["is_in_force"]), (&first, &json!(false)));
    assert_eq!(call(&router, "GET", &format!("{SCHEMA}?version=3"), "").await.0, 404);

    let (status, removed) = call(&router, "DELETE", SCHEMA, "").await;
    assert_eq!((status, &removed["schema_version"], &removed["is_in_force"]), (200, &json!(2), &json!(false)));
    for method in ["DELETE", "GET"] {
        assert_eq!(call(&router, method, SCHEMA, "").await.0, 404);
    }
    let (_, read) = call(&router, "GET", &format!("{SCHEMA}?version=2"), "").await;
    assert_eq!((&read["schema"], &read["is_in_force"]), (&json!({ "required": ["a"] }), &json!(false)));
    assert_eq!(call(&router, "PUT", SCHEMA, second).await.1["schema_version"], 3, "no number is given twice");
}

#[tokio::test]
async fn what_is_no_schema_is_refused_with_its_place() {
    let (fakes, router) = service().await;
    for (body, expected) in [
        (r#"{"properties": {"a": {"minLength": "1"}}}"#, "the schema at /properties/a/minLength: expected"),
        ("[]", "the schema: must be an object"),
        ("{", "the schema: is not valid JSON"),
        ("", "the schema: is not valid JSON"),
    ] {
        let (status, answer) = call(&router, "PUT", SCHEMA, body).await;
        assert_eq!(status, 400);
        assert_envelope(&answer, "invalid_schema");
        assert!(answer["error"].as_str().unwrap().starts_with(expected), "{answer}");
    }
    let (status, answer) = call(&router, "PUT", &SCHEMA.replace('7', "8"), "{}").await;
    assert_eq!(status, 403);
    assert_envelope(&answer, "access_denied");
    assert_eq!(fakes.table.last_schema(group_id(7)).await.unwrap(), None);
}

#[tokio::test]
async fn schemas_that_are_put_at_once_have_a_number_each() {
    let (_, router) = service().await;
    let puts = (0..5).map(|n| {
        let router = &router;
        async move { call(router, "PUT", SCHEMA, json!({ "minProperties": n }).to_string()).await }
    });
    let answers = futures::future::join_all(puts).await;
    let mut versions: Vec<_> = answers.iter().map(|(_, answer)| answer["schema_version"].as_u64().unwrap()).collect();
    versions.sort_unstable();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_preview_says_what_the_schema_does_not_allow() {
    let (_, router) = service().await;
    call(&router, "PUT", SCHEMA, json!({ "properties": { "a": { "type": "integer" } } }).to_string()).await;
    let preview = |group: Option<u64>| json!({ "file_name": "a.csv", "dataset_group_id": group, "head_base64": STANDARD.encode("a\n1\nx\n"), "is_whole": true });
    let path = "/api/public/v2/dataset-versions/preview";
    let (_, answer) = call(&router, "POST", path, preview(Some(7)).to_string()).await;
    assert_eq!(answer["failure"]["code"], "schema_violation");
    let violation = json!({
        "row": 2, "line": 3, "column": "a", "keyword": "type", "message": "expected an integer, found text",
        "schema_path": "/properties/a/type"
    });
    assert_eq!(answer["failure"]["violations"], json!([violation]));
    assert_eq!(call(&router, "POST", path, preview(None).to_string()).await.1["failure"], json!(null));
}

#[tokio::test]
async fn a_list_has_no_violations() {
    let (fakes, router) = service().await;
    let draft = Dataset { id: dataset_id(70), ..draft(70, &group(7, 1, "Questions"), "a.csv") };
    fakes.table.create_draft(&draft).await.unwrap();
    let violation = Violation {
        row: Some(1),
        line: Some(2),
        column: Some(Column::Name("a".into())),
        keyword: "type".into(),
        message: "expected an integer, found text".into(),
        schema_path: "/properties/a/type".into(),
    };
    let failure = Failure::new(FailureCode::SchemaViolation, "one");
    let failure = Failure { schema_version: Some(4), violation_count: Some(1), violations: vec![violation], ..failure };
    uploads::fail(&fakes.ports(), &draft, failure).await.unwrap();
    let (_, one) = call(&router, "GET", "/api/public/v2/datasets/70", "").await;
    assert_eq!(one["dataset"]["failure"]["violations"].as_array().unwrap().len(), 1);
    assert_eq!(one["dataset"]["failure"]["schema_version"], 4);
    let (_, list) = call(&router, "GET", "/api/public/v2/datasets?status=failed", "").await;
    let failure = &list["datasets"][0]["failure"];
    assert_eq!((&failure["violation_count"], &failure["violations"]), (&json!(1), &json!(null)));
}

#[tokio::test]
async fn a_schema_is_proposed_of_a_version_of_the_group() {
    let (fakes, router) = service().await;
    publish(&fakes, 1, &group(7, 1, "Questions"), "n,t\n1,x\n2,\n").await;
    let path = format!("{SCHEMA}/proposed");
    let (status, proposed) = call(&router, "GET", &format!("{path}?from=1"), "").await;
    assert_eq!(status, 200, "{proposed}");
    assert_eq!((&proposed["dataset_id"], &proposed["schema"]["required"]), (&json!(1), &json!(["n"])));
    assert_eq!(proposed["schema"]["properties"]["n"], json!({ "type": "integer" }));
    let (status, _) = call(&router, "PUT", SCHEMA, proposed["schema"].to_string()).await;
    assert_eq!(status, 200, "it can be put as it is");
    for (query, status, code) in [("?from=2", 404, "dataset_not_found"), ("", 400, "invalid_parameter")] {
        let (got, answer) = call(&router, "GET", &format!("{path}{query}"), "").await;
        assert_eq!(got, status);
        assert_envelope(&answer, code);
    }
    fakes.table.create_group(&group(9, 1, "Others")).await.unwrap();
    let (status, _) = call(&router, "GET", &format!("{}?from=1", path.replace("/7/", "/9/")), "").await;
    assert_eq!(status, 404, "it is of another group");
}
