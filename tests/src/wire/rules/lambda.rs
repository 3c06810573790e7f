//! What Lambda refuses of a function, whose requests are those to the Runtime API.

use super::{Refusal, Rule};

/// The longest answer of a function.
const MAX_RESPONSE_BYTES: usize = 6_291_556;

pub(super) static RULES: &[Rule] = &[Rule {
    refusal: Refusal {
        status: 413,
        code: "Function.ResponseSizeTooLarge",
        message: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    },
    source: "AWS Lambda quotas, invocation payload: 6 MB for a synchronous response; the number is that of the error",
    is_broken: |sight| sight.operation == "Response" && sight.request.body().len() > MAX_RESPONSE_BYTES,
}];
