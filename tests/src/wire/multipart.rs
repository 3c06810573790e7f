//! The multipart uploads in progress.

use super::Aws;
use super::request::{header, operation, query};
use bytes::Bytes;
use http::Request;
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
pub(super) struct Uploads(HashMap<String, Upload>);

pub(super) struct Upload {
    /// The checksum algorithm named at creation, such as `crc32`.
    pub(super) algorithm: Option<String>,
    /// The length of each part, in bytes.
    pub(super) parts: BTreeMap<u32, u64>,
}

impl Uploads {
    /// The upload that a request names.
    pub(super) fn of(&self, request: &Request<Bytes>) -> Option<&Upload> {
        self.0.get(query(request, "uploadId")?)
    }

    /// Records the effect of a request that the engine has carried out.
    pub(super) fn learn(&mut self, request: &Request<Bytes>, answer: &Bytes) {
        let id = query(request, "uploadId").unwrap_or_default();
        match operation(Aws::S3, request).as_str() {
            "CreateMultipartUpload" => {
                let algorithm = header(request, "x-amz-checksum-algorithm").map(str::to_ascii_lowercase);
                let answer = String::from_utf8_lossy(answer);
                let id = element(&answer, "UploadId").unwrap_or_default().to_owned();
                self.0.insert(id, Upload { algorithm, parts: BTreeMap::new() });
            }
            "UploadPart" => {
                let number = query(request, "partNumber").and_then(|number| number.parse().ok());
                if let (Some(upload), Some(number)) = (self.0.get_mut(id), number) {
                    upload.parts.insert(number, body_bytes(request));
                }
            }
            "CompleteMultipartUpload" | "AbortMultipartUpload" => drop(self.0.remove(id)),
            _ => {}
        }
    }
}

/// The length of the stored content, without the framing of chunks.
fn body_bytes(request: &Request<Bytes>) -> u64 {
    let decoded = header(request, "x-amz-decoded-content-length").and_then(|length| length.parse().ok());
    decoded.unwrap_or(request.body().len() as u64)
}

/// The XML of each part in a completion.
pub(super) fn completed_parts(request: &Request<Bytes>) -> Vec<String> {
    let text = String::from_utf8_lossy(request.body()).into_owned();
    text.split("<Part>").skip(1).map(str::to_owned).collect()
}

/// The text of the first element of this name.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}
