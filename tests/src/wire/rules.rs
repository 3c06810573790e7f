//! The rules of AWS: each with the error that AWS answers, and where it is documented or was observed.
//!
//! A new rule is one more row of its service's table.

mod dynamodb;
pub mod gateway;
mod kms;
mod lambda;
mod s3;
mod sqs;

use super::Aws;
use super::multipart::Uploads;
use bytes::Bytes;
use http::Request;
use serde_json::Value;

pub struct Rule {
    pub refusal: Refusal,
    /// Where AWS documents it, or where it was observed.
    pub source: &'static str,
    pub(super) is_broken: fn(&Sight<'_>) -> bool,
}

pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: &'static str,
}

/// A request, and what is known about those before it.
pub struct Sight<'a> {
    pub(super) operation: String,
    pub(super) request: &'a Request<Bytes>,
    /// The body as JSON; null for S3.
    pub(super) body: &'a Value,
    pub(super) uploads: &'a Uploads,
    /// For each object or item that it writes: whether another request holds it.
    pub(super) meets: &'a [bool],
}

impl Refusal {
    const fn new(code: &'static str, message: &'static str) -> Self {
        Self { status: 400, code, message }
    }
}

/// The rules of a service.
pub fn of(service: Aws) -> &'static [Rule] {
    match service {
        Aws::S3 => s3::RULES,
        Aws::DynamoDb => dynamodb::RULES,
        Aws::Sqs => sqs::RULES,
        Aws::Kms => kms::RULES,
        Aws::Lambda => lambda::RULES,
        Aws::Gateway => gateway::RULES,
    }
}
