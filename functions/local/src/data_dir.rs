//! The directory that holds everything the service knows.

use anyhow::Context;
use dataset_core::api_key::ApiKey;
use dataset_core::ids::Ids;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A directory that this process alone works in.
pub(crate) struct DataDir {
    path: PathBuf,
    /// Held as long as the process lives; the system lets go of it with a crash.
    _lock: File,
}

impl DataDir {
    /// Creates the directory where it is missing, and locks it.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        for part in ["", "s3", "events"] {
            let part = path.join(part);
            // There are signing secrets in it.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&part)
                .with_context(|| format!("{} could not be created", part.display()))?;
        }
        let lock = path.join("lock");
        let lock = File::create(&lock).with_context(|| format!("{} could not be created", lock.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "{} is in use by another `datasets serve`; stop that one or give another --data-dir",
                path.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).context("the data directory could not be locked"),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("dynamodb.sqlite")
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.path.join("s3")
    }

    pub(crate) fn events(&self) -> PathBuf {
        self.path.join("events")
    }

    /// The key made at the first start. It is kept in clear, for its owner's
    /// eyes only, so that it can be shown again.
    pub(crate) fn api_key(&self, ids: &dyn Ids) -> anyhow::Result<ApiKey> {
        let path = self.path.join("api-key");
        if let Ok(mut file) = File::open(&path) {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            return ApiKey::parse(text.trim()).with_context(|| format!("{} holds no key; delete it", path.display()));
        }
        let key = ApiKey::generate(ids);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        writeln!(file, "{}", key.reveal())?;
        Ok(key)
    }
}
