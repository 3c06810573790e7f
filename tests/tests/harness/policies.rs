//! The permissions that a call needs, in the terms of a policy.

use crate::harness::proxy::json;
use bytes::Bytes;
use dataset_tests::wire::{Aws, object, operation};
use hyper::{Request, StatusCode};
use serde_json::Value;

/// The actions that a request needs, each with its resource.
pub(crate) fn actions(service: Aws, request: &Request<Bytes>, status: StatusCode) -> Vec<(String, String)> {
    let name = operation(service, request);
    let actions = match service {
        Aws::DynamoDb => of_table(&name, &json(request)),
        Aws::S3 => of_bucket(&name, request, status),
        Aws::Sqs => vec![(name.trim_end_matches("Batch").to_owned(), "queue".to_owned())],
        Aws::Kms => vec![(name, "key".to_owned())],
        Aws::Lambda | Aws::Gateway => vec![],
    };
    actions.into_iter().map(|(action, on)| (format!("{}:{action}", service.name()), on)).collect()
}

fn of_table(name: &str, body: &Value) -> Vec<(String, String)> {
    let on_table = |action: &str| (action.to_owned(), "table".to_owned());
    match name {
        "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().into_iter().flatten();
            let kinds = items.filter_map(|item| item.as_object()?.keys().next().cloned());
            kinds.map(|kind| on_table(&(kind + "Item"))).collect()
        }
        _ => match body["IndexName"].as_str() {
            Some(index) => vec![(name.to_owned(), format!("table/index/{index}"))],
            None => vec![on_table(name)],
        },
    }
}

fn of_bucket(name: &str, request: &Request<Bytes>, status: StatusCode) -> Vec<(String, String)> {
    let folder = |key: &str| key.split('/').next().unwrap_or_default().to_owned();
    let on = folder(&object(request).1);
    let mut actions = match name {
        "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => {
            vec![("PutObject".to_owned(), on)]
        }
        "GetObject" | "HeadObject" => vec![("GetObject".to_owned(), on)],
        _ => vec![(name.to_owned(), on)],
    };
    if status == StatusCode::NOT_FOUND && matches!(name, "GetObject" | "HeadObject" | "PutObjectTagging") {
        // Without this permission, S3 answers 403 for an object that does not exist.
        actions.push(("ListBucket".to_owned(), "bucket".to_owned()));
    }
    actions
}
