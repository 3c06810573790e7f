//! What KMS refuses.

use super::{Refusal, Rule};
use base64::prelude::{BASE64_STANDARD, Engine};

/// The longest text that a key encrypts by itself.
const MAX_PLAINTEXT_BYTES: usize = 4_096;

pub(super) static RULES: &[Rule] = &[Rule {
    refusal: Refusal::new(
        "ValidationException",
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096",
    ),
    source: "AWS KMS API, Encrypt: up to 4,096 bytes under a symmetric key",
    is_broken: |sight| {
        let plaintext = sight.body["Plaintext"].as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
        sight.operation == "Encrypt" && plaintext.is_some_and(|text| text.len() > MAX_PLAINTEXT_BYTES)
    },
}];
