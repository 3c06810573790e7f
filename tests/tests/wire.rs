//! Each rule of AWS: a request that breaks it is refused, and the corrected request is accepted.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use dataset_tests::wire::rules;
use dataset_tests::wire::{Aws, Strict, StrictService};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::Barrier;
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt, service_fn};

type Engine = BoxCloneService<Request<Bytes>, Response<Full<Bytes>>, Infallible>;

const PART: usize = 5 << 20;

/// An engine that accepts everything.
fn taking_all(service: Aws) -> StrictService<Engine> {
    let answer = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
    let engine = service_fn(move |_: Request<Bytes>| async move { Ok(Response::new(Full::from(answer))) });
    Strict::new(service).layer(BoxCloneService::new(engine))
}

/// An engine whose every answer waits until `begun` is met twice: once to say that it has the request, and
/// once for leave to answer.
fn waiting(service: Aws, begun: &Arc<Barrier>) -> StrictService<Engine> {
    let begun = Arc::clone(begun);
    let engine = service_fn(move |_: Request<Bytes>| {
        let begun = Arc::clone(&begun);
        async move {
            begun.wait().await;
            begun.wait().await;
            Ok(Response::new(Full::default()))
        }
    });
    Strict::new(service).layer(BoxCloneService::new(engine))
}

/// The answer to `first` is held back until there is one to `second`.
async fn meeting<T, U>(begun: &Barrier, first: impl Future<Output = T>, second: impl Future<Output = U>) -> (T, U) {
    let second = async {
        begun.wait().await;
        let answer = second.await;
        begun.wait().await;
        answer
    };
    tokio::join!(first, second)
}

/// Sends a request to S3, and returns the status and the code of the refusal, if there is one.
async fn sent(engine: &StrictService<Engine>, line: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Option<String> {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = engine.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let code = text.split_once("<Code>").and_then(|(_, rest)| Some(rest.split_once("</Code>")?.0.to_owned()));
    assert_eq!(status >= 400, code.is_some(), "{status} {text}");
    code.map(|code| format!("{status} {code}"))
}

/// Calls an operation of a service that speaks JSON, and returns the code and message of the refusal.
async fn called(engine: &StrictService<Engine>, operation: &str, body: &Value) -> Option<String> {
    let request = Request::post("/").header("x-amz-target", format!("Service.{operation}"));
    let response = engine.clone().oneshot(request.body(body.to_string().into()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = error["message"].as_str().or(error["Message"].as_str()).unwrap_or_default();
    let code = error["__type"].as_str()?.rsplit_once('#').unwrap().1;
    Some(format!("{status} {code}: {message} {}", error["CancellationReasons"]).trim_end_matches(" null").to_owned())
}

/// Calls an operation twice: as AWS refuses it, and corrected.
async fn bites(service: Aws, operation: &str, refused: Value, taken: Value, expected: &str) {
    let engine = taking_all(service);
    let found = called(&engine, operation, &refused).await.unwrap_or_else(|| panic!("{operation}: {expected}"));
    assert!(found.starts_with("400 ") && found.contains(expected), "{operation}: {found}");
    assert_eq!(called(&engine, operation, &taken).await, None, "{operation}: {expected}");
}

/// Uploads parts of these lengths, and returns the answer to the completion.
async fn upload(algorithm: Option<&str>, part_checksum: bool, completed: &str, parts: &[usize]) -> Option<String> {
    let engine = taking_all(Aws::S3);
    let created = algorithm.map(|name| ("x-amz-checksum-algorithm", name));
    assert_eq!(sent(&engine, "POST /b/k?uploads", created.as_slice(), vec![]).await, None);
    let mut completion = String::new();
    for (number, length) in (1..).zip(parts) {
        let checksum = part_checksum.then_some(("x-amz-checksum-crc32", "AAAAAA=="));
        let line = format!("PUT /b/k?partNumber={number}&uploadId=u");
        let refused = sent(&engine, &line, checksum.as_slice(), vec![0; *length]).await;
        if refused.is_some() {
            return refused;
        }
        completion += &format!("<Part><PartNumber>{number}</PartNumber>{completed}</Part>");
    }
    sent(&engine, "POST /b/k?uploadId=u", &[], completion.into_bytes()).await
}

#[tokio::test]
async fn multipart_uploads() {
    const CRC: &str = "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>";
    let refused = |code: &str| Some(format!("400 {code}"));
    assert_eq!(upload(Some("CRC32"), true, CRC, &[PART, 5]).await, None);
    assert_eq!(upload(None, true, "", &[PART, 5]).await, None);
    assert_eq!(upload(None, true, CRC, &[PART, 5]).await, refused("InvalidPart"));
    assert_eq!(upload(Some("CRC32"), false, CRC, &[PART, 5]).await, refused("InvalidRequest"));
    assert_eq!(upload(Some("CRC32"), true, "", &[PART, 5]).await, refused("InvalidRequest"));
    assert_eq!(upload(Some("CRC32"), true, CRC, &[PART - 1, 5]).await, refused("EntityTooSmall"));
    assert_eq!(upload(Some("CRC32"), true, CRC, &[PART - 1]).await, None);
}

#[tokio::test]
async fn a_copy_of_an_object_onto_itself() {
    let engine = taking_all(Aws::S3);
    let (source, replace) = (("x-amz-copy-source", "b/k"), ("x-amz-metadata-directive", "REPLACE"));
    assert_eq!(sent(&engine, "PUT /b/k", &[source], vec![]).await.unwrap(), "400 InvalidRequest");
    assert_eq!(sent(&engine, "PUT /b/k", &[source, replace], vec![]).await, None);
    assert_eq!(sent(&engine, "PUT /b/other", &[source], vec![]).await, None);
}

#[tokio::test]
async fn a_conditional_write_that_meets_another() {
    let begun = Arc::new(Barrier::new(2));
    let engine = waiting(Aws::S3, &begun);
    let put = || sent(&engine, "PUT /b/k", &[("if-none-match", "*")], vec![]);
    let (first, second) = meeting(&begun, put(), put()).await;
    assert_eq!((first, second.unwrap().as_str()), (None, "409 ConditionalRequestConflict"));
    let (third, ()) = meeting(&begun, put(), async {}).await;
    assert_eq!(third, None, "the first has ended");
}

/// An item of the table, with a text of so many bytes beside its key.
fn item(pk: &str, sk: &str, bytes: usize) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": sk}, "t": {"S": "x".repeat(bytes)}})
}

fn put(item: &Value) -> Value {
    json!({"TableName": "t", "Item": item})
}

fn keys(keys: &[String]) -> Value {
    let keys: Vec<Value> = keys.iter().map(|key| json!({"pk": {"S": key}, "sk": {"S": "s"}})).collect();
    json!({"RequestItems": {"t": {"Keys": keys}}})
}

fn transaction(items: &[Value]) -> Value {
    let actions: Vec<Value> = items.iter().map(|item| json!({"Put": put(item)})).collect();
    json!({"TransactItems": actions})
}

fn update(expression: &str, names: &Value, values: &Value) -> Value {
    json!({
        "TableName": "t",
        "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}},
        "UpdateExpression": expression,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    })
}

#[tokio::test]
async fn items_and_keys_of_dynamodb() {
    // "pk", "sk" and "t" with "p" and "s" are seven bytes.
    let (limit, k) = ((400 << 10) - 7, |bytes| "k".repeat(bytes));
    for (refused, taken, expected) in [
        (item("p", "s", limit + 1), item("p", "s", limit), "Item size"),
        (item(&k(2_049), "s", 1), item(&k(2_048), "s", 1), "hashkey"),
        (item("p", &k(1_025), 1), item("p", &k(1_024), 1), "range keys"),
        (item("", "s", 1), item("p", "s", 1), "empty string"),
        (item("p", "", 1), item("p", "s", 0), "empty string"),
    ] {
        bites(Aws::DynamoDb, "PutItem", put(&refused), put(&taken), expected).await;
    }
    let get = |pk: &str| json!({"TableName": "t", "Key": {"pk": {"S": pk}, "sk": {"S": "s"}}});
    bites(Aws::DynamoDb, "GetItem", get(""), get("p"), "empty string").await;
    let set = |bytes| update("SET t = :t", &json!({}), &json!({":t": {"S": "x".repeat(bytes)}}));
    bites(Aws::DynamoDb, "UpdateItem", set(400 << 10), set(300 << 10), "Item size").await;
}

#[tokio::test]
async fn transactions_and_batches_of_dynamodb() {
    let numbered = |count: usize, bytes| (0..count).map(|n| item(&n.to_string(), "s", bytes)).collect::<Vec<_>>();
    let of = |count, bytes| transaction(&numbered(count, bytes));
    bites(Aws::DynamoDb, "TransactWriteItems", of(101, 1), of(100, 1), "less than or equal to 100").await;
    bites(Aws::DynamoDb, "TransactWriteItems", of(11, 399_000), of(10, 399_000), "exceed 4MB").await;
    let twice = transaction(&[item("p", "s", 1), item("p", "s", 2)]);
    bites(Aws::DynamoDb, "TransactWriteItems", twice, of(2, 1), "multiple operations on one item").await;
    let named = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    bites(Aws::DynamoDb, "BatchGetItem", keys(&named(101)), keys(&named(100)), "Too many items").await;
    let twice = [named(2), named(1)].concat();
    bites(Aws::DynamoDb, "BatchGetItem", keys(&twice), keys(&named(2)), "duplicates").await;
    bites(Aws::DynamoDb, "BatchGetItem", keys(&[String::new()]), keys(&named(1)), "empty string").await;
}

#[tokio::test]
async fn expressions_of_dynamodb() {
    let value = json!({":v": {"N": "1"}});
    let long = |bytes: usize| update(&format!("SET {} = :v", "n".repeat(bytes - 9)), &json!({}), &value);
    bites(Aws::DynamoDb, "UpdateItem", long(4_097), long(4_096), "Expression size").await;
    let reserved = update("SET status = :v", &json!({}), &value);
    let named = update("SET #status = :v", &json!({"#status": "status"}), &value);
    bites(Aws::DynamoDb, "UpdateItem", reserved, named.clone(), "reserved keyword").await;
    // Functions and operators are no names, and a reserved word may be a part of one.
    let used = update("SET statuses = if_not_exists(row_count, :v) REMOVE due_at", &json!({}), &value);
    let unused =
        update("SET #status = :v", &json!({"#status": "status"}), &json!({":v": {"N": "1"}, ":w": {"N": "1"}}));
    bites(Aws::DynamoDb, "UpdateItem", unused, used, "unused in expressions").await;
    let longer = update("SET #status2 = :v", &json!({"#status2": "s", "#status": "s"}), &json!({":v": {"N": "1"}}));
    bites(Aws::DynamoDb, "UpdateItem", longer, named, "unused in expressions").await;
    let after = |bytes| json!({"TableName": "t", "KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": {":a": {"S": "x".repeat(bytes)}}});
    bites(Aws::DynamoDb, "Query", after(1_025), after(1_024), "key condition").await;
    let query = |consistent| json!({"TableName": "t", "IndexName": "due", "ConsistentRead": consistent});
    bites(Aws::DynamoDb, "Query", query(true), query(false), "Consistent reads").await;
}

#[tokio::test]
async fn writes_that_meet_a_transaction() {
    let begun = Arc::new(Barrier::new(2));
    let engine = waiting(Aws::DynamoDb, &begun);
    let of = |names: [&str; 2]| transaction(&names.map(|name| item(name, "s", 1)));
    let (first, second, single) = (of(["a", "b"]), of(["b", "c"]), put(&item("a", "s", 1)));
    let writes =
        async { (called(&engine, "TransactWriteItems", &second).await, called(&engine, "PutItem", &single).await) };
    let (first_answer, (second, single_answer)) =
        meeting(&begun, called(&engine, "TransactWriteItems", &first), writes).await;
    assert_eq!(first_answer, None);
    let reasons = json!([{"Code": "TransactionConflict"}, {"Code": "None"}]).to_string();
    let second = second.unwrap();
    assert!(second.starts_with("400 TransactionCanceledException") && second.ends_with(&reasons), "{second}");
    assert!(single_answer.unwrap().starts_with("400 TransactionConflictException"));
    let (after, ()) = meeting(&begun, called(&engine, "PutItem", &single), async {}).await;
    assert_eq!(after, None, "the transaction has ended");
}

#[tokio::test]
async fn messages_of_sqs() {
    const MIB: usize = 1 << 20;
    let message = |bytes: usize, delay: u64| json!({"MessageBody": "x".repeat(bytes), "DelaySeconds": delay});
    let batch = |count: usize, bytes: usize| {
        let entries = (0..count).map(|n| json!({"Id": n.to_string(), "MessageBody": "x".repeat(bytes)}));
        json!({"Entries": entries.collect::<Vec<_>>()})
    };
    bites(Aws::Sqs, "SendMessage", message(MIB + 1, 0), message(MIB, 0), "shorter than 1048576").await;
    bites(Aws::Sqs, "SendMessage", message(1, 901), message(1, 900), "DelaySeconds").await;
    bites(Aws::Sqs, "SendMessageBatch", batch(2, MIB / 2 + 1), batch(2, MIB / 2), "longer than 1048576").await;
    for operation in ["SendMessageBatch", "DeleteMessageBatch"] {
        bites(Aws::Sqs, operation, batch(11, 1), batch(10, 1), "entries per request are 10").await;
        bites(Aws::Sqs, operation, batch(0, 1), batch(1, 1), "at least one entry").await;
        let mut twice = batch(2, 1);
        twice["Entries"][1]["Id"] = "0".into();
        bites(Aws::Sqs, operation, twice, batch(2, 1), "same Id").await;
    }
}

#[tokio::test]
async fn texts_that_kms_encrypts() {
    let encrypt = |bytes: usize| json!({"Plaintext": BASE64_STANDARD.encode(vec![0; bytes])});
    bites(Aws::Kms, "Encrypt", encrypt(4_097), encrypt(4_096), "less than or equal to 4096").await;
}

#[tokio::test]
async fn answers_that_lambda_takes() {
    let engine = taking_all(Aws::Lambda);
    for (path, bytes, expected) in [("response", 6_291_556, 200), ("response", 6_291_557, 413), ("error", 7 << 20, 200)]
    {
        let request = Request::post(format!("/2018-06-01/runtime/invocation/1/{path}"));
        let response = engine.clone().oneshot(request.body(vec![b' '; bytes].into()).unwrap()).await.unwrap();
        assert_eq!(response.status(), expected, "{path}, {bytes} bytes");
    }
}

#[tokio::test]
async fn urls_whose_credentials_have_ended() {
    let engine = taking_all(Aws::S3);
    for (token, refused) in [("ended", Some("403 ExpiredToken".to_owned())), ("live", None)] {
        let line = format!("PUT /b/k?X-Amz-Expires=3600&X-Amz-Security-Token={token}&X-Amz-Signature=0");
        assert_eq!(sent(&engine, &line, &[], vec![]).await, refused);
    }
}

#[tokio::test]
async fn requests_and_answers_at_the_gateway() {
    let engine = taking_all(Aws::Gateway);
    const MIB: usize = 1 << 20;
    // The name of the header counts, too.
    for (body, header, expected) in
        [(5 * MIB, 10_234, 200), (10 * MIB + 1, 0, 413), (6 * MIB, 0, 413), (0, 10_235, 431)]
    {
        let request = Request::post("/").header("header", "x".repeat(header)).body(vec![b' '; body].into()).unwrap();
        assert_eq!(engine.clone().oneshot(request).await.unwrap().status(), expected, "{body} {header}");
    }
    let mut headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, "ApiKey".parse().unwrap())]);
    rules::gateway::rename(&mut headers);
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-amzn-remapped-www-authenticate"]);
}

/// An engine that answers whatever it is asked with this.
async fn answered(operation: &str, request: &Value, answer: &Value) -> Value {
    let answer = answer.to_string();
    let engine = service_fn(move |_: Request<Bytes>| {
        let answer = answer.clone();
        async move { Ok::<_, Infallible>(Response::new(Full::from(answer))) }
    });
    let engine = Strict::new(Aws::DynamoDb).layer(engine);
    let request = Request::post("/").header("x-amz-target", format!("D.{operation}")).body(request.to_string().into());
    let response = engine.oneshot(request.unwrap()).await.unwrap();
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn answers_of_dynamodb_are_cut() {
    let items = |count: u32| (0..count).map(|n| item("p", &n.to_string(), 300_000)).collect::<Vec<_>>();
    let query = json!({"TableName": "t"});
    let page = async |count| answered("Query", &query, &json!({"Items": items(count), "Count": count})).await;
    assert_eq!(page(3).await["LastEvaluatedKey"], Value::Null);
    let cut = page(5).await;
    assert_eq!(cut["LastEvaluatedKey"], json!({"pk": {"S": "p"}, "sk": {"S": "2"}}));
    assert_eq!((cut["Items"].as_array().unwrap().len(), &cut["Count"]), (3, &json!(3)));

    let of = |count: u32| (0..count).map(|n| json!({"pk": {"S": "p"}, "sk": {"S": n.to_string()}})).collect::<Vec<_>>();
    let batch = json!({"RequestItems": {"t": {"Keys": of(60), "ConsistentRead": true}}});
    let cut = answered("BatchGetItem", &batch, &json!({"Responses": {"t": items(60)}})).await;
    let found = cut["Responses"]["t"].as_array().unwrap().len();
    assert!((1..60).contains(&found), "{found}");
    assert_eq!(cut["UnprocessedKeys"], json!({"t": {"Keys": of(60)[found..], "ConsistentRead": true}}));
}

#[test]
fn each_rule_has_its_source() {
    for service in Aws::ALL {
        let rules = rules::of(service);
        assert!(!rules.is_empty(), "{}", service.name());
        let name = |source: &str| source.contains(':') || source.contains(',');
        assert!(rules.iter().all(|rule| rule.source.len() > 20 && name(rule.source)), "{}", service.name());
    }
}
