//! What S3 refuses.

use super::{Refusal, Rule};
use crate::wire::multipart::{completed_parts, element};
use crate::wire::request::{checksums, header, object, query};

/// The smallest part of a multipart upload, except for the last.
const MIN_PART_BYTES: u64 = 5 << 20;

/// The checksum algorithms of S3, as in `x-amz-checksum-crc32` and `ChecksumCRC32`.
const ALGORITHMS: [&str; 5] = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];

/// How the session token of credentials that have ended begins, in tests.
const ENDED: &str = "ended";

pub(super) static RULES: &[Rule] = &[
    Rule {
        refusal: Refusal { status: 403, code: "ExpiredToken", message: "The provided token has expired." },
        source: "Amazon S3 User Guide, presigned URLs: one ends with the credentials that signed it, however long it was to live",
        is_broken: |sight| {
            let token = query(sight.request, "X-Amz-Security-Token").or(header(sight.request, "x-amz-security-token"));
            token.is_some_and(|token| token.starts_with(ENDED))
        },
    },
    Rule {
        refusal: Refusal {
            status: 400,
            code: "InvalidPart",
            message: "One or more of the specified parts could not be found.",
        },
        source: "aws/aws-sdk-go-v2#3005, aws/aws-sdk-java-v2#6518: a completion with checksums of parts where none was named at creation",
        is_broken: |sight| {
            let names_none = sight.uploads.of(sight.request).is_some_and(|upload| upload.algorithm.is_none());
            let has_checksum = |part: &String| ALGORITHMS.iter().any(|name| checksum(part, name).is_some());
            sight.operation == "CompleteMultipartUpload"
                && names_none
                && completed_parts(sight.request).iter().any(has_checksum)
        },
    },
    Rule {
        refusal: Refusal {
            status: 400,
            code: "InvalidRequest",
            message: "The upload was created using a checksum. The complete request must include the checksum for each part.",
        },
        source: "apache/opendal#4580, floci-io/floci#3093: a part or a completion without the checksum that was named at creation",
        is_broken: |sight| {
            let named = sight.uploads.of(sight.request).and_then(|upload| upload.algorithm.as_deref());
            named.is_some_and(|named| match sight.operation.as_str() {
                "UploadPart" => {
                    let wanted = format!("x-amz-checksum-{named}");
                    checksums(sight.request).iter().all(|(name, _)| *name != wanted)
                }
                "CompleteMultipartUpload" => {
                    completed_parts(sight.request).iter().any(|part| checksum(part, named).is_none())
                }
                _ => false,
            })
        },
    },
    Rule {
        refusal: Refusal {
            status: 400,
            code: "EntityTooSmall",
            message: "Your proposed upload is smaller than the minimum allowed object size.",
        },
        source: "Amazon S3 User Guide, multipart upload limits: a part under 5 MiB that is not the last",
        is_broken: |sight| {
            sight.operation == "CompleteMultipartUpload"
                && sight.uploads.of(sight.request).is_some_and(|upload| {
                    let all_but_last = upload.parts.values().rev().skip(1);
                    all_but_last.into_iter().any(|bytes| *bytes < MIN_PART_BYTES)
                })
        },
    },
    Rule {
        refusal: Refusal {
            status: 400,
            code: "InvalidRequest",
            message: "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
        },
        source: "Amazon S3 API, CopyObject: an object onto itself with nothing changed",
        is_broken: |sight| {
            let (bucket, key) = object(sight.request);
            let onto_itself = |source: &str| source.trim_start_matches('/') == format!("{bucket}/{key}");
            let changes = ["x-amz-metadata-directive", "x-amz-storage-class", "x-amz-server-side-encryption"];
            header(sight.request, "x-amz-copy-source").is_some_and(onto_itself)
                && changes.iter().all(|name| header(sight.request, name).is_none_or(|value| value == "COPY"))
        },
    },
    Rule {
        refusal: Refusal {
            status: 409,
            code: "ConditionalRequestConflict",
            message: "The conditional request cannot succeed due to a conflicting operation against this resource.",
        },
        source: "Amazon S3 User Guide, conditional writes: of two at the same time, the second",
        is_broken: |sight| sight.meets.contains(&true),
    },
];

/// A part's checksum by this algorithm, in the XML of a completion.
fn checksum<'a>(part: &'a str, algorithm: &str) -> Option<&'a str> {
    element(part, &format!("Checksum{}", algorithm.to_ascii_uppercase()))
}
