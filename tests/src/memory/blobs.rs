//! Stored objects in memory.

use async_trait::async_trait;
use bytes::Bytes;
use dataset_core::blobs::{BlobWriter, Blobs, MIN_PART_BYTES, Object, SignedUpload, UploadTerms};
use dataset_core::id::DatasetId;
use dataset_core::{Error, Result};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Objects = Arc<Mutex<BTreeMap<Object, Bytes>>>;

/// About what a connection gives at once.
const MAX_CHUNK_BYTES: usize = 64 << 10;

#[derive(Default)]
pub struct MemoryBlobs {
    objects: Objects,
    announced: Mutex<Vec<Object>>,
    down: AtomicBool,
}

/// Copies the objects.
impl Clone for MemoryBlobs {
    fn clone(&self) -> Self {
        let objects = Arc::new(Mutex::new(self.objects.lock().unwrap().clone()));
        Self { objects, announced: Mutex::default(), down: AtomicBool::default() }
    }
}

impl MemoryBlobs {
    pub fn objects(&self) -> Vec<Object> {
        self.objects.lock().unwrap().keys().copied().collect()
    }

    /// Takes the objects announced since the last call.
    pub fn take_announced(&self) -> Vec<Object> {
        std::mem::take(&mut self.announced.lock().unwrap())
    }

    /// While it is down, every call fails.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    fn up(&self) -> Result<()> {
        if self.down.load(Ordering::Relaxed) { Err(Error::unavailable("storage did not answer")) } else { Ok(()) }
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn put_new(&self, object: Object, _media_type: &str, body: Bytes) -> Result<()> {
        self.up()?;
        put_new(&self.objects, object, body)
    }

    async fn size(&self, object: Object) -> Result<Option<u64>> {
        self.up()?;
        Ok(self.objects.lock().unwrap().get(&object).map(|body| body.len() as u64))
    }

    async fn read(&self, object: Object) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.up()?;
        let body = self.objects.lock().unwrap().get(&object).cloned().ok_or_else(not_found)?;
        // In two chunks at least, since no reader may rely on a single one.
        let length = (body.len() / 2).clamp(1, MAX_CHUNK_BYTES);
        let starts = (0..body.len()).step_by(length);
        let chunks = starts.map(|start| Ok(body.slice(start..body.len().min(start + length))));
        Ok(stream::iter(chunks.collect::<Vec<_>>()).boxed())
    }

    async fn read_tail(&self, object: Object, bytes: u64) -> Result<(Bytes, u64)> {
        self.up()?;
        let objects = self.objects.lock().unwrap();
        let body = objects.get(&object).ok_or_else(not_found)?;
        Ok((body.slice(body.len().saturating_sub(bytes as usize)..), body.len() as u64))
    }

    async fn read_range(&self, object: Object, range: Range<u64>) -> Result<Vec<Bytes>> {
        self.up()?;
        let objects = self.objects.lock().unwrap();
        let body = objects.get(&object).ok_or_else(not_found)?;
        Ok(vec![body.slice(range.start as usize..range.end as usize)])
    }

    async fn write_new(&self, object: Object, _media_type: &str) -> Result<Box<dyn BlobWriter>> {
        self.up()?;
        Ok(Box::new(Writer { objects: self.objects.clone(), object, body: Vec::new(), last_part_bytes: None }))
    }

    async fn upload_url(
        &self,
        object: Object,
        terms: &UploadTerms,
        signed_at: Timestamp,
        lifetime: Duration,
    ) -> Result<SignedUpload> {
        self.up()?;
        let (from, seconds, length) = (signed_at.as_second(), lifetime.as_secs(), terms.length);
        let url = format!("memory://blobs/{}?from={from}&seconds={seconds}&length={length}", name(object));
        let mut headers = BTreeMap::from([("content-type".to_owned(), terms.media_type.to_owned())]);
        headers.extend(terms.checksum_sha256.clone().map(|sum| ("x-amz-checksum-sha256".to_owned(), sum)));
        Ok(SignedUpload { url, headers })
    }

    async fn download_url(
        &self,
        object: Object,
        file_name: &str,
        _media_type: &str,
        lifetime: Duration,
    ) -> Result<String> {
        self.up()?;
        Ok(format!("memory://blobs/{}?name={file_name}&seconds={}", name(object), lifetime.as_secs()))
    }

    async fn delete(&self, object: Object) -> Result<()> {
        self.up()?;
        self.objects.lock().unwrap().remove(&object);
        Ok(())
    }

    async fn announce(&self, object: Object) -> Result<()> {
        self.up()?;
        if !self.objects.lock().unwrap().contains_key(&object) {
            return Err(not_found());
        }
        self.announced.lock().unwrap().push(object);
        Ok(())
    }

    async fn origin(&self) -> Result<String> {
        self.up()?;
        Ok("memory://blobs".to_owned())
    }

    fn upload_of(&self, key: &str) -> Option<DatasetId> {
        // The keys that the event fixtures use.
        key.strip_prefix("uploads/")?.parse().ok()
    }
}

/// The name of an object in URLs.
fn name(object: Object) -> String {
    match object {
        Object::Upload(id) => format!("uploads/{id}"),
        Object::Rows(group, id) => format!("rows/{group}/{id}"),
        Object::Export { made_on, dataset_id, extension } => format!("exports/{made_on}/{dataset_id}.{extension}"),
        Object::Answer { made_on, digest } => format!("exports/{made_on}/{digest}"),
    }
}

struct Writer {
    objects: Objects,
    object: Object,
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
        put_new(&self.objects, self.object, self.body.into())
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

fn put_new(objects: &Objects, object: Object, body: Bytes) -> Result<()> {
    let mut objects = objects.lock().unwrap();
    if objects.contains_key(&object) {
        return Err(Error::already_exists("the object exists already"));
    }
    objects.insert(object, body);
    Ok(())
}

fn not_found() -> Error {
    Error::not_found("the object does not exist")
}
