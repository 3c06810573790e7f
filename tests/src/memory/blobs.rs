//! Stored objects in memory.

use async_trait::async_trait;
use bytes::Bytes;
use dataset_core::blobs::{BlobWriter, Blobs, MIN_PART_BYTES, SignedUpload, UploadTerms};
use dataset_core::{Error, Result};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;

#[derive(Default)]
pub struct MemoryBlobs {
    objects: Objects,
    announced: Mutex<Vec<String>>,
    down: AtomicBool,
}

/// Another with the same objects in it.
impl Clone for MemoryBlobs {
    fn clone(&self) -> Self {
        let objects = Arc::new(Mutex::new(self.objects.lock().unwrap().clone()));
        Self { objects, announced: Mutex::default(), down: AtomicBool::default() }
    }
}

impl MemoryBlobs {
    pub fn keys(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    /// The keys that were announced since the last time.
    pub fn take_announced(&self) -> Vec<String> {
        std::mem::take(&mut self.announced.lock().unwrap())
    }

    /// Has every call fail, as if storage did not answer.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    fn up(&self) -> Result<()> {
        if self.down.load(Ordering::Relaxed) { Err(Error::unavailable("storage did not answer")) } else { Ok(()) }
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn put_new(&self, key: &str, _media_type: &str, body: Bytes) -> Result<()> {
        self.up()?;
        put_new(&self.objects, key, body)
    }

    async fn size(&self, key: &str) -> Result<Option<u64>> {
        self.up()?;
        Ok(self.objects.lock().unwrap().get(key).map(|body| body.len() as u64))
    }

    async fn read(&self, key: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.up()?;
        let body = self.objects.lock().unwrap().get(key).cloned().ok_or_else(not_found)?;
        // In two pieces, so that no one counts on one.
        let (first, second) = (body.slice(..body.len() / 2), body.slice(body.len() / 2..));
        Ok(stream::iter([Ok(first), Ok(second)]).boxed())
    }

    async fn read_tail(&self, key: &str, bytes: u64) -> Result<(Bytes, u64)> {
        self.up()?;
        let objects = self.objects.lock().unwrap();
        let body = objects.get(key).ok_or_else(not_found)?;
        Ok((body.slice(body.len().saturating_sub(bytes as usize)..), body.len() as u64))
    }

    async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        self.up()?;
        let objects = self.objects.lock().unwrap();
        let body = objects.get(key).ok_or_else(not_found)?;
        Ok(body.slice(range.start as usize..range.end as usize))
    }

    async fn write_new(&self, key: &str, _media_type: &str) -> Result<Box<dyn BlobWriter>> {
        self.up()?;
        Ok(Box::new(Writer {
            objects: self.objects.clone(),
            key: key.to_owned(),
            body: Vec::new(),
            last_part_bytes: None,
        }))
    }

    async fn upload_url(
        &self,
        key: &str,
        terms: &UploadTerms,
        signed_at: Timestamp,
        lifetime: Duration,
    ) -> Result<SignedUpload> {
        self.up()?;
        let (from, seconds, length) = (signed_at.as_second(), lifetime.as_secs(), terms.length);
        let url = format!("memory://blobs/{key}?from={from}&seconds={seconds}&length={length}");
        let mut headers = BTreeMap::from([("content-type".to_owned(), terms.media_type.to_owned())]);
        headers.extend(terms.checksum_sha256.clone().map(|sum| ("x-amz-checksum-sha256".to_owned(), sum)));
        Ok(SignedUpload { url, headers })
    }

    async fn download_url(&self, key: &str, file_name: &str, _media_type: &str, lifetime: Duration) -> Result<String> {
        self.up()?;
        Ok(format!("memory://blobs/{key}?name={file_name}&seconds={}", lifetime.as_secs()))
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.up()?;
        self.objects.lock().unwrap().remove(key);
        Ok(())
    }

    async fn announce(&self, key: &str) -> Result<()> {
        self.up()?;
        if !self.objects.lock().unwrap().contains_key(key) {
            return Err(not_found());
        }
        self.announced.lock().unwrap().push(key.to_owned());
        Ok(())
    }
}

struct Writer {
    objects: Objects,
    key: String,
    body: Vec<u8>,
    last_part_bytes: Option<usize>,
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, part: Bytes) -> Result<()> {
        assert!(self.last_part_bytes.is_none_or(|bytes| bytes >= MIN_PART_BYTES), "a small part before the last");
        self.last_part_bytes = Some(part.len());
        assert!(self.body.is_empty() || !part.is_empty(), "a part of nothing");
        self.body.extend_from_slice(&part);
        Ok(())
    }

    async fn restart(&mut self) -> Result<()> {
        self.body.clear();
        self.last_part_bytes = None;
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        put_new(&self.objects, &self.key, self.body.into())
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

fn put_new(objects: &Objects, key: &str, body: Bytes) -> Result<()> {
    let mut objects = objects.lock().unwrap();
    if objects.contains_key(key) {
        return Err(Error::already_exists("the object exists already"));
    }
    objects.insert(key.to_owned(), body);
    Ok(())
}

fn not_found() -> Error {
    Error::not_found("the object does not exist")
}
