//! The objects in an S3 event.

use aws_lambda_events::event::s3::S3Event;
use lambda_runtime::Error;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The keys of the event's records, decoded. S3's test event has none.
pub(crate) fn keys(event: Value) -> Result<Vec<String>, Error> {
    if event.get("Records").is_none() {
        return Ok(Vec::new());
    }
    let event: S3Event = serde_json::from_value(event)?;
    event.records.iter().filter_map(|record| record.s3.object.key.as_deref()).map(decode).collect()
}

/// S3 writes a space as `+` and percent-encodes the rest, a `+` too.
fn decode(key: &str) -> Result<String, Error> {
    let key = key.replace('+', " ");
    Ok(percent_decode_str(&key).decode_utf8()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_and_its_key_as_it_is() {
        for (file, expected) in [
            (include_str!("../../../events/s3-put.json"), &["uploads/3751873437921"][..]),
            (include_str!("../../../events/s3-multipart.json"), &["uploads/3751873437921"]),
            (include_str!("../../../events/s3-tagging.json"), &["uploads/3751873437921"]),
            (
                include_str!("../../../events/s3-several-records.json"),
                &["uploads/3751873437921", "uploads/3751873437922"],
            ),
            (
                include_str!("../../../events/s3-odd-keys.json"),
                &["uploads/my file+1 (é).csv", "uploads/", "uploads/3751873437921"],
            ),
            (include_str!("../../../events/s3-test-event.json"), &[]),
        ] {
            assert_eq!(keys(serde_json::from_str(file).unwrap()).unwrap(), expected);
        }
    }
}
