//! Values that are made when they are first used.

use std::ops::Deref;
use std::sync::{Arc, LazyLock};

/// A client of the SDK takes a third of a millisecond to make, and few invocations
/// use all that their function has.
pub(crate) struct Lazily<T>(Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send + Sync>>>);

impl<T> Lazily<T> {
    pub(crate) fn new(make: impl FnOnce() -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(make))))
    }
}

impl<T> Deref for Lazily<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for Lazily<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
