//! What API Gateway refuses of a client, and what it does to an answer.

use super::{Refusal, Rule};
use http::{HeaderMap, HeaderName, header};

const MAX_BODY_BYTES: usize = 10 << 20;
const MAX_HEADER_BYTES: usize = 10_240;
const MAX_EVENT_BYTES: usize = 6 << 20;

pub(super) static RULES: &[Rule] = &[
    Rule {
        refusal: Refusal { status: 413, code: "Request Too Long", message: "Request Too Long" },
        source: "Amazon API Gateway quotas, REST APIs: a payload of 10 MB",
        is_broken: |sight| sight.request.body().len() > MAX_BODY_BYTES,
    },
    Rule {
        refusal: Refusal { status: 413, code: "Request Too Long", message: "Request Too Long" },
        source: "AWS Lambda quotas, invocation payload: 6 MB for a synchronous request, in which the body is JSON text",
        is_broken: |sight| {
            let body = String::from_utf8_lossy(sight.request.body());
            serde_json::json!(body).to_string().len() > MAX_EVENT_BYTES
        },
    },
    Rule {
        refusal: Refusal { status: 431, code: "Request Header Fields Too Large", message: "Request header too long" },
        source: "Amazon API Gateway quotas, REST APIs: names and values of all headers, 10,240 bytes together",
        is_broken: |sight| {
            let headers = sight.request.headers().iter();
            headers.map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() > MAX_HEADER_BYTES
        },
    },
];

/// Renames the headers of an answer that clients don't get under their names ("important notes", REST APIs).
pub fn rename(headers: &mut HeaderMap) {
    if let Some(value) = headers.remove(header::WWW_AUTHENTICATE) {
        headers.insert(HeaderName::from_static("x-amzn-remapped-www-authenticate"), value);
    }
}
