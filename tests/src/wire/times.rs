//! How long AWS takes: the typical times of its calls, and of each connection's bytes.

use super::request::operation;
use super::{Aws, whole};
use bytes::Bytes;
use dataset_core::clock::Clock;
use http::{Request, Response};
use http_body_util::Full;
use std::sync::Arc;
use std::time::Duration;
use tower::{Service, ServiceExt};

/// The time until the first byte of an answer.
struct Time {
    service: Aws,
    /// None for all operations that no row before it has.
    operations: &'static [&'static str],
    answer: Duration,
}

const fn time(service: Aws, operations: &'static [&'static str], ms: u64) -> Time {
    Time { service, operations, answer: Duration::from_millis(ms) }
}

/// DynamoDB: single-digit milliseconds for a call and about three times that for a transaction (Developer
/// Guide). S3: 100 to 200 ms at worst and about 20 ms at best for small objects (performance guidelines); a
/// write is answered when it is stored in three zones. SQS and KMS: "tens of milliseconds" at worst.
static TIMES: &[Time] = &[
    time(Aws::DynamoDb, &["TransactWriteItems", "TransactGetItems"], 12),
    time(Aws::DynamoDb, &[], 4),
    time(Aws::S3, &["GetObject", "HeadObject"], 20),
    time(Aws::S3, &["UploadPart"], 40),
    time(Aws::S3, &[], 30),
    time(Aws::Sqs, &[], 8),
    time(Aws::Kms, &[], 8),
];

/// Of one connection to S3, bytes a second: 85 to 90 MB/s (performance guidelines, byte ranges).
const S3_BYTES_PER_SECOND: f64 = 85e6;

/// Answers no sooner than AWS would.
#[derive(Clone)]
pub struct Distant {
    service: Aws,
    clock: Arc<dyn Clock>,
}

impl Distant {
    pub fn new(service: Aws, clock: Arc<dyn Clock>) -> Self {
        Self { service, clock }
    }

    /// Passes a request on, and its answer back.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn pass<S>(self, engine: S, request: Request<Bytes>) -> Result<Response<Full<Bytes>>, S::Error>
    where
        S: Service<Request<Bytes>, Response = Response<Full<Bytes>>>,
    {
        let operation = operation(self.service, &request);
        let is_it = |time: &&Time| time.service == self.service;
        let row = TIMES
            .iter()
            .filter(is_it)
            .find(|time| time.operations.is_empty() || time.operations.contains(&operation.as_str()));
        let sent = request.body().len();
        let began = self.clock.now();
        let response = engine.oneshot(request).await?;
        let body = whole(&response).await;
        let bytes = if self.service == Aws::S3 { sent + body.len() } else { 0 };
        let answer = row.map_or(Duration::ZERO, |row| row.answer);
        let takes = answer + Duration::from_secs_f64(bytes as f64 / S3_BYTES_PER_SECOND);
        // The engine has taken some of it.
        self.clock.sleep(takes.saturating_sub(self.clock.now().duration_since(began).unsigned_abs())).await;
        Ok(response)
    }
}
