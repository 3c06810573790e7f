//! Each rule of AWS: a request that breaks it is refused, and the corrected request is accepted.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use bytes::Bytes;
use dataset_tests::wire::rules::{self, Rule};
use dataset_tests::wire::{Aws, Strict, StrictService};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::Barrier;
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt, service_fn};

type Engine = BoxCloneService<Request<Bytes>, Response<Full<Bytes>>, Infallible>;

const PART: usize = 5 << 20;

/// An engine that accepts everything.
fn taking_all() -> StrictService<Engine> {
    let answer = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
    let engine = service_fn(move |_: Request<Bytes>| async move { Ok(Response::new(Full::from(answer))) });
    Strict::new(Aws::S3).layer(BoxCloneService::new(engine))
}

/// Sends a request to S3, and returns the code of the refusal, if there is one.
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

/// Uploads parts of these lengths, and returns the answer to the completion.
async fn upload(algorithm: Option<&str>, part_checksum: bool, completed: &str, parts: &[usize]) -> Option<String> {
    let engine = taking_all();
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
    let engine = taking_all();
    let (source, replace) = (("x-amz-copy-source", "b/k"), ("x-amz-metadata-directive", "REPLACE"));
    assert_eq!(sent(&engine, "PUT /b/k", &[source], vec![]).await.unwrap(), "400 InvalidRequest");
    assert_eq!(sent(&engine, "PUT /b/k", &[source, replace], vec![]).await, None);
    assert_eq!(sent(&engine, "PUT /b/other", &[source], vec![]).await, None);
}

#[tokio::test]
async fn a_conditional_write_that_meets_another() {
    let begun = Arc::new(Barrier::new(2));
    let engine = service_fn({
        let begun = Arc::clone(&begun);
        move |_: Request<Bytes>| {
            let begun = Arc::clone(&begun);
            async move {
                begun.wait().await;
                begun.wait().await;
                Ok(Response::new(Full::default()))
            }
        }
    });
    let engine = Strict::new(Aws::S3).layer(BoxCloneService::new(engine));
    let if_new = &[("if-none-match", "*")];
    let second = async {
        begun.wait().await;
        let met = sent(&engine, "PUT /b/k", if_new, vec![]).await;
        begun.wait().await;
        met
    };
    let (first, second) = tokio::join!(sent(&engine, "PUT /b/k", if_new, vec![]), second);
    assert_eq!((first, second.unwrap().as_str()), (None, "409 ConditionalRequestConflict"));
    let after = async {
        begun.wait().await;
        begun.wait().await;
    };
    let (third, ()) = tokio::join!(sent(&engine, "PUT /b/k", if_new, vec![]), after);
    assert_eq!(third, None, "the first has ended");
}

#[test]
fn each_rule_has_its_source() {
    let codes: BTreeSet<&str> = rules::of(Aws::S3).iter().map(|Rule { refusal, .. }| refusal.code).collect();
    assert_eq!(
        codes,
        BTreeSet::from(["ConditionalRequestConflict", "EntityTooSmall", "InvalidPart", "InvalidRequest"])
    );
    assert!(rules::of(Aws::S3).iter().all(|rule| rule.source.len() > 20));
}
