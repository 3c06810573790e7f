//! What can be done with a version: its rows read, downloaded and compared, and it put away.

use super::*;
use axum::http::StatusCode;
use dataset_core::blobs::{Blobs, Object};
use dataset_core::uploads;
use dataset_core::webhooks::Webhooks;
use dataset_formats::{Limits, convert};
use dataset_types::Format;
use dataset_types::dialect::Dialect;

const DATASETS: &str = "/api/public/v2/datasets";

/// A version of this file.
pub(super) async fn publish(fakes: &Fakes, id: u64, group: &dataset_core::group::Group, file: &str) {
    let draft = draft(id, group, "q & a.csv");
    fakes.table.create_draft(&draft).await.unwrap();
    let mut rows = Vec::new();
    let summary =
        convert(Format::Csv, &Dialect::default(), &mut || Ok(file.as_bytes()), &mut rows, &Limits::default(), None)
            .unwrap();
    fakes.blobs.put_new(draft.upload(), "text/csv", file.to_owned().into()).await.unwrap();
    fakes.blobs.put_new(draft.rows(), "", rows.into()).await.unwrap();
    let columns = summary.columns.into_iter().map(|column| column.name).collect();
    uploads::publish(
        &fakes.ports(),
        &draft,
        &Contents {
            columns,
            row_count: summary.rows,
            dialect: Some(summary.dialect),
            notices: summary.notices,
            ..Contents::default()
        },
    )
    .await
    .unwrap();
}

async fn get(router: &Router, path: &str) -> Value {
    let (status, answer) = call(router, "GET", &format!("{DATASETS}{path}"), "").await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

async fn assert_refused(router: &Router, method: &str, path: &str, status: u16, code: &str) {
    let (got, answer) = call(router, method, &format!("{DATASETS}{path}"), "").await;
    assert_eq!(got, status, "{path}: {answer}");
    assert_envelope(&answer, code);
}

#[tokio::test]
async fn what_was_unusual_in_a_file_is_told_of_its_version() {
    let (fakes, router) = service().await;
    publish(&fakes, 1, &group(7, 1, "Questions"), ",n,n\n0,1,2\n").await;
    let dataset = &get(&router, "/1").await["dataset"];
    assert_eq!(dataset["column_names"], json!(["column_1", "n", "n_2"]));
    let codes: Vec<&Value> = dataset["notices"].as_array().unwrap().iter().map(|notice| &notice["code"]).collect();
    assert_eq!(codes, [&json!("column_named"), &json!("column_renamed")]);
    assert_eq!(dataset["notices"][1]["columns"], json!(["n_2"]));
}

#[tokio::test]
async fn rows_by_page_and_by_what_they_have() {
    let (fakes, router) = service().await;
    let lines: String = (1..=25).map(|n| format!("{n},Row {n}\n")).collect();
    publish(&fakes, 1, &group(7, 1, "Questions"), &format!("n,text\n{lines}")).await;
    let page = get(&router, "/1/rows?page=3").await;
    assert_eq!(page["columns"], json!(["n", "text"]));
    assert_eq!(page["rows"][0], json!([{"type": "dataset", "value": "21"}, {"type": "dataset", "value": "Row 21"}]));
    assert_eq!((&page["total"], &page["pages"], page["rows"].as_array().unwrap().len()), (&json!(25), &json!(3), 5));
    assert_eq!(get(&router, "/1/rows?page=9007199254740991&per_page=100").await["rows"], json!([]));
    let found = get(&router, "/1/rows?q=row%202&per_page=2&page=2").await;
    assert_eq!((&found["total"], &found["pages"]), (&json!(7), &json!(4)));
    assert_eq!(found["rows"][0][1]["value"], "Row 21");
    assert_eq!(get(&router, "/1/rows?q=").await["total"], 25);
    assert_eq!(get(&router, "/1/rows?q=.%2A").await["total"], 0, "it is text, no pattern");
    for query in
        ["page=0", "per_page=0", "per_page=101", "page=-1", "page=9007199254740992", &format!("q={}", "x".repeat(256))]
    {
        assert_refused(&router, "GET", &format!("/1/rows?{query}"), 400, "invalid_parameter").await;
    }
}

/// A caller that waits for ever would be told by the gateway instead.
#[tokio::test]
async fn work_on_whole_versions_ends_in_time() {
    let (fakes, router) = service_with(Duration::ZERO).await;
    let lines: String = (1..=3_000).map(|n| format!("Row {n}\n")).collect();
    publish(&fakes, 1, &group(7, 1, "Questions"), &format!("text\n{lines}")).await;
    for path in ["/1/columns", "/1/diff?against=1", "/1/download?format=csv"] {
        assert_refused(&router, "GET", path, 504, "takes_too_long").await;
    }
    assert_eq!(fakes.blobs.objects().len(), 2, "no part of the export is left");
    assert_eq!(get(&router, "/1/rows?page=20").await["is_complete"], true);
    let behind = get(&router, "/1/rows?after_row=2990&per_page=4&page=3").await;
    assert_eq!((&behind["total"], &behind["pages"]), (&json!(10), &json!(3)));
    assert_eq!(
        behind["rows"],
        json!([[{"type": "dataset", "value": "Row 2999"}], [{"type": "dataset", "value": "Row 3000"}]])
    );
    let behind = get(&router, &format!("/1/rows?after_row={}", u64::MAX)).await;
    assert_eq!((&behind["total"], &behind["rows"]), (&json!(0), &json!([])));

    let (mut total, mut to) = (0, 0);
    while to < 3_000 {
        let found = get(&router, &format!("/1/rows?q=row%201&after_row={to}")).await;
        (total, to) = (total + found["total"].as_u64().unwrap(), found["searched_to_row"].as_u64().unwrap());
        assert_eq!(found["is_complete"], to == 3_000);
    }
    assert_eq!(total, 1_111);
}

#[tokio::test]
async fn an_export_that_would_be_too_large_is_not_begun() {
    let (fakes, router) = service().await;
    let (name, rows) = ("n".repeat(100_000), "x\n".repeat(11_000));
    publish(&fakes, 1, &group(7, 1, "Questions"), &format!("{name}\n{rows}")).await;
    assert_refused(&router, "GET", "/1/download?format=jsonl", 400, "export_too_large").await;
    assert_eq!(fakes.blobs.objects().len(), 2);
}

#[tokio::test]
async fn an_answer_is_never_larger_than_a_lambda_may_give() {
    let (fakes, router) = service().await;
    let group = group(7, 1, "Questions");
    // Half of the limit, but in the Lambda's envelope each character is two.
    publish(&fakes, 1, &group, &format!("a\n{}\n", "\\".repeat(3_500_000))).await;
    let cut = get(&router, "/1/rows").await;
    assert_eq!(cut["rows"][0][0]["cut_from_bytes"], 3_500_000);
    publish(&fakes, 2, &group, &format!("a\n{}", format!("{}\n", "x".repeat(1 << 20)).repeat(6))).await;
    for path in ["/2/rows", "/2/rows?q=x"] {
        let rows = get(&router, path).await["rows"].clone();
        assert!(rows.as_array().unwrap().iter().all(|row| row[0]["cut_from_bytes"] == 1 << 20), "all six alike");
    }
    let three = get(&router, "/2/rows?per_page=3").await["rows"].clone();
    assert!(three.as_array().unwrap().iter().all(|row| row[0]["cut_from_bytes"] == Value::Null));
    let compared = get(&router, "/2/diff?against=1&examples=100").await;
    assert_eq!(compared["examples"]["removed"][0][0]["cut_from_bytes"], 3_500_000);
}

/// Thirty versions with the longest names that are taken in: 7.6 MB in a Lambda's answer.
#[tokio::test]
async fn a_list_cuts_names_of_columns_only_where_it_would_be_too_long() {
    let (fakes, router) = service().await;
    let group = group(7, 1, "Wide");
    let header: Vec<String> = (0..4_000).map(|n| format!("{n:0>58}")).collect();
    let file = format!("{}\n{}1\n", header.join(","), "1,".repeat(3_999));
    for id in 1..=30 {
        publish(&fakes, id, &group, &file).await;
    }
    let listed = get(&router, "?per_page=100").await;
    let cut = |dataset: &Value| dataset["column_names_cut"] == true;
    let datasets = listed["datasets"].as_array().unwrap();
    let (cut, whole): (Vec<&Value>, Vec<&Value>) = datasets.iter().partition(|dataset| cut(dataset));
    assert_eq!((cut.len(), whole.len()), (19, 11));
    assert!(cut.iter().all(|dataset| dataset["column_names"].as_array().unwrap().len() == 100));
    assert!(whole.iter().all(|dataset| dataset["column_names"].as_array().unwrap().len() == 4_000));
    assert!(get(&router, "/1").await["dataset"]["column_names_cut"].is_null());
}

#[tokio::test]
async fn a_version_in_every_format() {
    let (fakes, router) = service().await;
    publish(&fakes, 1, &group(7, 1, "Questions"), "n;text\n1;\"a;b\"\n").await;
    for (query, key, name) in [
        ("", "rows/7/1", "q & a.parquet"),
        ("?format=parquet", "rows/7/1", "q & a.parquet"),
        ("?format=source", "uploads/1", "q & a.csv"),
        ("?format=csv", "exports/2023-12-01/1.csv", "q & a.csv"),
        ("?format=jsonl", "exports/2023-12-01/1.jsonl", "q & a.jsonl"),
        ("?format=csv", "exports/2023-12-01/1.csv", "q & a.csv"),
    ] {
        let response = send(&router, "GET", &format!("{DATASETS}/1/download{query}"), &[], "").await;
        assert_eq!(response.status(), StatusCode::FOUND, "{query}");
        let url = response.headers()[header::LOCATION].to_str().unwrap().to_owned();
        assert_eq!(url, format!("memory://blobs/{key}?name={name}&seconds=900"));
    }
    let told = get(&router, "/1/download?redirect=false").await;
    assert_eq!(told["url"], "memory://blobs/rows/7/1?name=q & a.parquet&seconds=900");
    let made_on = "2023-12-01".parse().unwrap();
    for (extension, expected) in [("csv", "n,text\r\n1,\"a;b\"\r\n"), ("jsonl", "{\"n\":\"1\",\"text\":\"a;b\"}\n")] {
        let export = Object::Export { made_on, dataset_id: dataset_id(1), extension };
        assert_eq!(fakes.blobs.read_tail(export, 100).await.unwrap().0, expected);
    }
}

#[tokio::test]
async fn columns_are_summed_up() {
    let (fakes, router) = service().await;
    publish(&fakes, 1, &group(7, 1, "Questions"), "n,text\n1,\n1,ab\n2,abc\n").await;
    let common = |name: &str, empty: u64, lengths: [u64; 2], sample: Value| {
        json!({
            "name": name, "type": "text", "empty": empty, "shortest": lengths[0], "longest": lengths[1],
            "least": null, "greatest": null, "sample": sample, "has_more": false,
        })
    };
    let columns = [common("n", 0, [1, 1], json!(["1", "2"])), common("text", 1, [2, 3], json!(["ab", "abc"]))];
    assert_eq!(get(&router, "/1/columns").await["columns"], json!(columns));
}

#[tokio::test]
async fn what_took_a_look_at_every_row_is_kept_for_a_day() {
    let (fakes, router) = service().await;
    let group = group(7, 1, "Questions");
    for (id, row) in [(1, "x"), (2, "y")] {
        publish(&fakes, id, &group, &format!("n\n{row}\n")).await;
    }
    let paths = ["/1/columns", "/2/columns", "/2/diff?against=1", "/1/diff?against=2", "/2/diff?against=1&key=n"];
    let mut answers = vec![];
    for path in paths {
        answers.push(get(&router, path).await);
    }
    for rows in fakes.blobs.objects().iter().filter(|object| matches!(object, Object::Rows(..))) {
        fakes.blobs.delete(*rows).await.unwrap();
    }
    for (path, answer) in paths.iter().zip(&answers) {
        assert_eq!(get(&router, path).await, *answer, "{path}");
    }
    fakes.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_refused(&router, "GET", "/1/columns", 500, "internal_error").await;
}

#[tokio::test]
async fn two_versions_side_by_side() {
    let (fakes, router) = service().await;
    let group = group(7, 1, "Questions");
    publish(&fakes, 1, &group, "id,q,old\n1,a,x\n2,b,x\n3,c,x\n").await;
    publish(&fakes, 2, &group, "id,q,new\n2,b,y\n3,C,y\n4,d,y\n").await;
    let by_key = get(&router, "/2/diff?against=1&key=id").await;
    assert_eq!(by_key["columns"], json!({"added": ["new"], "removed": ["old"], "retyped": []}));
    assert_eq!(by_key["rows"], json!({"added": 1, "removed": 1, "changed": 1, "unchanged": 1}));
    assert_eq!(by_key["examples"]["columns"], json!(["id", "q", "new"]));
    assert_eq!(by_key["examples"]["changed"][0]["before"][1], json!({"type": "dataset", "value": "c"}));
    assert_eq!(by_key["examples"]["changed"][0]["after"][1], json!({"type": "dataset", "value": "C"}));
    let by_content = get(&router, "/2/diff?against=1&examples=1").await;
    assert_eq!(by_content["rows"], json!({"added": 2, "removed": 2, "changed": 0, "unchanged": 1}));
    assert_eq!(by_content["examples"]["added"].as_array().unwrap().len(), 1);
    assert_refused(&router, "GET", "/1/diff?against=1&key=old", 400, "key_not_unique").await;
    assert_refused(&router, "GET", "/1/diff?against=2&key=old", 400, "key_not_found").await;
    assert_refused(&router, "GET", "/1/diff", 400, "invalid_parameter").await;
    assert_refused(&router, "GET", "/1/diff?against=2&examples=101", 400, "invalid_parameter").await;
    for (against, status, code) in
        [("9", 404, "dataset_not_found"), ("x", 400, "invalid_parameter"), ("", 400, "invalid_parameter")]
    {
        assert_refused(&router, "GET", &format!("/1/diff?against={against}"), status, code).await;
    }
}

#[tokio::test]
async fn a_version_is_put_away_and_restored() {
    let (fakes, router) = service().await;
    publish(&fakes, 1, &group(7, 1, "Questions"), "a\n1\n").await;
    let (status, answer) = call(&router, "DELETE", &format!("{DATASETS}/1"), "").await;
    assert_eq!((status, &answer["dataset"]["is_deleted"]), (200, &json!(true)));
    assert_eq!(get(&router, "").await["total"], 0);
    assert_eq!(get(&router, "?status=deleted").await["datasets"][0]["id"], 1);
    assert_eq!(get(&router, "/1").await["dataset"]["version_number"], 1);
    for path in ["/1/rows", "/1/columns", "/1/download", "/1/download?format=csv", "/1/diff?against=1"] {
        assert_refused(&router, "GET", path, 409, "dataset_deleted").await;
    }
    let (status, answer) = call(&router, "POST", &format!("{DATASETS}/1/restore"), "").await;
    assert_eq!((status, &answer["dataset"]["is_deleted"]), (200, &json!(false)));
    assert_eq!(get(&router, "/1/rows").await["total"], 1);

    fakes.table.create_draft(&draft(2, &group(7, 1, "Questions"), "a.csv")).await.unwrap();
    assert_refused(&router, "DELETE", "/3", 404, "dataset_not_found").await;
}

#[tokio::test]
async fn what_is_of_another_workspace_is_not_there() {
    let (fakes, router) = service().await;
    publish(&fakes, 1, &group(8, 2, "Theirs"), "a\n1\n").await;
    publish(&fakes, 2, &group(7, 1, "Questions"), "a\n1\n").await;
    for (method, path) in [
        ("GET", "/1"),
        ("GET", "/1/rows"),
        ("GET", "/1/columns"),
        ("GET", "/1/download"),
        ("GET", "/1/diff?against=2"),
        ("GET", "/2/diff?against=1"),
        ("DELETE", "/1"),
        ("POST", "/1/restore"),
    ] {
        assert_refused(&router, method, path, 404, "dataset_not_found").await;
    }
    assert_eq!(get(&router, "").await["total"], 1);
    for method in ["GET", "DELETE"] {
        let (status, answer) = call(&router, method, "/api/public/v2/dataset-groups/8", "").await;
        assert_eq!(status, 403);
        assert_envelope(&answer, "access_denied");
    }
}

#[tokio::test]
async fn a_deleted_group_takes_nothing_and_frees_its_name() {
    let (fakes, router) = service().await;
    publish(&fakes, 1, &group(7, 1, "Questions"), "a\n1\n").await;
    let (status, answer) = call(&router, "DELETE", "/api/public/v2/dataset-groups/7", "").await;
    assert_eq!(status, 200, "{answer}");
    let upload = json!({"dataset_group_id": 7, "file_name": "a.csv", "file_content_base64": "YQ=="});
    let (status, answer) = call(&router, "POST", FROM_FILE, upload.to_string()).await;
    assert_eq!(status, 404);
    assert_envelope(&answer, "dataset_group_not_found");
    assert_eq!(get(&router, "/1").await["dataset"]["dataset_group"]["is_deleted"], true);
    assert_eq!(call(&router, "POST", "/api/public/v2/dataset-groups", r#"{"name":"Questions"}"#).await.0, 201);
    let (status, answer) = call(&router, "DELETE", "/api/public/v2/dataset-groups/7", "").await;
    assert_eq!(status, 404);
    assert_envelope(&answer, "dataset_group_not_found");
}

#[tokio::test]
async fn versions_are_ordered_as_asked_and_pages_hold_still() {
    let (fakes, router) = service().await;
    let group = group(7, 1, "Questions");
    // The later draft is published first.
    let drafts = [1, 2].map(|id| draft(id, &group, "a.csv"));
    for draft in &drafts {
        fakes.table.create_draft(draft).await.unwrap();
    }
    for draft in drafts.iter().rev() {
        let contents = Contents { columns: vec!["a".into()], row_count: 1, ..Contents::default() };
        uploads::publish(&fakes.ports(), draft, &contents).await.unwrap();
        fakes.clock.advance(Duration::from_secs(1));
    }
    for (query, ids) in [
        ("?sort_by=version_number", [1, 2]),
        ("?sort_by=version_number&sort_order=asc", [2, 1]),
        ("?sort_by=finished_at&sort_order=asc", [2, 1]),
        ("?sort_by=created_at&sort_order=asc", [1, 2]),
    ] {
        let listed = get(&router, query).await;
        assert_eq!([&listed["datasets"][0]["id"], &listed["datasets"][1]["id"]], ids.map(|id| json!(id)).each_ref());
    }
    publish(&fakes, 3, &group, "a\n1\n").await;
    let still = get(&router, "?up_to_id=2&per_page=1&page=2").await;
    assert_eq!((&still["total"], &still["datasets"][0]["id"]), (&json!(2), &json!(1)));
    for query in ["?sort_by=name", "?sort_order=up", "?up_to_id=0", "?up_to_id=x"] {
        assert_refused(&router, "GET", query, 400, "invalid_parameter").await;
    }
}

/// What an answer says of a list: how many, whether that is all, and where it goes on.
fn extent(list: &Value) -> (u64, bool, Value) {
    let total = list["total"].as_u64().unwrap();
    (total, list["total_is_capped"].as_bool().unwrap(), list["next_up_to_id"].clone())
}

#[tokio::test]
async fn a_list_looks_at_ten_thousand_and_says_how_to_go_on() {
    let (fakes, router) = service().await;
    let group = group(7, 1, "Questions");
    let contents = Contents { columns: vec!["a".into()], row_count: 1, ..Contents::default() };
    for id in 1..=10_003 {
        let draft = draft(id, &group, "a.csv");
        fakes.table.create_draft(&draft).await.unwrap();
        if id <= 10_000 {
            uploads::publish(&fakes.ports(), &draft, &contents).await.unwrap();
        }
    }
    for scope in ["", "&dataset_group_id=7"] {
        let get = async |query: &str| get(&router, &format!("?per_page=100{query}{scope}")).await;
        let list = get("&page=100").await;
        assert_eq!(extent(&list), (10_003, false, json!(3)));
        assert_eq!((list["datasets"].as_array().unwrap().len(), &list["datasets"][99]["id"]), (100, &json!(4)));
        assert_eq!(extent(&get("&page=2").await), (10_003, false, json!(9_803)));
        // What is not counted is looked at.
        for query in ["&status=all", "&name=quest", "&up_to_id=10003"] {
            assert_eq!(extent(&get(query).await), (10_000, true, json!(9_903)), "{query}");
        }
        assert_eq!(extent(&get("&sort_by=version_number").await), (10_000, true, json!(3)));
        assert_eq!(extent(&get("&up_to_id=3").await), (3, false, Value::Null));
        assert_refused(&router, "GET", &format!("?per_page=100&page=101{scope}"), 400, "page_too_far").await;
    }
}

#[tokio::test]
async fn a_list_counts_what_it_does_not_look_at() {
    let (fakes, router) = service().await;
    let groups = [group(7, 1, "Questions"), group(107, 1, "Answers")];
    fakes.table.create_group(&groups[1]).await.unwrap();
    for id in 1..=12 {
        publish(&fakes, id, &groups[id as usize % 2], "a\n1\n").await;
    }
    fakes.table.create_draft(&draft(13, &groups[0], "a.csv")).await.unwrap();
    let of = async |query: &str| {
        let list = get(&router, &format!("?per_page=2{query}")).await;
        let ids: Vec<u64> = list["datasets"].as_array().unwrap().iter().map(|d| d["id"].as_u64().unwrap()).collect();
        (ids, extent(&list))
    };
    assert_eq!(of("").await, (vec![13, 12], (13, false, json!(11))));
    assert_eq!(of("&status=ready&dataset_group_id=107").await, (vec![11, 9], (6, false, json!(7))));
    assert_eq!(of("&page=7").await, (vec![1], (13, false, Value::Null)));
    call(&router, "DELETE", "/api/public/v2/datasets/12", "").await;
    assert_eq!(of("").await, (vec![13, 11], (12, false, json!(10))));
    assert_eq!(of("&status=deleted").await, (vec![12], (1, false, Value::Null)));
    // The datasets of a deleted group are passed over, its drafts too.
    fakes.table.create_draft(&draft(14, &groups[1], "a.csv")).await.unwrap();
    assert_eq!(of("").await, (vec![14, 13], (13, false, json!(11))));
    call(&router, "DELETE", "/api/public/v2/dataset-groups/107", "").await;
    assert_eq!(of("").await, (vec![13, 10], (6, false, json!(8))));
    assert_eq!(of("&page=3").await, (vec![4, 2], (6, false, Value::Null)));
}

#[tokio::test]
async fn the_description_and_its_viewer_need_no_key_and_no_other_host() {
    let (_, router) = service().await;
    for (path, media_type) in [
        ("/openapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/start.js", "text/javascript; charset=utf-8"),
        ("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("/docs/swagger-ui.css", "text/css; charset=utf-8"),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(
            (response.status(), &response.headers()[header::CONTENT_TYPE]),
            (StatusCode::OK, &media_type.parse().unwrap())
        );
        assert!(
            response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'")
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        if path == "/docs" {
            assert!(!body.windows(3).any(|three| three == b"://"), "it names another host");
        }
    }
}

#[tokio::test]
async fn a_draft_is_taken_back_and_told_of() {
    let (fakes, router) = service().await;
    fakes.table.register(&dataset_tests::webhook(5, 1, "https://example.com/")).await.unwrap();
    let upload = json!({"dataset_group_id": 7, "file_name": "a.csv", "file_size": 4});
    let (_, queued) = call(&router, "POST", "/api/public/v2/dataset-versions/from-upload", upload.to_string()).await;
    let path = format!("/api/public/v2/datasets/{}", queued["dataset_id"]);
    let (status, answer) = call(&router, "DELETE", &format!("{path}?status=ready"), "").await;
    assert_eq!(status, 409);
    assert_envelope(&answer, "status_changed");
    for only in ["?status=draft", "", "?status=draft"] {
        let (status, answer) = call(&router, "DELETE", &format!("{path}{only}"), "").await;
        assert_eq!((status, &answer["dataset"]["failure"]["code"]), (200, &json!("withdrawn")), "{answer}");
    }
    assert_eq!(fakes.queue.take().len(), 1, "it is told once");
    assert_eq!(call(&router, "GET", &path, "").await.1["dataset"]["status"], "failed");
}

/// What answers below a dataset answers below its number in its group, too.
#[tokio::test]
async fn a_version_goes_by_its_number_in_its_group() {
    let (fakes, router) = service().await;
    let questions = group(7, 1, "Questions");
    publish(&fakes, 1, &questions, "a\n1\n").await;
    publish(&fakes, 2, &questions, "a\n1\n2\n").await;
    let of_group = |path: &str| format!("/api/public/v2/dataset-groups/7/versions{path}");
    for (name, id) in [("/1", 1), ("/2", 2), ("/latest", 2)] {
        for below in [
            "",
            "/rows?per_page=1",
            "/columns",
            "/diff?against=1",
            "/diff?against=@1",
            "/diff?against=@latest",
            "/download?format=csv&redirect=false",
        ] {
            let (status, by_number) = call(&router, "GET", &of_group(&format!("{name}{below}")), "").await;
            let below = below.replace("@1", "1").replace("@latest", "2");
            assert_eq!((status, &by_number), (200, &get(&router, &format!("/{id}{below}")).await), "{name}{below}");
        }
    }
    for (name, status, code) in [
        ("/3", 404, "dataset_not_found"),
        ("/0", 404, "dataset_not_found"),
        ("/01", 404, "dataset_not_found"),
        ("/newest", 404, "dataset_not_found"),
        ("/1/diff?against=@3", 404, "dataset_not_found"),
        ("/1/diff?against=@X", 400, "invalid_parameter"),
        ("/1?x=1", 400, "invalid_parameter"),
    ] {
        let (got, answer) = call(&router, "GET", &of_group(name), "").await;
        assert_eq!(got, status, "{name}: {answer}");
        assert_envelope(&answer, code);
    }
    let (status, _) = call(&router, "GET", "/api/public/v2/dataset-groups/8/versions/1", "").await;
    assert_eq!(status, 403, "the group is another workspace's");

    // The key has made as many calls as it may.
    fakes.clock.advance(Duration::from_secs(60));
    // The newest is the newest that is there.
    assert_eq!(call(&router, "DELETE", &of_group("/latest"), "").await.0, 200);
    assert_eq!(call(&router, "GET", &of_group("/latest"), "").await.1["dataset"]["id"], 1);
    assert_eq!(call(&router, "GET", &of_group("/2"), "").await.1["dataset"]["is_deleted"], true);
    assert_eq!(call(&router, "POST", &of_group("/2/restore"), "").await.0, 200);
    assert_eq!(call(&router, "GET", &of_group("/latest"), "").await.1["dataset"]["id"], 2);
    fakes.table.create_group(&group(9, 1, "Empty")).await.unwrap();
    let (status, answer) = call(&router, "GET", "/api/public/v2/dataset-groups/9/versions/latest", "").await;
    assert_eq!(status, 404);
    assert_envelope(&answer, "dataset_not_found");
}
