//! The domain of `dataset-versions`: what a draft, a version, a delivery and
//! a key are, and the steps that take an upload to its one outcome.
//!
//! Nothing here knows AWS, HTTP or files. What the domain needs from outside
//! it asks for through ports, one a file:
//!
//! | port | what it holds |
//! |---|---|
//! | [`catalog`] | groups, datasets, the outbox: the table, in domain words |
//! | [`labels`] | names of versions that are moved |
//! | [`schemas`] | what the rows of groups must be |
//! | [`webhooks`] | webhook receivers |
//! | [`deliveries`] | the deliveries to them |
//! | [`secret`] | what keeps signing secrets from being read in the store |
//! | [`resolver`] | the addresses of a name |
//! | [`api_keys`] | who may call |
//! | [`idempotency`] | calls that must not be carried out twice |
//! | [`blobs`] | files and rows |
//! | [`queue`] | the hint that a delivery is due now |
//! | [`clock`], [`ids`] | time and randomness, injected so that tests decide both |
//!
//! [`Ports`] holds those that the steps of an upload take. [`uploads`] has the
//! steps, and [`outbox`] tells receivers of the outcome. Every promise has a
//! due time in the catalog; queues and events only make it happen sooner.

pub mod api_key;
pub mod api_keys;
pub mod base64;
pub mod blobs;
pub mod catalog;
pub mod clock;
pub mod dataset;
pub mod deliveries;
pub mod delivery;
pub mod destination;
pub mod drift;
pub mod error;
pub mod event;
pub mod group;
pub mod idempotency;
pub mod ids;
pub mod labels;
pub mod outbox;
pub mod parking;
pub mod queue;
pub mod resolver;
pub mod schemas;
pub mod secret;
pub mod upload;
pub mod uploads;
pub mod webhook;
pub mod webhooks;

pub use dataset_types::{ErrorCode, id};
pub use error::{Error, Kind, Result};

use std::sync::Arc;

/// The ports of the domain, put together once for a process.
#[derive(Clone)]
pub struct Ports {
    pub catalog: Arc<dyn catalog::Catalog>,
    pub schemas: Arc<dyn schemas::Schemas>,
    pub labels: Arc<dyn labels::Labels>,
    pub idempotency: Arc<dyn idempotency::Idempotency>,
    pub webhooks: Arc<dyn webhooks::Webhooks>,
    pub deliveries: Arc<dyn deliveries::Deliveries>,
    pub blobs: Arc<dyn blobs::Blobs>,
    pub queue: Arc<dyn queue::Queue>,
    pub clock: Arc<dyn clock::Clock>,
    pub ids: Arc<dyn ids::Ids>,
}
