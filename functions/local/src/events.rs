//! Events as AWS writes them.

use crate::engines::Stored;
use dataset_aws::Message;
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use std::time::Duration;

/// The notification of a stored object.
pub fn s3(stored: &Stored, now: Timestamp) -> Value {
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": now.to_string(),
        "eventName": stored.event,
        "userIdentity": {"principalId": "AWS:LOCAL"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "LOCAL", "x-amz-id-2": "LOCAL"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "local",
            "bucket": {
                "name": stored.bucket,
                "ownerIdentity": {"principalId": "LOCAL"},
                "arn": format!("arn:aws:s3:::{}", stored.bucket),
            },
            // Keys of uploads have no characters to encode.
            "object": {"key": stored.key},
        },
    }]})
}

/// Received messages, as an event source mapping passes them on.
pub fn sqs(messages: &[Message]) -> Value {
    let record = |message: &Message| {
        json!({
            "messageId": message.id,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": {"ApproximateReceiveCount": message.receive_count},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:deliveries",
            "awsRegion": "us-east-1",
        })
    };
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}

/// The event of EventBridge's schedule.
pub fn schedule(now: Timestamp) -> Value {
    json!({
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "region": "us-east-1",
        "time": now.to_string(),
        "resources": [],
        "detail": {},
    })
}

/// The event that Lambda sends to a failure destination.
pub fn retries_exhausted(request_id: &str, payload: &Value, error: &str, now: Timestamp) -> Value {
    json!({
        "version": "1.0",
        "timestamp": now.to_string(),
        "requestContext": {"requestId": request_id, "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": error},
    })
}

/// An invocation whose deadline is `timeout` from `now`.
pub fn invocation(payload: Value, request_id: &str, now: Timestamp, timeout: Duration) -> LambdaEvent<Value> {
    let mut context = Context::default();
    request_id.clone_into(&mut context.request_id);
    context.deadline = u64::try_from(now.as_millisecond()).unwrap_or(0) + timeout.as_millis() as u64;
    LambdaEvent::new(payload, context)
}
