//! An account of AWS on this machine: the four real functions, the engines, and a wire between them. The
//! faults and the template are tested on it, each with a part of what is here.

#![allow(dead_code, reason = "each of the two uses a part")]

pub(crate) mod account;
pub(crate) mod function;
pub(crate) mod policies;
pub(crate) mod proxy;
pub(crate) mod table;
pub(crate) mod uploads;
