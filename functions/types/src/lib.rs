//! What every part of the service names alike.

mod format;

pub use format::Format;
