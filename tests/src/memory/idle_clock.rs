//! Time that passes only while there is nothing else to do, so that what takes long by the calls it waits for
//! is measured without waiting, and without noise.

use async_trait::async_trait;
use dataset_core::clock::Clock;
use futures::channel::oneshot;
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct IdleClock(Mutex<Time>);

/// Keeps the time from passing while something else, such as an engine's threads, is at work.
pub struct Busy(Arc<IdleClock>);

struct Time {
    now: Timestamp,
    /// Who sleeps until when; of two at one time the one that began first wakes first.
    sleepers: BTreeMap<(Timestamp, usize), oneshot::Sender<()>>,
    sleeps: usize,
    busy: usize,
}

impl IdleClock {
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(Time { now, sleepers: BTreeMap::new(), sleeps: 0, busy: 0 }))
    }

    pub fn busy(self: &Arc<Self>) -> Busy {
        self.0.lock().unwrap().busy += 1;
        Busy(Arc::clone(self))
    }

    /// Runs a future to its end. All that it waits for must sleep on this clock, or be [`Busy`].
    pub fn run<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> T {
        let mut pool = LocalPool::new();
        let (sender, mut output) = oneshot::channel();
        // This pool yields to no one, as tokio's budget for a task would have it do.
        let future = tokio::task::unconstrained(future);
        let run = async { drop(sender.send(future.await)) };
        pool.spawner().spawn_local(run).unwrap();
        loop {
            pool.run_until_stalled();
            if let Some(output) = output.try_recv().unwrap() {
                return output;
            }
            let mut time = self.0.lock().unwrap();
            if time.busy > 0 {
                drop(time);
                std::thread::sleep(Duration::from_micros(20));
                continue;
            }
            let ((at, _), sleeper) = time.sleepers.pop_first().expect("it waits for nothing that sleeps");
            time.now = time.now.max(at);
            let _ = sleeper.send(());
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().busy -= 1;
    }
}

#[async_trait]
impl Clock for IdleClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    async fn sleep(&self, duration: Duration) {
        let (sleeper, woken) = oneshot::channel();
        {
            let mut time = self.0.lock().unwrap();
            let until = time.now.checked_add(duration).unwrap();
            time.sleeps += 1;
            let key = (until, time.sleeps);
            time.sleepers.insert(key, sleeper);
        }
        let _ = woken.await;
    }
}
