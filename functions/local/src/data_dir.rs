//! The directory that holds everything the service knows.

use anyhow::Context;
use dataset_aws::{Endpoints, SecretVault};
use dataset_core::api_key::ApiKey;
use dataset_core::ids::Ids;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const API_KEY: &str = "api-key";
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
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "{} is in use by another `datasets serve`; stop that one or give another --data-dir",
                path.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).context("the data directory could not be locked"),
        }
    }

    /// Where the engines of whoever was here before were. They are gone.
    pub(crate) fn endpoints_before(&self) -> Option<Endpoints> {
        let path = self.path.join(ENDPOINTS);
        let before = serde_json::from_slice(&fs::read(&path).ok()?).ok();
        // Until there are others, no one should look for them there.
        let _ = fs::remove_file(path);
        before
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

    /// The key that is shown at each start. It is kept in clear, for its
    /// owner's eyes only.
    pub(crate) fn api_key(&self) -> anyhow::Result<Option<ApiKey>> {
        let path = self.path.join(API_KEY);
        match fs::read_to_string(&path) {
            Ok(text) => ApiKey::parse(text.trim())
                .map(Some)
                .with_context(|| format!("{} holds no key; delete it", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} could not be read", path.display())),
        }
    }

    pub(crate) fn keep_api_key(&self, key: &ApiKey) -> anyhow::Result<()> {
        keep(&self.path.join(API_KEY), key.reveal())
    }

    /// The file with the key that signing secrets are sealed with.
    pub(crate) fn secrets_key(&self, ids: &dyn Ids) -> anyhow::Result<PathBuf> {
        let path = self.path.join("secrets-key");
        if !path.exists() {
            keep(&path, &SecretVault::key_for_file(ids))?;
        }
        Ok(path)
    }
}

/// Writes a file for its owner's eyes, which has its name only once it is whole.
fn keep(path: &Path, text: &str) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    Ok(fs::rename(part, path)?)
}
