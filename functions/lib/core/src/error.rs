//! The errors of the domain. They know no transport: a function turns them
//! into a status or a retry at its own boundary.

use dataset_types::ErrorCode;
use std::error::Error as StdError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The caller has broken a rule.
    Refused(ErrorCode),
    /// There is no such object in storage.
    NotFound,
    /// An object, or an item with this identifier, exists already.
    AlreadyExists,
    /// Storage has no room, or can't be written to.
    Full,
    Unavailable,
    Internal,
}

/// An error with a message for the caller. The cause may name internals, so it stays
/// in `source` and is never part of `Display`.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::new(Kind::Refused(code), message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    pub fn already_exists(message: impl Into<String>) -> Self {
        Self::new(Kind::AlreadyExists, message)
    }

    /// A dependency did not answer in time. A retry may succeed.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    /// Storage is full. A retry may succeed once there is room.
    pub fn full(message: impl Into<String>) -> Self {
        Self::new(Kind::Full, message)
    }

    /// A fault that a retry does not mend.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What a client is told.
    pub fn code(&self) -> ErrorCode {
        match self.kind {
            Kind::Refused(code) => code,
            Kind::Full => ErrorCode::StorageFull,
            Kind::NotFound | Kind::AlreadyExists | Kind::Unavailable | Kind::Internal => ErrorCode::InternalError,
        }
    }

    pub fn retryable(&self) -> bool {
        match self.kind {
            Kind::Unavailable | Kind::Full => true,
            Kind::Refused(_) | Kind::NotFound | Kind::AlreadyExists | Kind::Internal => false,
        }
    }

    /// The error and its causes on one line, for a log.
    pub fn chain(&self) -> String {
        let mut line = self.message.clone();
        let mut cause = StdError::source(self);
        while let Some(next) = cause {
            line.push_str(": ");
            line.push_str(&next.to_string());
            cause = next.source();
        }
        line
    }
}
