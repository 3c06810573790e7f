//! Reads requests to AWS.

use super::Aws;
use bytes::Bytes;
use http::{Method, Request};

/// The bucket and the key of a request to S3.
pub fn object(request: &Request<Bytes>) -> (String, String) {
    let path = request.uri().path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (bucket.to_owned(), key.to_owned())
}

/// AWS's name of the operation.
pub fn operation(service: Aws, request: &Request<Bytes>) -> String {
    if service == Aws::Gateway {
        return "Invoke".to_owned();
    }
    if service == Aws::Lambda {
        return if request.uri().path().ends_with("/response") { "Response" } else { "Other" }.to_owned();
    }
    if service != Aws::S3 {
        return header(request, "x-amz-target").and_then(|target| target.rsplit('.').next()).unwrap_or("?").to_owned();
    }
    let name = match *request.method() {
        Method::PUT if header(request, "x-amz-copy-source").is_some() => "CopyObject",
        Method::PUT if query(request, "partNumber").is_some() => "UploadPart",
        Method::PUT if query(request, "tagging").is_some() => "PutObjectTagging",
        Method::PUT => "PutObject",
        Method::POST if query(request, "uploads").is_some() => "CreateMultipartUpload",
        Method::POST => "CompleteMultipartUpload",
        Method::DELETE if query(request, "uploadId").is_some() => "AbortMultipartUpload",
        Method::DELETE => "DeleteObject",
        Method::HEAD => "HeadObject",
        _ => "GetObject",
    };
    name.to_owned()
}

pub(super) fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

pub(super) fn query<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    let pairs = request.uri().query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The checksums of the body that a request has, in headers or trailers, by header name.
pub(super) fn checksums(request: &Request<Bytes>) -> Vec<(String, String)> {
    let is_checksum = |name: &str| name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-algorithm";
    let in_headers = request.headers().iter().filter(|(name, _)| is_checksum(name.as_str()));
    let in_headers = in_headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let behind = header(request, "x-amz-trailer").filter(|name| is_checksum(name)).and_then(|name| {
        let end = &request.body()[request.body().len().saturating_sub(256)..];
        let (_, value) =
            std::str::from_utf8(&end[end.iter().rposition(|byte| !byte.is_ascii()).map_or(0, |at| at + 1)..])
                .ok()?
                .rsplit_once(&format!("{name}:"))?;
        Some((name.to_owned(), value.split_whitespace().next()?.to_owned()))
    });
    in_headers.chain(behind).collect()
}
