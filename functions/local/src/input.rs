//! A file that a command is given: by its path, or as a stream.

use crate::client::Trouble;
use anyhow::Context;
use bytes::{Bytes, BytesMut};
use dataset_core::upload::FileName;
use dataset_core::{Error, ErrorCode};
use dataset_types::limits::MAX_FILE_BYTES;
use futures::stream::{self, Stream};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Of a stream that is uploaded: a byte more than a file may have, so that it is refused.
pub(crate) const ENOUGH: u64 = MAX_FILE_BYTES + 1;

/// A file that is refused without a look into it, in the words of who gave it.
pub(crate) fn refused_here(file: &str, error: &Error) -> Trouble {
    let message = match error.code() {
        ErrorCode::UnsupportedFileType => {
            "its name must end with .csv or .json; unpack or convert it, or say by --name what it is, such as --name answers.csv".to_owned()
        }
        _ => error.to_string(),
    };
    Trouble::Failed { file: file.to_owned(), code: error.code().name().to_owned(), message, details: String::new() }
}

/// Bytes of a file that are read at a time.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// A file, piece by piece.
pub(crate) fn chunks(file: impl AsyncRead + Unpin) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold(file, |mut file| async move {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        while chunk.len() < CHUNK_BYTES && file.read_buf(&mut chunk).await? > 0 {}
        Ok((!chunk.is_empty()).then_some((chunk.freeze(), file)))
    })
}

/// The text in a file; `-` is standard input.
///
/// # Errors
/// If it can't be read, or is no text.
pub(crate) fn text_of(path: &Path) -> anyhow::Result<String> {
    let text = if path == "-" { io::read_to_string(io::stdin()) } else { fs::read_to_string(path) };
    text.with_context(|| format!("{} could not be read", path.display()))
}

/// A regular file. What came as a stream is one for as long as this is there.
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    /// By which it is uploaded, and its format is known.
    pub(crate) name: String,
    /// What people know it by.
    pub(crate) shown: String,
    _copy: Option<NamedTempFile>,
}

impl Input {
    /// `-` is standard input; it, a pipe or a device is read to its end, or up to so many bytes.
    ///
    /// # Errors
    /// If it can't be read, or has no name.
    pub(crate) async fn open(path: &Path, name: Option<&str>, max_bytes: u64) -> anyhow::Result<Self> {
        let shown = path.display().to_string();
        let unreadable = || format!("{shown} could not be read");
        let is_stdin = path == "-";
        let is_regular = !is_stdin && {
            let metadata = fs::metadata(path).with_context(unreadable)?;
            anyhow::ensure!(!metadata.is_dir(), "{shown} is a directory, not a file");
            metadata.is_file()
        };
        let name = match name {
            Some(name) => name.to_owned(),
            None => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        if !is_regular && FileName::parse(&name).is_err() {
            let message = format!("say by --name what is in {shown}, such as --name answers.csv");
            return Err(Trouble::Usage(message).into());
        }
        if is_regular {
            return Ok(Self { path: path.to_owned(), name, shown, _copy: None });
        }
        let source = path.to_owned();
        let open = move || -> io::Result<Box<dyn Read>> {
            Ok(if is_stdin { Box::new(io::stdin().lock()) } else { Box::new(File::open(source)?) })
        };
        Self::copied(open, name, max_bytes).await.with_context(unreadable)
    }

    /// A copy of what is read up to so many bytes, under this name.
    ///
    /// # Errors
    /// If it can't be read, or there is no room.
    pub(crate) async fn copied<R: Read>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        name: String,
        max_bytes: u64,
    ) -> anyhow::Result<Self> {
        let copy = NamedTempFile::new().context("there is no room for temporary files")?;
        let mut out = copy.reopen()?;
        // On a thread of its own, since whoever writes it may take his time; whoever is stopped meanwhile drops
        // the copy.
        tokio::task::spawn_blocking(move || io::copy(&mut open()?.take(max_bytes), &mut out)).await??;
        Ok(Self { path: copy.path().to_owned(), shown: name.clone(), name, _copy: Some(copy) })
    }
}
