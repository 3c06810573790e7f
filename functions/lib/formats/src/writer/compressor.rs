//! Compresses pages, on one thread or several.
//!
//! A page is the unit of work, so that all threads are busy to the end and
//! only a few pages are in flight: the thread that parses puts pages into a
//! short queue, and whenever the queue is full it compresses one itself.

use super::column::PageId;
use crate::error::Result;
use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use std::io;
use std::ops::Range;
use std::thread;
use zstd::bulk::Compressor;
use zstd::zstd_safe::compress_bound;

/// zstd's fastest level but the negative ones.
pub(super) const LEVEL: i32 = 1;

/// Pages in the queue for each thread that takes from it.
const QUEUED: usize = 4;

/// Larger buffers, which only huge cells need, are released.
const MAX_KEPT_BYTES: usize = 2 << 20;

/// Which page of which column.
pub(super) type Place = (usize, PageId);

/// A page to be compressed into a buffer.
struct Job {
    place: Place,
    page: Vec<u8>,
    out: Vec<u8>,
}

/// A finished job, or its error.
type Done = io::Result<Job>;

pub(crate) struct PageCompressor {
    zstd: Compressor<'static>,
    /// Both ends of the queue to the other threads, if there are any.
    queue: Option<(Sender<Job>, Receiver<Job>)>,
    /// Jobs that the other threads have finished.
    finished: Receiver<Done>,
    /// Pages in the queue or being compressed by other threads.
    queued: usize,
    compressed: Compressed,
    spare: Vec<Vec<u8>>,
}

/// The pages of a row group, compressed, in the order in which they were done.
#[derive(Default)]
struct Compressed {
    places: Vec<(Place, Range<usize>)>,
    /// The pages, and room behind them.
    bytes: Vec<u8>,
    used: usize,
}

impl Compressed {
    /// Room for so many bytes.
    fn room(&mut self, length: usize) -> &mut [u8] {
        if self.bytes.len() - self.used < length {
            self.bytes.resize(self.used + length + self.bytes.len() / 4, 0);
        }
        &mut self.bytes[self.used..]
    }

    fn add(&mut self, place: Place, length: usize) {
        self.places.push((place, self.used..self.used + length));
        self.used += length;
    }
}

/// The pages of a row group, compressed: which they are and where each is, and the bytes among which it is.
type Pages = (Vec<(Place, Range<usize>)>, Bytes);

/// Runs `work` with a compressor on so many threads, the calling one included.
pub(crate) fn with_threads<T>(threads: usize, work: impl FnOnce(&mut PageCompressor) -> Result<T>) -> Result<T> {
    with_helpers(threads, |zstd, page, out| zstd.compress_to_buffer(page, out), work)
}

/// Threads that died say so, since others would wait for what they had.
struct Alive<'a>(&'a Sender<Done>);

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            // No one waits any more if it can't be sent.
            let _ = self.0.send(Err(io::Error::other("a thread that compresses has died")));
        }
    }
}

fn with_helpers<T>(
    threads: usize,
    compress: impl Fn(&mut Compressor<'static>, &[u8], &mut Vec<u8>) -> io::Result<usize> + Copy + Send,
    work: impl FnOnce(&mut PageCompressor) -> Result<T>,
) -> Result<T> {
    let helpers = threads.saturating_sub(1);
    let (sender, finished) = crossbeam_channel::unbounded();
    let mut compressor = PageCompressor {
        zstd: Compressor::new(LEVEL)?,
        queue: (helpers > 0).then(|| crossbeam_channel::bounded(helpers * QUEUED)),
        finished,
        queued: 0,
        compressed: Compressed::default(),
        spare: vec![],
    };
    thread::scope(|scope| {
        let queues = compressor.queue.iter().map(|(_, jobs)| jobs).cycle().take(helpers).cloned().collect::<Vec<_>>();
        for jobs in queues {
            let (finished, mut zstd) = (sender.clone(), Compressor::new(LEVEL)?);
            scope.spawn(move || {
                let _alive = Alive(&finished);
                for mut job in jobs {
                    job.out.clear();
                    job.out.reserve(compress_bound(job.page.len()));
                    let done = compress(&mut zstd, &job.page, &mut job.out);
                    if finished.send(done.map(|_| job)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let result = work(&mut compressor);
        // The queue closes, and the threads end.
        drop(compressor);
        result
    })
}

impl PageCompressor {
    /// An empty buffer for a page.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    pub(super) fn submit(&mut self, place: Place, page: Vec<u8>) -> Result<()> {
        let Some((queue, _)) = &self.queue else {
            return self.compress(place, page);
        };
        let out = self.spare.pop().unwrap_or_default();
        match queue.try_send(Job { place, page, out }) {
            Ok(()) => self.queued += 1,
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                self.keep(job.out);
                self.compress(job.place, job.page)?;
            }
        }
        while let Ok(done) = self.finished.try_recv() {
            self.take(done)?;
        }
        Ok(())
    }

    /// All pages since the last time.
    pub(super) fn finish(&mut self) -> Result<Pages> {
        while let Some(job) = self.queue.as_ref().and_then(|(_, jobs)| jobs.try_recv().ok()) {
            self.queued -= 1;
            self.keep(job.out);
            self.compress(job.place, job.page)?;
        }
        while self.queued > 0 {
            let done = self.finished.recv().map_err(io::Error::other)?;
            self.take(done)?;
        }
        self.compressed.used = 0;
        Ok((std::mem::take(&mut self.compressed.places), std::mem::take(&mut self.compressed.bytes).into()))
    }

    /// Takes back the buffer of the last row group, to use it again.
    pub(super) fn reclaim(&mut self, bytes: Bytes) {
        if let Ok(bytes) = bytes.try_into_mut() {
            self.compressed.bytes = bytes.into();
        }
    }

    fn compress(&mut self, place: Place, page: Vec<u8>) -> Result<()> {
        let room = self.compressed.room(compress_bound(page.len()));
        let length = self.zstd.compress_to_buffer(&page[..], room)?;
        self.compressed.add(place, length);
        self.keep(page);
        Ok(())
    }

    fn take(&mut self, done: Done) -> Result<()> {
        self.queued -= 1;
        let job = done?;
        let length = job.out.len();
        self.compressed.room(length)[..length].copy_from_slice(&job.out);
        self.compressed.add(job.place, length);
        self.keep(job.page);
        self.keep(job.out);
        Ok(())
    }

    fn keep(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= MAX_KEPT_BYTES && self.spare.len() < 4 * QUEUED {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_thread_that_dies_is_not_waited_for() {
        // The others live on.
        let died = with_helpers(
            4,
            |_, _, _| panic!("no page is compressed"),
            |compressor| {
                compressor.submit((0, PageId::Data(0)), vec![0; 64])?;
                // Else this thread would take it back.
                while compressor.queue.as_ref().is_some_and(|(_, jobs)| !jobs.is_empty()) {
                    thread::yield_now();
                }
                compressor.finish().map(drop)
            },
        );
        died.unwrap();
    }
}
