//! One suite a port. Each takes the port empty, or as empty as it is for the identifiers that the suite uses,
//! and panics where the port is not what it should be.

mod blobs;
mod callers;
mod catalog;
mod deliveries;
mod queue;
mod webhooks;

pub use blobs::blobs;
pub use callers::{api_keys, idempotency};
pub use catalog::catalog;
pub use deliveries::deliveries;
pub use queue::queue;
pub use webhooks::{vault, webhooks};
