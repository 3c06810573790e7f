//! Memory of a service that runs for months.
#![cfg_attr(all(target_os = "linux", target_env = "gnu"), expect(unsafe_code, reason = "glibc is told in C"))]

use dataset_core::clock::Clock;
use std::sync::Arc;
use std::time::Duration;

/// Interval between calls of `malloc_trim`.
const KEPT: Duration = Duration::from_secs(30);

/// Lets all threads share one heap, where the C library would give them many.
///
/// Each of glibc's heaps keeps what its largest request once needed, and the
/// next request comes to another: comparing wide versions, one after another,
/// takes four times the memory so. Called before there is a second thread.
pub(crate) fn share_one_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: no memory is passed, and no other thread runs yet.
    let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// Returns free memory to the system at intervals. glibc does so by itself only at the end of the heap, where
/// something small often remains after many concurrent requests.
pub(crate) async fn give_back(clock: Arc<dyn Clock>) {
    loop {
        clock.sleep(KEPT).await;
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        // SAFETY: it takes and gives nothing but a number, from any thread.
        let _ = unsafe { libc::malloc_trim(0) };
    }
}
