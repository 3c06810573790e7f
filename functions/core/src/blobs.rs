//! The port for stored objects: files as they came, and rows in Parquet.

use crate::Result;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use std::ops::Range;

/// Every part of a [`BlobWriter`] but the last has at least this many bytes.
pub const MIN_PART_BYTES: usize = 5 << 20;

#[async_trait]
pub trait Blobs: Send + Sync {
    /// Stores an object that must not exist yet; a `Conflict` if it does. After
    /// any other error the object may be there all the same.
    async fn put_new(&self, key: &str, media_type: &str, body: Bytes) -> Result<()>;

    /// The size in bytes, if the object exists.
    async fn size(&self, key: &str) -> Result<Option<u64>>;

    /// The whole object in order; `NotFound` if there is none.
    async fn read(&self, key: &str) -> Result<BoxStream<'static, Result<Bytes>>>;

    /// The last bytes of an object, so many or all there are, and its size.
    async fn read_tail(&self, key: &str, bytes: u64) -> Result<(Bytes, u64)>;

    /// A part of an object that is known to hold it.
    async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Bytes>;

    /// Starts an object that is written part by part and appears only when
    /// finished. It must not exist yet then: `finish` gives a `Conflict` if it does.
    async fn write_new(&self, key: &str, media_type: &str) -> Result<Box<dyn BlobWriter>>;

    /// Deletes an object; one that is gone already is no error.
    async fn delete(&self, key: &str) -> Result<()>;

    /// Has the store raise the event of a stored object once more.
    async fn announce(&self, key: &str) -> Result<()>;
}

#[async_trait]
pub trait BlobWriter: Send {
    async fn write(&mut self, part: Bytes) -> Result<()>;
    /// Forgets what was written: the object starts anew.
    async fn restart(&mut self) -> Result<()>;
    async fn finish(self: Box<Self>) -> Result<()>;
    /// Leaves nothing behind. Call it when `write` failed or the object is
    /// not wanted; after a crash the store's lifecycle rule does it.
    async fn abort(self: Box<Self>) -> Result<()>;
}
