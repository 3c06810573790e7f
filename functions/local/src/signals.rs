//! What ends the process from outside.

use std::io;

#[cfg(not(unix))]
pub(crate) use elsewhere::StopSignals;
#[cfg(unix)]
pub(crate) use on_unix::StopSignals;

#[cfg(unix)]
mod on_unix {
    use super::io;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// The signals that end the process: Ctrl-C, SIGTERM, SIGHUP.
    pub(crate) struct StopSignals([Signal; 3]);

    impl StopSignals {
        /// Takes over the signals: from now on, none ends the process by itself.
        pub(crate) fn new() -> io::Result<Self> {
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            let [interrupt, terminate, hangup] = kinds.map(signal);
            Ok(Self([interrupt?, terminate?, hangup?]))
        }

        pub(crate) async fn next(&mut self) {
            let [interrupt, terminate, hangup] = &mut self.0;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use super::io;

    /// Ctrl-C.
    pub(crate) struct StopSignals(());

    impl StopSignals {
        #[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self(()))
        }

        pub(crate) async fn next(&mut self) {
            // Where Ctrl-C can't be listened to, it ends the process by itself.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending().await
            }
        }
    }
}
