//! The service's URL and API key.

use super::remote::{Remote, Trouble, address};
use crate::cli::args::{Access, Login};
use crate::output::say;
use crate::signals::StopSignals;
use anyhow::Context;
use console::Term;
use dataset_core::api_key::ApiKey;
use dataset_types::group::ListGroups;
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use tempfile::NamedTempFile;

const API_KEY: &str = "DATASETS_API_KEY";

/// The file of `datasets login`.
#[derive(Serialize, Deserialize)]
struct Config {
    url: String,
    api_key: String,
}

/// Stores the URL and the key, after a call with them has succeeded.
pub(crate) async fn login(args: Login) -> anyhow::Result<()> {
    let url =
        args.access.url.ok_or_else(|| Trouble::Usage("give the URL of the service: --url, or DATASETS_URL".into()))?;
    address(&url)?;
    let (key, from) = match &args.access.api_key {
        Some(key) => (parse(key)?, given(key)),
        None => (ask().await?, "this login".to_owned()),
    };
    let remote = Remote::new(&url, &key, from)?;
    remote.get("dataset-groups", &ListGroups::default()).await?;
    let path = path()?;
    keep(&path, &Config { url: remote.url().to_owned(), api_key: key.reveal().to_owned() })
        .with_context(|| format!("{} could not be written", path.display()))?;
    say(&format!("The key of {} is valid. {} has it, for your eyes only.", remote.key_from(), path.display()))?;
    Ok(())
}

/// The service that the flags, the environment or the last login name.
pub(super) fn remote(access: &Access) -> anyhow::Result<Remote> {
    // A variable that is empty is as good as none.
    let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let access = &Access { url: said(&access.url), api_key: said(&access.api_key) };
    if let (Some(url), Some(key)) = (&access.url, &access.api_key) {
        return Remote::new(url, &parse(key)?, given(key));
    }
    let path = path()?;
    let config: Config = match File::open(&path) {
        Ok(file) => serde_json::from_reader(io::BufReader::new(file))
            .with_context(|| format!("{} is not as `datasets login` writes it; log in again", path.display()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(access.url.clone().map_or(Trouble::NoService, |url| Trouble::NoKey { url }).into());
        }
        Err(error) => return Err(error).with_context(|| format!("{} could not be read", path.display())),
    };
    // A key is only ever sent to the service that it was given for.
    if let Some(url) = &access.url
        && address(url)? != config.url
    {
        return Err(Trouble::NoKey { url: url.clone() }.into());
    }
    match &access.api_key {
        Some(key) => Remote::new(&config.url, &parse(key)?, given(key)),
        None => Remote::new(&config.url, &parse(&config.api_key)?, "the last login".to_owned()),
    }
}

/// Where a key that was given is from.
fn given(key: &str) -> String {
    let is_in_variable = std::env::var(API_KEY).is_ok_and(|value| value == key);
    if is_in_variable { API_KEY.to_owned() } else { "--api-key".to_owned() }
}

/// Asks without an echo. Whoever stops it then gets the terminal back as it was.
async fn ask() -> anyhow::Result<ApiKey> {
    let text = if io::stdin().is_terminal() {
        let (terminal, mut stop) = (Term::stderr(), StopSignals::new()?);
        let _as_it_was = Kept::now();
        terminal.write_str("API key: ")?;
        tokio::select! {
            line = tokio::task::spawn_blocking(move || terminal.read_secure_line()) => line??,
            () = stop.next() => return Err(Trouble::Stopped.into()),
        }
    } else {
        io::read_to_string(io::stdin())?
    };
    Ok(parse(&text)?)
}

/// The terminal's settings, which it gets back in the end.
struct Kept {
    #[cfg(unix)]
    settings: Option<rustix::termios::Termios>,
}

impl Kept {
    fn now() -> Self {
        Self {
            #[cfg(unix)]
            settings: rustix::termios::tcgetattr(io::stdin()).ok(),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(settings) = &self.settings {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, settings);
        }
    }
}

fn parse(key: &str) -> Result<ApiKey, Trouble> {
    ApiKey::parse(key.trim()).map_err(|error| Trouble::Unauthorized(error.to_string()))
}

fn path() -> anyhow::Result<PathBuf> {
    let places = etcetera::choose_base_strategy().context("there is no home directory, so no place for a login")?;
    Ok(places.config_dir().join("datasets").join("login.json"))
}

fn keep(path: &std::path::Path, config: &Config) -> anyhow::Result<()> {
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory)?;
    // A temporary file is for its owner's eyes only.
    let mut file = NamedTempFile::new_in(directory)?;
    serde_json::to_writer_pretty(&mut file, config)?;
    file.write_all(b"\n")?;
    file.persist(path)?;
    Ok(())
}
