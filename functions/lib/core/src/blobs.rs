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

/// The minimum length of every part of a [`BlobWriter`] but the last. The last part
/// is not empty, unless it is the only one.
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
    /// An answer that took a look at every row, by what was asked; for that day, too.
    Answer { made_on: Date, digest: u128 },
}

#[async_trait]
pub trait Blobs: Send + Sync {
    /// Stores an object; `AlreadyExists` if there is one. After any other error the
    /// object may have been stored.
    async fn put_new(&self, object: Object, media_type: &str, body: Bytes) -> Result<()>;

    /// The size in bytes, if the object exists.
    async fn size(&self, object: Object) -> Result<Option<u64>>;

    /// The whole object in order; `NotFound` if there is none.
    async fn read(&self, object: Object) -> Result<BoxStream<'static, Result<Bytes>>>;

    /// The last bytes of an object, or all of it if it is shorter, and its size.
    async fn read_tail(&self, object: Object, bytes: u64) -> Result<(Bytes, u64)>;

    /// A range within an object, in the pieces that it came in.
    async fn read_range(&self, object: Object, range: Range<u64>) -> Result<Vec<Bytes>>;

    /// Starts an object that is written in parts and appears when it is finished.
    /// `finish` gives `AlreadyExists` if there is one by then.
    async fn write_new(&self, object: Object, media_type: &str) -> Result<Box<dyn BlobWriter>>;

    /// A presigned upload, valid from `signed_at` for `lifetime`. The same terms and time give the same URL.
    async fn upload_url(
        &self,
        object: Object,
        terms: &UploadTerms,
        signed_at: Timestamp,
        lifetime: Duration,
    ) -> Result<SignedUpload>;

    /// A presigned download, valid for `lifetime` from now. Browsers save the file as `file_name`.
    async fn download_url(
        &self,
        object: Object,
        file_name: &str,
        media_type: &str,
        lifetime: Duration,
    ) -> Result<String>;

    /// Deletes an object, if it exists.
    async fn delete(&self, object: Object) -> Result<()>;

    /// Emits an event of a stored object again, and writes no object.
    async fn announce(&self, object: Object) -> Result<()>;

    /// The origin of signed URLs, such as `https://bucket.s3.eu-west-1.amazonaws.com`.
    async fn origin(&self) -> Result<String>;

    /// The draft whose file has this key in storage's events; `None` for any other object.
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

/// A presigned request that stores an object, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedUpload {
    pub url: String,
    /// To be sent exactly as they are.
    pub headers: BTreeMap<String, String>,
}

#[async_trait]
pub trait BlobWriter: Send {
    async fn write(&mut self, part: Bytes) -> Result<()>;
    /// Discards what was written, and starts again.
    async fn restart(&mut self) -> Result<()>;
    async fn finish(self: Box<Self>) -> Result<()>;
    /// Discards what was written. Call it when `write` failed or the object is not
    /// wanted; after a crash, the bucket's lifecycle rule does the same.
    async fn abort(self: Box<Self>) -> Result<()>;
}
