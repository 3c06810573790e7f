//! The port for stored objects: files as they came, and rows in Parquet.

use crate::Result;
use crate::id::{DatasetId, GroupId};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// Every part of a [`BlobWriter`] but the last has at least this many bytes,
/// and the last has some unless it is the only one.
pub const MIN_PART_BYTES: usize = 5 << 20;

/// An object in storage, by what it holds. Where that is kept is the adapter's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// The file of a draft, as it was sent.
    Upload(DatasetId),
    /// The rows of a version, in Parquet.
    Rows(GroupId, DatasetId),
    /// A version in another format, for those who download it on that day. What
    /// was made on earlier days may be gone.
    Export { made_on: Date, dataset_id: DatasetId, extension: &'static str },
}

#[async_trait]
pub trait Blobs: Send + Sync {
    /// Stores an object that must not exist yet; `AlreadyExists` if it does. After
    /// any other error the object may be there all the same.
    async fn put_new(&self, object: Object, media_type: &str, body: Bytes) -> Result<()>;

    /// The size in bytes, if the object exists.
    async fn size(&self, object: Object) -> Result<Option<u64>>;

    /// The whole object in order; `NotFound` if there is none.
    async fn read(&self, object: Object) -> Result<BoxStream<'static, Result<Bytes>>>;

    /// The last bytes of an object, so many or all there are, and its size.
    async fn read_tail(&self, object: Object, bytes: u64) -> Result<(Bytes, u64)>;

    /// A part of an object that is known to hold it.
    async fn read_range(&self, object: Object, range: Range<u64>) -> Result<Bytes>;

    /// Starts an object that is written part by part and appears only when
    /// finished. It must not exist yet then: `finish` gives `AlreadyExists` if it does.
    async fn write_new(&self, object: Object, media_type: &str) -> Result<Box<dyn BlobWriter>>;

    /// A URL by which its holder stores an object as described, from
    /// `signed_at` for `lifetime`. The same terms and time give the same URL.
    async fn upload_url(
        &self,
        object: Object,
        terms: &UploadTerms,
        signed_at: Timestamp,
        lifetime: Duration,
    ) -> Result<SignedUpload>;

    /// A URL by which its holder reads an object for `lifetime` from now,
    /// named `file_name` where it is saved.
    async fn download_url(
        &self,
        object: Object,
        file_name: &str,
        media_type: &str,
        lifetime: Duration,
    ) -> Result<String>;

    /// Deletes an object; one that is gone already is no error.
    async fn delete(&self, object: Object) -> Result<()>;

    /// Emits the event of a stored object again.
    async fn announce(&self, object: Object) -> Result<()>;

    /// The origin of signed URLs, such as `https://bucket.s3.eu-west-1.amazonaws.com`.
    async fn origin(&self) -> Result<String>;

    /// The draft whose file an event names so; `None` for any other object.
    fn upload_of(&self, key: &str) -> Option<DatasetId>;
}

/// Constraints signed into a presigned upload. It stores nothing over what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadTerms {
    pub media_type: &'static str,
    pub length: u64,
    /// In base64.
    pub checksum_sha256: Option<String>,
}

/// A request that stores an object, but for its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedUpload {
    pub url: String,
    /// To be sent exactly as they are.
    pub headers: BTreeMap<String, String>,
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
