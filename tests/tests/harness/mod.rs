//! An AWS account on this machine: the four real functions, the engines, and a wire between them. The tests
//! of faults and of the template each use a part of it.

#![allow(dead_code, reason = "each of the two uses a part")]

pub(crate) mod account;
pub(crate) mod front;
pub(crate) mod function;
pub(crate) mod policies;
pub(crate) mod proxy;
pub(crate) mod table;
pub(crate) mod uploads;
