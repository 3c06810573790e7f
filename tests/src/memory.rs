//! Fakes of the ports, in memory.

mod blobs;
mod callers;
mod idle_clock;
mod labels;
mod outline;
mod schemas;
mod table;
mod webhooks;

pub use blobs::MemoryBlobs;
pub use idle_clock::{Busy, IdleClock};
pub use outline::{Outline, Status, dataset_of};
pub use table::MemoryTable;
pub use webhooks::MemoryVault;

use async_trait::async_trait;
use dataset_core::Ports;
use dataset_core::Result;
use dataset_core::clock::Clock;
use dataset_core::delivery::DeliveryKey;
use dataset_core::ids::Ids;
use dataset_core::queue::Queue;
use jiff::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A clock that advances only when it is moved, or slept on.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
        tokio::task::yield_now().await;
    }
}

/// Numbers that look random and are the same in every run, from a counter.
#[derive(Default)]
pub struct CountingIds(AtomicU64);

impl CountingIds {
    /// Each seed gives different numbers.
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Ids for CountingIds {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            let mixed = count.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A queue that keeps the messages it was sent.
#[derive(Default)]
pub struct MemoryQueue(Mutex<Vec<(DeliveryKey, Duration)>>);

impl MemoryQueue {
    /// Takes the messages sent since the last call, with their delays.
    pub fn take(&self) -> Vec<(DeliveryKey, Duration)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, deliveries: &[DeliveryKey], delay: Duration) -> Result<()> {
        self.0.lock().unwrap().extend(deliveries.iter().map(|key| (key.clone(), delay)));
        Ok(())
    }
}

/// A fake of each port.
pub struct Fakes {
    pub table: Arc<MemoryTable>,
    pub blobs: Arc<MemoryBlobs>,
    pub queue: Arc<MemoryQueue>,
    pub vault: Arc<MemoryVault>,
    pub clock: Arc<ManualClock>,
    pub ids: Arc<CountingIds>,
}

impl Default for Fakes {
    fn default() -> Self {
        Self {
            table: Arc::default(),
            blobs: Arc::default(),
            queue: Arc::default(),
            vault: Arc::default(),
            clock: Arc::new(ManualClock::at(crate::start())),
            ids: Arc::default(),
        }
    }
}

impl Fakes {
    pub fn ports(&self) -> Ports {
        Ports {
            catalog: self.table.clone(),
            schemas: self.table.clone(),
            labels: self.table.clone(),
            idempotency: self.table.clone(),
            webhooks: self.table.clone(),
            deliveries: self.table.clone(),
            blobs: self.blobs.clone(),
            queue: self.queue.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
        }
    }
}
