//! The errors of the domain. They know no transport: a function turns them
//! into a status or a retry at its own boundary.

use std::error::Error as StdError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    NotFound,
    Forbidden,
    Conflict,
    Invalid,
    TooLarge,
    /// What keeps things has no room for more, or can't be written to.
    Full,
    Unavailable,
    Internal,
}

/// What went wrong, in words for a caller; the cause, which may name internals,
/// stays in `source` and is never part of `Display`.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    code: &'static str,
    message: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), source: None }
    }

    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, code, message)
    }

    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, code, message)
    }

    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, code, message)
    }

    /// A dependency that did not answer, or not in time: worth another try.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, "unavailable", message)
    }

    /// A store that takes no more until someone makes room: worth another try then.
    pub fn full(message: impl Into<String>) -> Self {
        Self::new(Kind::Full, "storage_full", message)
    }

    /// Something that another try will not mend.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, "internal_error", message)
    }

    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A stable snake_case word for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    pub fn retryable(&self) -> bool {
        match self.kind {
            Kind::Unavailable | Kind::Full => true,
            Kind::NotFound | Kind::Forbidden | Kind::Conflict | Kind::Invalid | Kind::TooLarge | Kind::Internal => {
                false
            }
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
