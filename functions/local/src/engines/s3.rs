//! S3 by `s3s` on files, with what `s3s-fs` lacks: writes on condition are
//! atomic, and each stored object is told of, as is each that is tagged.

use crate::input::chunks;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dataset_aws::{Body, Credentials, InProcess, STORAGE_FULL};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp as Moment;
use s3s::auth::SimpleAuth;
use s3s::dto::*;
use s3s::service::S3ServiceBuilder;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, StdError};
use s3s_fs::FileSystem;
use std::future::{Future, ready};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::{Mutex, MutexGuard};
use tower::{ServiceExt, service_fn};

/// What S3 would send an event about: an object that was stored, or tagged.
#[derive(Clone, Debug)]
pub struct Stored {
    pub bucket: String,
    pub key: String,
    /// Such as `ObjectCreated:Put`.
    pub event: &'static str,
}

/// Who is told of stored objects. Like S3, which loses no event of a write
/// that it has acknowledged, it is told before the write and after it.
pub trait Notify: Send + Sync {
    /// The object is about to be stored. What is noted now outlives a crash.
    fn announce(&self, stored: &Stored) -> io::Result<Ticket>;
    /// It has been stored.
    fn stored(&self, ticket: Ticket);
    /// It has not been stored.
    fn withdraw(&self, ticket: Ticket);
}

/// No one is told.
impl Notify for () {
    fn announce(&self, _: &Stored) -> io::Result<Ticket> {
        Ok(Ticket(None))
    }

    fn stored(&self, _: Ticket) {}

    fn withdraw(&self, _: Ticket) {}
}

/// Names an announcement.
#[derive(Clone, Debug)]
pub struct Ticket(pub Option<String>);

/// Keys are spread over this many locks.
const LOCKS: usize = 64;

struct AnnouncingFiles {
    files: FileSystem,
    root: PathBuf,
    locks: [Mutex<()>; LOCKS],
    notify: Arc<dyn Notify>,
}

pub(super) fn open(
    root: &Path,
    Credentials { access_key, secret_key }: &Credentials,
    notify: Arc<dyn Notify>,
) -> anyhow::Result<InProcess> {
    let files = FileSystem::new(root).map_err(|e| anyhow::anyhow!("{} could not be opened: {e:?}", root.display()))?;
    let locks = std::array::from_fn(|_| Mutex::new(()));
    let mut builder = S3ServiceBuilder::new(AnnouncingFiles { files, root: root.to_owned(), locks, notify });
    builder.set_auth(SimpleAuth::from_single(access_key.clone(), secret_key.clone()));
    let service = builder.build();
    Ok(InProcess::new(service_fn(move |request: Request<Body>| {
        let service = service.clone();
        async move {
            let response = service.oneshot(request).await.map_err(|e| io::Error::other(StdError::from(e)))?;
            Ok(response.map(|body| Body::new(body.map_err(io::Error::other))))
        }
    })))
}

impl AnnouncingFiles {
    /// One write at a time for a key, so that "if there is none" means it.
    async fn lock(&self, key: &str) -> MutexGuard<'_, ()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(key);
        self.locks[hash as usize % LOCKS].lock().await
    }

    async fn announced<T>(&self, stored: Stored, write: impl Future<Output = S3Result<T>>) -> S3Result<T> {
        let ticket = self.notify.announce(&stored).map_err(|e| self.refused(internal(e)))?;
        match write.await {
            Ok(output) => {
                self.notify.stored(ticket);
                Ok(output)
            }
            Err(error) => {
                self.notify.withdraw(ticket);
                Err(self.refused(error))
            }
        }
    }
}

impl AnnouncingFiles {
    /// The error of a write, told apart where the disk takes no more.
    fn refused(&self, error: S3Error) -> S3Error {
        // What a client does to its own connection is no fault of the disk.
        const OF_CLIENTS: [io::ErrorKind; 3] =
            [io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionAborted, io::ErrorKind::BrokenPipe];
        let is_of_the_disk = |io: &&io::Error| io.raw_os_error().is_some() && !OF_CLIENTS.contains(&io.kind());
        let mut causes = error.source().map(|cause| cause as &(dyn std::error::Error + 'static));
        while let Some(cause) = causes {
            if let Some(io) = cause.downcast_ref::<io::Error>().filter(is_of_the_disk) {
                tracing::error!(path = %self.root.display(), error = %io, "objects can't be written; is their disk full?");
                let mut full =
                    S3Error::with_message(S3ErrorCode::Custom(STORAGE_FULL.into()), "no object can be written");
                full.set_status_code(StatusCode::INSUFFICIENT_STORAGE);
                return full;
            }
            causes = cause.source();
        }
        error
    }
}

/// Removes what the files' engine leaves of an object beside it.
fn forget(root: &Path, bucket: &str, key: &str) {
    let (bucket, key) = (URL_SAFE_NO_PAD.encode(bucket), URL_SAFE_NO_PAD.encode(key));
    for kind in ["metadata", "internal"] {
        let _ = std::fs::remove_file(root.join(format!(".bucket-{bucket}.object-{key}.{kind}.json")));
    }
}

/// Does as a bucket's lifecycle rule: removes the objects under `folder` that were stored before.
pub(crate) fn expire(root: &Path, bucket: &str, folder: &str, before: Moment) -> io::Result<()> {
    let directory = root.join(bucket).join(folder);
    let entries = match std::fs::read_dir(&directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let key = format!("{folder}/{}", entry.file_name().to_string_lossy());
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            expire(root, bucket, &key, before)?;
        } else if Moment::try_from(metadata.modified()?).is_ok_and(|stored| stored < before) {
            std::fs::remove_file(entry.path())?;
            forget(root, bucket, &key);
        }
    }
    // One that is not empty stays.
    let _ = std::fs::remove_dir(directory);
    Ok(())
}

/// Of `bytes 5-9/20`, 5.
fn range_start(content_range: &str) -> Option<u64> {
    content_range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

fn internal(error: io::Error) -> S3Error {
    S3Error::with_source(S3ErrorCode::InternalError, Box::new(error))
}

/// Implements [`S3`] by these operations, and by those of `files` that are handed on as they are.
macro_rules! implement_s3 {
    (hand_on { $($name:ident: $input:ident => $output:ident,)* } own { $($own:item)* }) => {
        #[async_trait]
        impl S3 for AnnouncingFiles {
            $(
                async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    self.files.$name(request).await
                }
            )*
            $($own)*
        }
    };
}

implement_s3! {
    hand_on {
        create_bucket: CreateBucketInput => CreateBucketOutput,
        head_bucket: HeadBucketInput => HeadBucketOutput,
        head_object: HeadObjectInput => HeadObjectOutput,
        list_objects_v2: ListObjectsV2Input => ListObjectsV2Output,
        list_parts: ListPartsInput => ListPartsOutput,
        abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput,
    }
    own {
        async fn get_object(&self, mut request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
            let path = self.root.join(&request.input.bucket).join(&request.input.key);
            // The files' engine fails where more of an object's end is asked for than there is.
            if let Some(Range::Suffix { length }) = &mut request.input.range
                && let Ok(file) = std::fs::metadata(&path)
            {
                *length = file.len().min(*length);
            }
            let mut response = self.files.get_object(request).await?;
            // It reads 4 KiB at a time, and on to the end of the file. Objects are never written over.
            let object = &mut response.output;
            let length = object.content_length.and_then(|length| length.try_into().ok()).unwrap_or_default();
            let start = object.content_range.as_deref().and_then(range_start).unwrap_or_default();
            let mut file = tokio::fs::File::open(path).await.map_err(|_| S3ErrorCode::NoSuchKey)?;
            file.seek(SeekFrom::Start(start)).await.map_err(internal)?;
            object.body = Some(StreamingBlob::wrap(chunks(file.take(length))));
            Ok(response)
        }

        async fn create_multipart_upload(
            &self,
            request: S3Request<CreateMultipartUploadInput>,
        ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
            self.files.create_multipart_upload(request).await.map_err(|error| self.refused(error))
        }

        async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
            self.files.upload_part(request).await.map_err(|error| self.refused(error))
        }

        async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
            let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
            let _lock = self.lock(&key).await;
            let path = self.root.join(&bucket).join(&key);
            let is_new = !path.exists();
            let stored = Stored { bucket, key, event: "ObjectCreated:Put" };
            let put = self.announced(stored.clone(), self.files.put_object(request)).await;
            if put.is_err() && is_new && std::fs::remove_file(path).is_ok() {
                // The files' engine looks at checksums when the object is there already.
                forget(&self.root, &stored.bucket, &stored.key);
            }
            put
        }

        /// Keeps no tags, but tells of them.
        async fn put_object_tagging(
            &self,
            request: S3Request<PutObjectTaggingInput>,
        ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
            let (bucket, key) = (request.input.bucket, request.input.key);
            let _lock = self.lock(&key).await;
            if !self.root.join(&bucket).join(&key).exists() {
                return Err(S3ErrorCode::NoSuchKey.into());
            }
            let stored = Stored { bucket, key, event: "ObjectTagging:Put" };
            self.announced(stored, ready(Ok(S3Response::new(PutObjectTaggingOutput::default())))).await
        }

        async fn complete_multipart_upload(
            &self,
            request: S3Request<CompleteMultipartUploadInput>,
        ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
            let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
            let _lock = self.lock(&key).await;
            let stored = Stored { bucket, key, event: "ObjectCreated:CompleteMultipartUpload" };
            self.announced(stored, self.files.complete_multipart_upload(request)).await
        }

        async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
            let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
            let _lock = self.lock(&key).await;
            let output = self.files.delete_object(request).await?;
            forget(&self.root, &bucket, &key);
            Ok(output)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_old_expires() {
        let root = tempfile::tempdir().unwrap();
        let day = root.path().join("b/exports/2023-12-01");
        std::fs::create_dir_all(&day).unwrap();
        std::fs::write(day.join("1.csv"), "a").unwrap();
        let stored = Moment::try_from(day.join("1.csv").metadata().unwrap().modified().unwrap()).unwrap();
        expire(root.path(), "b", "exports", stored - Duration::from_secs(60)).unwrap();
        assert!(day.join("1.csv").exists());
        expire(root.path(), "b", "exports", stored + Duration::from_secs(60)).unwrap();
        assert!(!root.path().join("b/exports").exists());
        expire(root.path(), "b", "exports", stored).unwrap();
    }
}
