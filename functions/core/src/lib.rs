//! The domain of `dataset-versions`: what a draft, a version, a delivery and
//! a key are, and the steps that take an upload to its one outcome.
//!
//! Nothing here knows AWS, HTTP or files. What the domain needs from outside
//! it asks for through ports, one a file:
//!
//! | port | what it holds |
//! |---|---|
//! | [`catalog`] | groups, datasets, the outbox: the table, in domain words |
//! | [`receivers`] | webhook receivers |
//! | [`deliveries`] | the deliveries to them |
//! | [`secret`] | what keeps signing secrets from being read in the store |
//! | [`resolver`] | the addresses of a name |
//! | [`api_keys`] | who may call |
//! | [`idempotency`] | calls that must not be carried out twice |
//! | [`blobs`] | files and rows |
//! | [`queue`] | the hint that a delivery is due now |
//! | [`clock`], [`ids`] | time and randomness, injected so that tests decide both |
//!
//! Every promise has a due time in the catalog; queues and events only make
//! it happen sooner. [`lifecycle`] holds the steps, each of them safe to
//! repeat and safe to lose half-way.

pub mod api_key;
pub mod api_keys;
pub mod blobs;
pub mod catalog;
pub mod clock;
pub mod dataset;
pub mod deliveries;
pub mod delivery;
pub mod destination;
pub mod error;
pub mod event;
pub mod group;
pub mod id;
pub mod idempotency;
pub mod ids;
pub mod lifecycle;
pub mod queue;
pub mod receiver;
pub mod receivers;
pub mod resolver;
pub mod secret;
pub mod upload;

pub use error::{Error, Kind, Result};
