//! Stored objects on S3.

use crate::conflicts::Conflicts;
use crate::failure::unexpected;
use crate::layout;
use crate::lazily::Lazily;
use crate::settings::timeouts;
use crate::table::build_error;
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::Config;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, Tag, Tagging};
use bytes::Bytes;
use dataset_core::blobs::{BlobWriter, Blobs, Object, SignedUpload, UploadTerms};
use dataset_core::clock::{Clock, SystemClock};
use dataset_core::id::DatasetId;
use dataset_core::{Error, Result};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};
use tokio::task::JoinSet;

/// An S3 bucket.
#[derive(Clone)]
pub struct Bucket {
    pub(crate) client: Lazily<Client>,
    pub(crate) name: String,
}

#[async_trait]
impl Blobs for Bucket {
    async fn put_new(&self, object: Object, media_type: &str, body: Bytes) -> Result<()> {
        let timeouts = timeouts(transfer_time(body.len()));
        self.client
            .put_object()
            .bucket(&self.name)
            .key(layout::key(object))
            .content_type(media_type)
            .if_none_match("*")
            .body(ByteStream::from(body))
            .customize()
            .config_override(Config::builder().retry_classifier(Conflicts).timeout_config(timeouts))
            .send()
            .await
            .map_err(|e| if exists_already(&e) { conflict() } else { unexpected("storage")(e) })?;
        Ok(())
    }

    async fn size(&self, object: Object) -> Result<Option<u64>> {
        match self.client.head_object().bucket(&self.name).key(layout::key(object)).send().await {
            Ok(output) => Ok(output.content_length.and_then(|n| u64::try_from(n).ok())),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_not_found()) => Ok(None),
            Err(e) => Err(unexpected("storage")(e)),
        }
    }

    async fn read(&self, object: Object) -> Result<BoxStream<'static, Result<Bytes>>> {
        let output =
            self.client.get_object().bucket(&self.name).key(layout::key(object)).send().await.map_err(|e| {
                let missing = e.as_service_error().is_some_and(|e| e.is_no_such_key());
                if missing { not_found() } else { unexpected("storage")(e) }
            })?;
        Ok(pieces(output.body).boxed())
    }

    async fn read_tail(&self, object: Object, bytes: u64) -> Result<(Bytes, u64)> {
        let output = self.get(object, format!("bytes=-{bytes}")).await?;
        // bytes FIRST-LAST/SIZE
        let size = output.content_range.as_deref().and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        let size = size.ok_or_else(|| Error::internal("storage did not tell the object's size"))?;
        let pieces: Vec<Bytes> = pieces(output.body).try_collect().await?;
        Ok((pieces.concat().into(), size))
    }

    async fn read_range(&self, object: Object, range: Range<u64>) -> Result<Vec<Bytes>> {
        if range.is_empty() {
            return Ok(vec![]);
        }
        let output = self.get(object, format!("bytes={}-{}", range.start, range.end - 1)).await?;
        pieces(output.body).try_collect().await
    }

    async fn write_new(&self, object: Object, media_type: &str) -> Result<Box<dyn BlobWriter>> {
        Ok(Box::new(Writer {
            bucket: self.clone(),
            object,
            media_type: media_type.to_owned(),
            first: None,
            upload: None,
        }))
    }

    async fn upload_url(
        &self,
        object: Object,
        terms: &UploadTerms,
        signed_at: Timestamp,
        lifetime: Duration,
    ) -> Result<SignedUpload> {
        let start = UNIX_EPOCH + Duration::from_secs(u64::try_from(signed_at.as_second()).unwrap_or(0));
        let signing = PresigningConfig::builder().start_time(start).expires_in(lifetime);
        let signing = signing.build().map_err(unsigned)?;
        let request = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(layout::key(object))
            .content_type(terms.media_type)
            .content_length(i64::try_from(terms.length).unwrap_or(i64::MAX))
            .set_checksum_sha256(terms.checksum_sha256.clone())
            .if_none_match("*")
            .presigned(signing)
            .await
            .map_err(unsigned)?;
        // The length is signed, but not returned: every client sends the length of the file that it has.
        let headers = request.headers().filter(|(name, _)| *name != "content-length");
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(SignedUpload { url: request.uri().to_owned(), headers })
    }

    async fn download_url(
        &self,
        object: Object,
        file_name: &str,
        media_type: &str,
        lifetime: Duration,
    ) -> Result<String> {
        let request = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(layout::key(object))
            .response_content_type(media_type)
            .response_content_disposition(attachment(file_name))
            .presigned(PresigningConfig::expires_in(lifetime).map_err(unsigned)?)
            .await
            .map_err(unsigned)?;
        Ok(request.uri().to_owned())
    }

    async fn origin(&self) -> Result<String> {
        let signing = PresigningConfig::expires_in(Duration::from_secs(1)).map_err(unsigned)?;
        let request =
            self.client.get_object().bucket(&self.name).key("any").presigned(signing).await.map_err(unsigned)?;
        let url: http::Uri = request.uri().parse().map_err(unsigned)?;
        match (url.scheme_str(), url.authority()) {
            (Some(scheme), Some(authority)) => Ok(format!("{scheme}://{authority}")),
            _ => Err(Error::internal("storage's URL has no host")),
        }
    }

    fn upload_of(&self, key: &str) -> Option<DatasetId> {
        layout::upload_of(key)
    }

    async fn delete(&self, object: Object) -> Result<()> {
        self.client
            .delete_object()
            .bucket(&self.name)
            .key(layout::key(object))
            .send()
            .await
            .map_err(unexpected("storage"))?;
        Ok(())
    }

    async fn announce(&self, object: Object) -> Result<()> {
        // A tag is told of like a new object, and stores no version of it.
        let time = SystemClock.now().to_string();
        let tag = Tag::builder().key("announced-again").value(time).build().map_err(build_error)?;
        let sent = self
            .client
            .put_object_tagging()
            .bucket(&self.name)
            .key(layout::key(object))
            .tagging(Tagging::builder().tag_set(tag).build().map_err(build_error)?)
            .send()
            .await;
        sent.map_err(|e| if e.code() == Some("NoSuchKey") { not_found() } else { unexpected("storage")(e) })?;
        Ok(())
    }
}

impl Bucket {
    async fn get(&self, object: Object, range: String) -> Result<GetObjectOutput> {
        let sent = self.client.get_object().bucket(&self.name).key(layout::key(object)).range(range).send().await;
        sent.map_err(|e| {
            let missing = e.as_service_error().is_some_and(|e| e.is_no_such_key());
            if missing { not_found() } else { unexpected("storage")(e) }
        })
    }
}

/// The Content-Disposition of RFC 6266: the file name in ASCII for old browsers, and in UTF-8.
fn attachment(file_name: &str) -> String {
    let plain: String = file_name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') { c } else { '_' })
        .collect();
    let whole = percent_encoding::utf8_percent_encode(file_name, percent_encoding::NON_ALPHANUMERIC);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

/// S3 answers a completion when it has gone through all bytes of the object.
const SERVER_SIDE_TIME: Duration = Duration::from_secs(30);

/// How long an attempt to store so many bytes may take, at 5 MiB/s.
fn transfer_time(bytes: usize) -> Duration {
    Duration::from_secs(5) + Duration::from_secs(1) * (bytes / (5 << 20)) as u32
}

fn unsigned(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("a URL could not be signed").because(error)
}

fn pieces(body: ByteStream) -> impl Stream<Item = Result<Bytes>> {
    stream::unfold(body, |mut body| async {
        let piece = body.next().await?;
        Some((piece.map_err(|e| Error::unavailable("storage broke off").because(e)), body))
    })
}

/// Writes an object. A single part is stored by one put; a second part starts a multipart upload.
struct Writer {
    bucket: Bucket,
    object: Object,
    media_type: String,
    first: Option<Bytes>,
    upload: Option<Upload>,
}

/// The algorithm must be named when an upload is created. The SDK repeats each
/// part's checksum in the completion, which S3 refuses otherwise.
const PART_CHECKSUM: ChecksumAlgorithm = ChecksumAlgorithm::Crc32;

struct Upload {
    id: String,
    started: i32,
    sending: JoinSet<Result<CompletedPart>>,
    sent: Vec<CompletedPart>,
}

/// Parts that are sent at once: one connection takes longer to store rows than they take to be made.
const PARTS_AT_ONCE: usize = 3;

impl Upload {
    /// Waits until at most so many parts are being sent.
    async fn settle(&mut self, most: usize) -> Result<()> {
        while self.sending.len() > most
            && let Some(sent) = self.sending.join_next().await
        {
            let sent = sent.map_err(|e| Error::internal("the sending of a part stopped unexpectedly").because(e))?;
            self.sent.push(sent?);
        }
        Ok(())
    }
}

impl Writer {
    async fn start(&self) -> Result<Upload> {
        let output = self
            .bucket
            .client
            .create_multipart_upload()
            .bucket(&self.bucket.name)
            .key(layout::key(self.object))
            .content_type(&self.media_type)
            .checksum_algorithm(PART_CHECKSUM)
            .send()
            .await
            .map_err(unexpected("storage"))?;
        let id = output.upload_id.ok_or_else(|| Error::internal("storage gave no upload id"))?;
        Ok(Upload { id, started: 0, sending: JoinSet::new(), sent: Vec::new() })
    }

    async fn give_up(&self, mut upload: Upload) -> Result<()> {
        // A part that comes after the end of its upload would stay.
        while upload.sending.join_next().await.is_some() {}
        self.bucket
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket.name)
            .key(layout::key(self.object))
            .upload_id(&upload.id)
            .send()
            .await
            .map_err(unexpected("storage"))?;
        Ok(())
    }

    /// Begins to send a part. An error may be of one before.
    async fn send(&mut self, part: Bytes) -> Result<()> {
        let Some(upload) = &mut self.upload else {
            return Err(Error::internal("a part was sent before the upload was started"));
        };
        upload.settle(PARTS_AT_ONCE - 1).await?;
        upload.started += 1;
        let part = self.bucket.clone().send_part(self.object, upload.id.clone(), upload.started, part);
        upload.sending.spawn(part);
        Ok(())
    }
}

impl Bucket {
    async fn send_part(self, object: Object, upload_id: String, number: i32, part: Bytes) -> Result<CompletedPart> {
        let timeouts = timeouts(transfer_time(part.len()));
        let output = self
            .client
            .upload_part()
            .bucket(&self.name)
            .key(layout::key(object))
            .upload_id(upload_id)
            .part_number(number)
            .checksum_algorithm(PART_CHECKSUM)
            .body(ByteStream::from(part))
            .customize()
            .config_override(Config::builder().timeout_config(timeouts))
            .send()
            .await
            .map_err(unexpected("storage"))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(output.e_tag)
            .set_checksum_crc32(output.checksum_crc32)
            .build())
    }
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, part: Bytes) -> Result<()> {
        if self.upload.is_none() {
            let Some(first) = self.first.replace(part) else {
                return Ok(());
            };
            self.upload = Some(self.start().await?);
            self.send(first).await?;
            let part = self.first.take().unwrap_or_default();
            return self.send(part).await;
        }
        self.send(part).await
    }

    async fn restart(&mut self) -> Result<()> {
        self.first = None;
        match self.upload.take() {
            Some(upload) => self.give_up(upload).await,
            None => Ok(()),
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        let Some(mut upload) = self.upload.take() else {
            let body = self.first.take().unwrap_or_default();
            return self.bucket.put_new(self.object, &self.media_type, body).await;
        };
        if let Err(error) = upload.settle(0).await {
            // If the abort fails, the lifecycle rule removes the parts.
            let _ = self.give_up(upload).await;
            return Err(error);
        }
        upload.sent.sort_by_key(CompletedPart::part_number);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(upload.sent.clone())).build();
        let completed = self
            .bucket
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket.name)
            .key(layout::key(self.object))
            .upload_id(&upload.id)
            .if_none_match("*")
            .multipart_upload(parts)
            .customize()
            .config_override(Config::builder().timeout_config(timeouts(SERVER_SIDE_TIME)))
            .send()
            .await;
        let Err(error) = completed else {
            return Ok(());
        };
        let is_conflict = conflicts_with_another_write(error.raw_response());
        let error = if exists_already(&error) { conflict() } else { unexpected("storage")(error) };
        // If the abort fails, the lifecycle rule removes the parts.
        let _ = self.give_up(upload).await;
        // After a conflict the upload must start again, unless the other writer has stored the object. A
        // function that may not read its size is told to retry, and finds the object then.
        if is_conflict && matches!(self.bucket.size(self.object).await, Ok(Some(_))) {
            return Err(conflict());
        }
        Err(error)
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.restart().await
    }
}

fn exists_already<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|response| response.status().as_u16() == 412)
}

/// S3 answers 409 to one of two conditional writes of an object at the same time.
fn conflicts_with_another_write(response: Option<&HttpResponse>) -> bool {
    response.is_some_and(|response| response.status().as_u16() == 409)
}

fn conflict() -> Error {
    Error::already_exists("the object exists already")
}

fn not_found() -> Error {
    Error::not_found("the object does not exist")
}
