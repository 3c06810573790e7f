//! Uploads that AWS Lambda has given up on.

use dataset_core::blobs::Blobs;
use dataset_core::id::DatasetId;
use lambda_runtime::Error;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

/// The parts of a failure destination's event that are needed here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GivenUp {
    request_payload: S3Event,
}

#[derive(Deserialize)]
struct S3Event {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    s3: S3,
}

#[derive(Deserialize)]
struct S3 {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    key: String,
}

/// The drafts whose objects the event was about.
pub(crate) fn drafts(event: Value, blobs: &dyn Blobs) -> Result<Vec<DatasetId>, Error> {
    let event: GivenUp = serde_json::from_value(event)?;
    let mut drafts = Vec::new();
    for record in &event.request_payload.records {
        // S3 encodes keys in events.
        let key = percent_decode_str(&record.s3.object.key).decode_utf8()?;
        drafts.extend(blobs.upload_of(&key));
    }
    Ok(drafts)
}
