//! The directory that holds everything the service knows.

use anyhow::Context;
use dataset_aws::{Endpoints, SecretVault};
use dataset_core::api_key::ApiKey;
use dataset_core::ids::Ids;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const ENDPOINTS: &str = "endpoints.json";

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
            Ok(()) => {
                // The engines of whoever was here before are gone.
                let _ = fs::remove_file(path.join(ENDPOINTS));
                Ok(Self { path: path.to_owned(), _lock: lock })
            }
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "{} is in use by another `datasets serve`; stop that one or give another --data-dir",
                path.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).context("the data directory could not be locked"),
        }
    }

    /// Notes where the engines are, for the commands that are run beside them.
    pub(crate) fn note_endpoints(&self, endpoints: &Endpoints) -> anyhow::Result<()> {
        let (path, part) = (self.path.join(ENDPOINTS), self.path.join("endpoints.part"));
        fs::write(&part, serde_json::to_vec(endpoints)?)?;
        Ok(fs::rename(part, path)?)
    }

    /// Where the engines are of the process that works in a directory, if one does.
    pub(crate) fn endpoints_in_use(path: &Path) -> anyhow::Result<Option<Endpoints>> {
        let Ok(lock) = File::open(path.join("lock")) else {
            return Ok(None);
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                let noted = fs::read(path.join(ENDPOINTS)).context("the service is only just starting; try again")?;
                Ok(Some(serde_json::from_slice(&noted)?))
            }
            Err(TryLockError::Error(error)) => Err(error).context("the data directory could not be looked at"),
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
        let text = kept(&path, || ApiKey::generate(ids).reveal().to_owned())?;
        ApiKey::parse(text.trim()).with_context(|| format!("{} holds no key; delete it", path.display()))
    }

    /// The file with the key that signing secrets are sealed with.
    pub(crate) fn secrets_key(&self, ids: &dyn Ids) -> anyhow::Result<PathBuf> {
        let path = self.path.join("secrets-key");
        kept(&path, || SecretVault::key_for_file(ids).to_string())?;
        Ok(path)
    }
}

/// What a file for its owner's eyes has, written where it is missing.
fn kept(path: &Path, make: impl FnOnce() -> String) -> anyhow::Result<String> {
    if let Ok(mut file) = File::open(path) {
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        return Ok(text);
    }
    // Under its own name only once it is whole.
    let (text, part) = (make(), path.with_extension("part"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(part, path)?;
    Ok(text)
}
