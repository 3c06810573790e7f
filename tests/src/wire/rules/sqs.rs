//! What SQS refuses.

use super::{Refusal, Rule, Sight};
use serde_json::Value;
use std::collections::HashSet;

const MAX_MESSAGE_BYTES: usize = 1 << 20;
const MAX_BATCH: usize = 10;
const MAX_DELAY_SECONDS: u64 = 900;

pub(super) static RULES: &[Rule] = &[
    Rule {
        refusal: Refusal::new(
            "InvalidParameterValue",
            "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
        ),
        source: "Amazon SQS quotas, messages: message size, 1 MiB",
        is_broken: |sight| messages(sight).iter().any(|message| bytes(message) > MAX_MESSAGE_BYTES),
    },
    Rule {
        refusal: Refusal::new(
            "BatchRequestTooLong",
            "Batch requests cannot be longer than 1048576 bytes. You have sent more.",
        ),
        source: "Amazon SQS quotas, messages: message size, 1 MiB for all messages of a batch",
        is_broken: |sight| messages(sight).into_iter().map(bytes).sum::<usize>() > MAX_MESSAGE_BYTES,
    },
    Rule {
        refusal: Refusal::new(
            "TooManyEntriesInBatchRequest",
            "Maximum number of entries per request are 10. You have sent more.",
        ),
        source: "Amazon SQS quotas, messages: batched messages, 10",
        is_broken: |sight| entries(sight).is_some_and(|entries| entries.len() > MAX_BATCH),
    },
    Rule {
        refusal: Refusal::new("EmptyBatchRequest", "There should be at least one entry in the request."),
        source: "Amazon SQS API, SendMessageBatch and DeleteMessageBatch: errors",
        is_broken: |sight| entries(sight).is_some_and(<[Value]>::is_empty),
    },
    Rule {
        refusal: Refusal::new("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id."),
        source: "Amazon SQS API, SendMessageBatch and DeleteMessageBatch: errors",
        is_broken: |sight| {
            let mut ids = HashSet::new();
            entries(sight).into_iter().flatten().any(|entry| !ids.insert(entry["Id"].as_str()))
        },
    },
    Rule {
        refusal: Refusal::new(
            "InvalidParameterValue",
            "Value for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
        ),
        source: "Amazon SQS quotas, messages: message delay, 15 minutes",
        is_broken: |sight| {
            let delays = messages(sight).into_iter().filter_map(|message| message["DelaySeconds"].as_u64());
            delays.into_iter().any(|seconds| seconds > MAX_DELAY_SECONDS)
        },
    },
];

fn entries<'a>(sight: &Sight<'a>) -> Option<&'a [Value]> {
    sight.body["Entries"].as_array().map(Vec::as_slice).filter(|_| sight.operation.ends_with("Batch"))
}

/// The messages that a request sends.
fn messages<'a>(sight: &Sight<'a>) -> Vec<&'a Value> {
    match sight.operation.as_str() {
        "SendMessage" => vec![sight.body],
        "SendMessageBatch" => entries(sight).into_iter().flatten().collect(),
        _ => vec![],
    }
}

fn bytes(message: &Value) -> usize {
    let attributes = message["MessageAttributes"].as_object().into_iter().flatten();
    let attributes = attributes.map(|(name, value)| name.len() + value.to_string().len());
    message["MessageBody"].as_str().map_or(0, str::len) + attributes.sum::<usize>()
}
