//! A file that a command makes.
//!
//! A regular file appears, or is replaced, only when it is complete. Whatever else is at its path, such as a
//! pipe or a device, is written into.

use anyhow::{Context, bail, ensure};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// Root may replace the file of another, who goes on to own it.
#[cfg(unix)]
fn keep_owner(path: &Path, there: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt, chown};
    let _ = chown(path, Some(there.uid()), Some(there.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &fs::Metadata) {}

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
pub(crate) enum Draft {
    /// Beside the place that it takes by a rename.
    At { file: NamedTempFile, path: PathBuf },
    /// Without a name, since the process may end while whoever reads the pipe takes its time.
    Elsewhere { file: File, place: Place },
}

impl Draft {
    /// # Errors
    /// If no file can be made there.
    pub(crate) fn new(place: Place) -> anyhow::Result<Self> {
        match place {
            Place::At(path) => {
                let unwritable = || format!("{} could not be written", path.display());
                if path.exists() {
                    // Not to be got round by a rename.
                    OpenOptions::new().append(true).open(&path).with_context(unwritable)?;
                }
                let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
                if let Some(missing) = directory.filter(|directory| !directory.is_dir()) {
                    bail!("there is no directory {}; make it first, or give another place", missing.display());
                }
                let mut builder = Builder::new();
                builder.prefix(".datasets-").suffix(".part");
                // As of any new file: what the mask of the process leaves of it.
                #[cfg(unix)]
                builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
                let file = builder.tempfile_in(directory.unwrap_or(Path::new("."))).with_context(unwritable)?;
                Ok(Self::At { file, path })
            }
            place => {
                let file = tempfile::tempfile().context("there is no room for temporary files")?;
                Ok(Self::Elsewhere { file, place })
            }
        }
    }

    /// To be written into.
    pub(crate) fn file(&self) -> io::Result<File> {
        match self {
            Self::At { file, .. } => file.as_file().try_clone(),
            Self::Elsewhere { file, .. } => file.try_clone(),
        }
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// If it can't be written there.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::At { file, path } => {
                let unwritable = || format!("{} could not be written", path.display());
                // What is replaced may be for some eyes only.
                if let Ok(there) = fs::metadata(&path) {
                    keep_owner(file.path(), &there);
                    file.as_file().set_permissions(there.permissions()).with_context(unwritable)?;
                }
                file.persist(&path).map_err(|error| error.error).with_context(unwritable)?;
            }
            Self::Elsewhere { mut file, place } => {
                file.rewind()?;
                let (mut into, shown): (Box<dyn Write>, _) = match &place {
                    Place::Stdout => (Box::new(io::stdout().lock()), "standard output".to_owned()),
                    Place::Into(path) | Place::At(path) => {
                        let shown = path.display().to_string();
                        (Box::new(File::create(path).with_context(|| format!("{shown} could not be written"))?), shown)
                    }
                };
                match io::copy(&mut file, &mut into).and_then(|_| into.flush()) {
                    // Whoever reads it has enough.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                    written => written.with_context(|| format!("{shown} could not be written"))?,
                }
            }
        }
        Ok(())
    }
}
