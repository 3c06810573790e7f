//! The destination of a converted file.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// The destination of the Parquet file.
pub trait Output: Write + Send {
    /// Discards what has been written. The file is written again from its start.
    ///
    /// # Errors
    /// If what has been written can't be undone.
    fn restart(&mut self) -> io::Result<()>;
}

impl Output for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

impl Output for File {
    fn restart(&mut self) -> io::Result<()> {
        self.set_len(0)?;
        self.seek(SeekFrom::Start(0)).map(drop)
    }
}

/// Discards everything, for a check alone.
impl Output for io::Sink {
    fn restart(&mut self) -> io::Result<()> {
        Ok(())
    }
}
