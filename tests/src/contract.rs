//! One suite for each port. A suite needs a port that is empty, at least for the identifiers that it uses,
//! and panics if the port breaks its contract.

mod annotations;
mod blobs;
mod callers;
mod catalog;
mod deliveries;
mod labels;
mod queue;
mod schemas;
mod webhooks;

pub use blobs::blobs;
pub use callers::{api_keys, idempotency};
pub use catalog::{catalog, totals};
pub use deliveries::deliveries;
pub use labels::labels;
pub use queue::queue;
pub use schemas::schemas;
pub use webhooks::{vault, webhooks};
