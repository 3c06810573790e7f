//! What a service that runs for months does about its memory.
#![cfg_attr(all(target_os = "linux", target_env = "gnu"), expect(unsafe_code, reason = "glibc is told in C"))]

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
