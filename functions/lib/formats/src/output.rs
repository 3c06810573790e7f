//! Where a converted file goes.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// Where the Parquet file goes.
pub trait Output: Write + Send {
    /// Forgets what has been written: the file comes again from its start.
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

/// For who wants to know what would be written, and no more.
impl Output for io::Sink {
    fn restart(&mut self) -> io::Result<()> {
        Ok(())
    }
}
