//! The data directory.

use crate::service::BUCKET;
use anyhow::{Context, bail, ensure};
use dataset_aws::{Credentials, SecretVault};
use dataset_core::api_key::ApiKey;
use dataset_core::ids::Ids;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const API_KEY: &str = "api-key";
const DATABASE: &str = "dynamodb.sqlite";
const LOCK: &str = "lock";
const OBJECTS: &str = "s3";
const EVENTS: &str = "events";

/// Free space that opening the database takes, and that creating it takes.
const ROOM_TO_OPEN: usize = 128 << 10;
const ROOM_TO_CREATE: usize = 1 << 20;

/// A data directory, locked for this process.
pub(crate) struct DataDir {
    path: PathBuf,
    /// Held while the process lives; the system releases it after a crash.
    _lock: File,
}

impl DataDir {
    /// Creates the directory if needed, and locks it. Its contents are made private,
    /// since there are secrets among them.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let is_new = !path.exists();
        ensure!(
            is_new || Self::is_ours(path)? || is_empty(path)?,
            "{} holds files of something else; give an empty or a new --data-dir",
            path.display()
        );
        let opened = Self::create_and_lock(path).and_then(|opened| {
            let prepared = opened.prepare();
            if prepared.is_err() && is_new {
                // Only the process that holds the lock removes it.
                let _ = fs::remove_file(path.join(LOCK));
                let _ = [opened.objects(), opened.events()].map(fs::remove_dir);
            }
            prepared.map(|()| opened)
        });
        if opened.is_err() && is_new {
            // Only if it is empty.
            let _ = fs::remove_dir(path);
        }
        opened
    }

    fn create_and_lock(path: &Path) -> anyhow::Result<Self> {
        let unwritable = || format!("{} can't be written to; give another --data-dir", path.display());
        create(path).with_context(unwritable)?;
        make_private(path).with_context(unwritable)?;
        let lock = File::create(path.join(LOCK)).with_context(unwritable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "{} is in use by another `datasets serve`; stop that one or give another --data-dir",
                path.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).with_context(unwritable)?,
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Creates what is missing, and checks that everything can be written.
    fn prepare(&self) -> anyhow::Result<()> {
        let path = &self.path;
        let unwritable = || format!("{} can't be written to; give another --data-dir", path.display());
        for part in [self.objects(), self.events()] {
            create(&part).with_context(unwritable)?;
            make_private(&part).with_context(unwritable)?;
        }
        let bucket = self.objects().join(BUCKET);
        if bucket.exists() {
            make_private(&bucket).with_context(|| format!("{} is not this user's", bucket.display()))?;
        }
        // Without this space, not even reading works.
        let room = if path.join(DATABASE).exists() { ROOM_TO_OPEN } else { ROOM_TO_CREATE };
        if let Err(error) = write_for_a_moment(path, room) {
            bail!("{} can't be written to: {error}; make room on its disk and start again", path.display());
        }
        self.try_to_write()
    }

    /// Whether a directory is a data directory.
    fn is_ours(path: &Path) -> anyhow::Result<bool> {
        ensure!(path.is_dir(), "{} is no directory; give another --data-dir", path.display());
        // A database of this name may be another program's.
        let has = |part: &str| path.join(part).exists();
        if has(OBJECTS) && (has(DATABASE) || has(LOCK) && has(EVENTS)) {
            return Ok(true);
        }
        // A first start may have died after creating its lock, which is empty.
        let mut entries = fs::read_dir(path).with_context(|| format!("{} could not be read", path.display()))?;
        let is_cut_off =
            entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == LOCK || entry.file_name() == OBJECTS));
        Ok(is_cut_off && path.join(LOCK).metadata().is_ok_and(|lock| lock.len() == 0))
    }

    /// The database in a data directory, whether a service runs on it or not.
    pub(crate) fn database_of(path: &Path) -> anyhow::Result<PathBuf> {
        let database = path.join(DATABASE);
        ensure!(
            database.is_file(),
            "{} is no directory of `datasets serve`; give --data-dir, or --table for a deployment in AWS",
            path.display()
        );
        Ok(database)
    }

    /// Checks that a small upload could be written, in each place that it writes to.
    pub(crate) fn try_to_write(&self) -> anyhow::Result<()> {
        let directories = [self.path.clone(), self.events(), self.objects(), self.objects().join(BUCKET)];
        for directory in directories.iter().filter(|directory| directory.exists()) {
            write_for_a_moment(directory, 16 << 10)
                .with_context(|| format!("{} can't be written to", directory.display()))?;
        }
        let database = self.database();
        if database.exists() {
            // Not by opening it: whoever closes a file loses all of its process's locks on it, and another process,
            // such as `datasets keys`, would then take away the log that SQLite goes on writing to.
            rustix::fs::access(&database, rustix::fs::Access::WRITE_OK)
                .with_context(|| format!("{} can't be written to", database.display()))?;
        }
        Ok(())
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Where the database is created at the first start. It gets its name when it is
    /// complete, since an incomplete one can't be told from a broken one.
    pub(crate) fn unfinished_database(&self) -> io::Result<Unfinished> {
        let path = self.path.join("dynamodb.part");
        let unfinished = Unfinished { path, finished: self.database() };
        unfinished.remove()?;
        Ok(unfinished)
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.path.join(OBJECTS)
    }

    pub(crate) fn events(&self) -> PathBuf {
        self.path.join(EVENTS)
    }

    /// The credentials that sign storage's URLs, drawn at the first start, so that
    /// URLs stay valid over a restart.
    pub(crate) fn credentials(&self, ids: &dyn Ids) -> anyhow::Result<Credentials> {
        #[derive(Serialize, Deserialize)]
        struct Kept {
            access_key: String,
            secret_key: String,
        }
        let path = self.path.join("storage-credentials.json");
        let kept: Kept = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("{} holds no credentials; delete it", path.display()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let drawn = drawn_credentials(ids);
                let kept = Kept { access_key: drawn.access_key, secret_key: drawn.secret_key };
                keep(&path, &serde_json::to_string(&kept)?)?;
                kept
            }
            Err(error) => return Err(error).with_context(|| format!("{} could not be read", path.display())),
        };
        Ok(Credentials { access_key: kept.access_key, secret_key: kept.secret_key })
    }

    /// The key that is printed at each start. It is kept in clear, readable by its owner only.
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

    /// The file with the key that encrypts signing secrets.
    pub(crate) fn secrets_key(&self, ids: &dyn Ids) -> anyhow::Result<PathBuf> {
        let path = self.path.join("secrets-key");
        if !path.exists() {
            keep(&path, &SecretVault::key_for_file(ids))?;
        }
        Ok(path)
    }
}

/// An SQLite file that is not complete yet.
pub(crate) struct Unfinished {
    pub(crate) path: PathBuf,
    finished: PathBuf,
}

impl Unfinished {
    fn parts(&self) -> [PathBuf; 3] {
        ["part", "part-wal", "part-shm"].map(|extension| self.path.with_extension(extension))
    }

    fn remove(&self) -> io::Result<()> {
        self.parts().into_iter().filter(|part| part.exists()).try_for_each(fs::remove_file)
    }

    /// The file must be closed everywhere.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let [database, log, _] = self.parts();
        ensure!(!log.exists(), "{} is still open", database.display());
        File::open(&database)?.sync_all()?;
        Ok(fs::rename(database, self.finished)?)
    }
}

/// Random credentials.
pub(crate) fn drawn_credentials(ids: &dyn Ids) -> Credentials {
    let mut bytes = [0; 40];
    ids.fill(&mut bytes);
    let (access_key, secret_key) = bytes.split_at(8);
    Credentials { access_key: hex::encode_upper(access_key), secret_key: hex::encode(secret_key) }
}

fn create(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn make_private(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

fn write_for_a_moment(directory: &Path, bytes: usize) -> io::Result<()> {
    // An unnamed file, so that several checks can run at once.
    tempfile::tempfile_in(directory)?.write_all(&vec![0; bytes])
}

fn is_empty(path: &Path) -> anyhow::Result<bool> {
    let mut entries = fs::read_dir(path).with_context(|| format!("{} could not be read", path.display()))?;
    Ok(entries.next().is_none())
}

/// Writes a file that only its owner can read. It gets its name when it is complete.
fn keep(path: &Path, text: &str) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    Ok(fs::rename(part, path)?)
}
