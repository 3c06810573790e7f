//! What AWS does between the engines and the functions.

mod asynchronous;
mod polling;
mod schedule;

pub(crate) use asynchronous::Invocations;
pub(crate) use polling::poll;
pub(crate) use schedule::{expire_exports, sweep_every};
