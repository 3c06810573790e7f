//! A file that a command makes.
//!
//! A regular file appears, or is replaced, only when it is complete. Whatever else is at its path, such as a
//! pipe or a device, is written into.

use anyhow::{Context, ensure};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// Where it is to be.
pub(crate) enum Place {
    Stdout,
    /// A pipe, a device, or a link to where nothing is yet.
    Into(PathBuf),
    /// A regular file, or nothing yet.
    At(PathBuf),
}

impl Place {
    /// # Errors
    /// If it is a directory.
    pub(crate) fn of(path: &Path) -> anyhow::Result<Self> {
        // A redirected standard output may be a regular file, which the shell goes on writing.
        if path == "-" || path == "/dev/stdout" || path == "/dev/fd/1" {
            return Ok(Self::Stdout);
        }
        match fs::metadata(path) {
            Ok(there) => {
                ensure!(!there.is_dir(), "{} is a directory; give the name of a file in it", path.display());
                Ok(if there.is_file() { Self::At(fs::canonicalize(path)?) } else { Self::Into(path.to_owned()) })
            }
            Err(_) if fs::symlink_metadata(path).is_ok() => Ok(Self::Into(path.to_owned())),
            Err(_) => Ok(Self::At(path.to_owned())),
        }
    }

    /// Whether a file would be replaced.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Self::At(path) if path.exists())
    }
}

/// A file in the making. Dropped before its end, it leaves nothing behind.
pub(crate) struct Draft {
    file: NamedTempFile,
    place: Place,
}

impl Draft {
    /// # Errors
    /// If no file can be made there.
    pub(crate) fn new(place: Place) -> anyhow::Result<Self> {
        let file = match &place {
            Place::At(path) => {
                let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
                let mut builder = Builder::new();
                builder.prefix(".datasets-").suffix(".part");
                // As of any new file: what the mask of the process leaves of it.
                #[cfg(unix)]
                builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
                let made = builder.tempfile_in(directory.unwrap_or(Path::new(".")));
                made.with_context(|| format!("{} could not be written", path.display()))?
            }
            Place::Into(_) | Place::Stdout => NamedTempFile::new().context("there is no room for temporary files")?,
        };
        Ok(Self { file, place })
    }

    pub(crate) fn file(&self) -> io::Result<File> {
        self.file.reopen()
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// If it can't be written there.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let Self { file, place } = self;
        match place {
            Place::At(path) => {
                let unwritable = || format!("{} could not be written", path.display());
                // What is replaced may be for some eyes only.
                if let Ok(there) = fs::metadata(&path) {
                    file.as_file().set_permissions(there.permissions()).with_context(unwritable)?;
                }
                file.persist(&path).map_err(|error| error.error).with_context(unwritable)?;
            }
            Place::Into(path) => {
                let unwritable = || format!("{} could not be written", path.display());
                let mut into = File::create(&path).with_context(unwritable)?;
                io::copy(&mut file.reopen()?, &mut into).with_context(unwritable)?;
            }
            Place::Stdout => match io::copy(&mut file.reopen()?, &mut io::stdout().lock()) {
                // Whoever reads it has enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                copied => drop(copied.context("standard output could not be written")?),
            },
        }
        Ok(())
    }
}
