//! Pipes between storage, which is asynchronous, and the parser, which is not. They
//! hold a fixed number of chunks, so the faster side waits. What goes through them is hashed on storage's side, while
//! the parser is at work.

use bytes::Bytes;
use dataset_core::blobs::{BlobWriter, Blobs, MIN_PART_BYTES, Object};
use dataset_core::{Error, Result};
use dataset_formats::{Output, Source};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Chunks that storage may read ahead of the parser.
const CHUNKS_AHEAD: usize = 8;

/// A connection to storage has its bounds, so an object is read by several at once: ranges of at least and at most so
/// many bytes, the first of them short, so that the parser begins soon.
const MIN_RANGE_BYTES: u64 = 1 << 20;
const MAX_RANGE_BYTES: u64 = 4 << 20;
const RANGES_AT_ONCE: usize = 16;

/// Reads an object on a thread that may block. A read that breaks off is an error
/// and no end of file, or a fault would look like a shorter file.
pub(crate) struct ObjectReader {
    chunks: mpsc::Receiver<Result<Bytes>>,
    current: Bytes,
    /// Bytes that have not been read yet.
    missing: u64,
}

/// An object in storage, for a thread that may block.
pub(crate) struct StoredFile {
    pub(crate) runtime: Handle,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) object: Object,
    /// In bytes.
    pub(crate) length: u64,
    pub(crate) hash: ReadHash,
    /// What it is read from the first time.
    pub(crate) opened: Option<Chunks>,
}

pub(crate) type Chunks = BoxStream<'static, Result<Bytes>>;

/// The object, which has this length, in order.
pub(crate) async fn chunks(blobs: Arc<dyn Blobs>, object: Object, length: u64) -> Result<Chunks> {
    if length <= MIN_RANGE_BYTES {
        return blobs.read(object).await;
    }
    let read = move |range: Range<u64>| {
        let blobs = Arc::clone(&blobs);
        async move {
            let pieces = blobs.read_range(object, range.clone()).await?;
            let read: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
            let is_whole = read == range.end - range.start;
            let pieces = stream::iter(pieces.into_iter().map(Ok));
            if is_whole { Ok(pieces) } else { Err(Error::unavailable("storage gave another range")) }
        }
    };
    Ok(stream::iter(ranges(length)).map(read).buffered(RANGES_AT_ONCE).try_flatten().boxed())
}

fn ranges(length: u64) -> impl Iterator<Item = Range<u64>> + Send {
    let most = (length / RANGES_AT_ONCE as u64).clamp(MIN_RANGE_BYTES, MAX_RANGE_BYTES);
    let (mut start, mut longest) = (0, MIN_RANGE_BYTES);
    std::iter::from_fn(move || {
        let range = start..length.min(start + longest);
        (start, longest) = (range.end, most.min(longest * 2));
        (!range.is_empty()).then_some(range)
    })
}

/// The SHA-256 of an object that was read to its end.
#[derive(Clone, Default)]
pub(crate) struct ReadHash(Arc<Mutex<Option<String>>>);

impl ReadHash {
    fn set(&self, hash: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = hash;
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The SHA-256 of a stored object.
pub(crate) async fn hash_of(blobs: &dyn Blobs, object: Object) -> Result<String> {
    let mut chunks = blobs.read(object).await?;
    let mut hash = Sha256::new();
    while let Some(chunk) = chunks.try_next().await? {
        hash.update(&chunk);
    }
    Ok(hex::encode(hash.finalize()))
}

impl Source for StoredFile {
    type Reader = ObjectReader;

    fn open(&mut self) -> io::Result<ObjectReader> {
        let Self { runtime, blobs, object, length, hash: known, opened } = self;
        let mut stream = match opened.take() {
            Some(stream) => stream,
            None => runtime.block_on(chunks(Arc::clone(blobs), *object, *length)).map_err(io::Error::other)?,
        };
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let known = known.clone();
        known.set(None);
        runtime.spawn(async move {
            let mut hash = Sha256::new();
            while let Some(chunk) = stream.next().await {
                if let Ok(chunk) = &chunk {
                    hash.update(chunk);
                }
                if sender.send(chunk).await.is_err() {
                    return;
                }
            }
            // Before the reader sees the end.
            known.set(Some(hex::encode(hash.finalize())));
            drop(sender);
        });
        Ok(ObjectReader { chunks, current: Bytes::new(), missing: *length })
    }

    fn tail(&mut self, bytes: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
        if self.length < length {
            return Ok(None);
        }
        let (tail, _) = self.runtime.block_on(self.blobs.read_tail(self.object, bytes)).map_err(io::Error::other)?;
        Ok(Some(tail.into()))
    }
}

impl ObjectReader {
    fn wrong_length(&self) -> io::Error {
        io::Error::new(io::ErrorKind::UnexpectedEof, "the object has not the length that was stored")
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.current = chunk.map_err(io::Error::other)?,
                None if self.missing > 0 => return Err(self.wrong_length()),
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.current.len());
        self.missing = self.missing.checked_sub(length as u64).ok_or_else(|| self.wrong_length())?;
        buffer[..length].copy_from_slice(&self.current.split_to(length));
        Ok(length)
    }
}

/// What the parser sends to storage.
pub(crate) enum Step {
    Part(Bytes),
    /// Discards the parts before.
    Restart,
}

/// An [`Output`] that sends parts of [`MIN_PART_BYTES`].
pub(crate) struct PartWriter {
    steps: mpsc::Sender<Step>,
    part: Vec<u8>,
    has_sent: bool,
}

impl PartWriter {
    /// The writer and the receiver of its parts.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Step>) {
        let (steps, receiver) = mpsc::channel(1);
        (Self { steps, part: Vec::new(), has_sent: false }, receiver)
    }

    /// Sends the last part.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if self.part.is_empty() && self.has_sent { Ok(()) } else { self.send_part() }
    }

    fn send_part(&mut self) -> io::Result<()> {
        let part = Bytes::from(std::mem::take(&mut self.part));
        self.has_sent = true;
        self.send(Step::Part(part))
    }

    fn send(&self, step: Step) -> io::Result<()> {
        self.steps.blocking_send(step).map_err(|_| io::Error::other("the rows could not be stored"))
    }
}

impl Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.part.capacity() == 0 {
            self.part.reserve_exact(MIN_PART_BYTES);
        }
        let length = bytes.len().min(MIN_PART_BYTES - self.part.len());
        self.part.extend_from_slice(&bytes[..length]);
        if self.part.len() == MIN_PART_BYTES {
            self.send_part()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output for PartWriter {
    fn restart(&mut self) -> io::Result<()> {
        self.part.clear();
        if std::mem::take(&mut self.has_sent) { self.send(Step::Restart) } else { Ok(()) }
    }
}

/// Stores parts as they arrive. Returns the SHA-256 of them all.
pub(crate) async fn store(
    mut writer: Box<dyn BlobWriter>,
    mut steps: mpsc::Receiver<Step>,
) -> (Box<dyn BlobWriter>, Result<String>) {
    let mut hash = Sha256::new();
    while let Some(step) = steps.recv().await {
        let done = match step {
            Step::Part(part) => {
                hash.update(&part);
                writer.write(part).await
            }
            Step::Restart => {
                hash = Sha256::new();
                writer.restart().await
            }
        };
        if let Err(error) = done {
            return (writer, Err(error));
        }
    }
    (writer, Ok(hex::encode(hash.finalize())))
}

/// The domain's error within an I/O error of these pipes.
pub(crate) fn unpack(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::unavailable("storage broke off").because(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts_of(bytes: usize) -> Vec<usize> {
        let (mut writer, mut steps) = PartWriter::new();
        let writing = std::thread::spawn(move || {
            writer.write_all(&vec![0; bytes])?;
            writer.finish()
        });
        let parts = std::iter::from_fn(|| steps.blocking_recv());
        let parts = parts.map(|step| if let Step::Part(part) = step { part.len() } else { panic!("a restart") });
        let parts = parts.collect();
        writing.join().unwrap().unwrap();
        parts
    }

    #[test]
    fn ranges_are_all_of_it_in_order() {
        let mib = 1 << 20;
        for length in [0, 1, mib, mib + 1, 10 * mib, 100 * mib, 100 * mib + 1] {
            let ranges: Vec<Range<u64>> = ranges(length).collect();
            let ends = ranges.iter().map(|range| range.end);
            let starts = ranges.iter().map(|range| range.start).chain([length]);
            assert!(std::iter::once(0).chain(ends).eq(starts), "{ranges:?}");
            assert!(ranges.iter().all(|range| range.end - range.start <= MAX_RANGE_BYTES));
        }
    }

    #[test]
    fn no_part_is_empty_but_one_alone() {
        assert_eq!(parts_of(0), [0]);
        assert_eq!(parts_of(5), [5]);
        assert_eq!(parts_of(MIN_PART_BYTES), [MIN_PART_BYTES]);
        assert_eq!(parts_of(2 * MIN_PART_BYTES), [MIN_PART_BYTES; 2]);
        assert_eq!(parts_of(MIN_PART_BYTES + 1), [MIN_PART_BYTES, 1]);
    }
}
