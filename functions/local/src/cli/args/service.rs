//! What `serve` and `keys` take.

use super::{Sure, duration};
use anyhow::Context;
use axum::http::HeaderValue;
use clap::{Args, Subcommand};
use dataset_types::id::{KeyId, UserId, WorkspaceId};
use reqwest::Url;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

/// The default data directory.
pub(crate) const DATA_DIR: &str = ".datasets";

#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
    #[command(flatten)]
    pub(crate) place: KeyTable,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key, and show it this once.
    Create {
        /// The user that the key acts for.
        #[arg(long, default_value = "1")]
        user: UserId,
    },
    /// List the live keys, by their ids.
    List,
    /// End a key, at once. There is no way back.
    Revoke {
        /// As `datasets keys list` shows it.
        id: KeyId,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Whose keys.
#[derive(Debug, Args)]
pub(crate) struct KeyTable {
    /// The workspace of the keys.
    #[arg(long, global = true, default_value = "1")]
    pub(crate) workspace: WorkspaceId,
    /// The table of a deployment in AWS, its stack's output `TableName`; region and credentials are found as usual.
    #[arg(long, global = true, env = "TABLE_NAME")]
    pub(crate) table: Option<String>,
    /// The directory of the service on this machine, whatever table is named [default: .datasets].
    #[arg(long, global = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The port that the service listens on; 0 for any that is free.
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// The address that it listens on. 0.0.0.0 lets the whole network in, for a container or a colleague.
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST.into())]
    pub(crate) host: IpAddr,
    /// Where people reach it, if not there: what signed URLs begin with, such as https://data.example.com.
    #[arg(long, value_parser = public_url)]
    pub(crate) public_url: Option<Url>,
    /// A name or an address that it is called by, beside this machine's own and that of the public URL.
    #[arg(long = "allow-host", value_name = "NAME", value_parser = host_name)]
    pub(crate) allowed_hosts: Vec<String>,
    /// An origin whose pages may call, such as https://app.example.com; the console needs none.
    #[arg(long = "allow-origin", value_name = "URL", value_parser = origin)]
    pub(crate) allowed_origins: Vec<HeaderValue>,
    /// Where everything is kept.
    #[arg(long, default_value = DATA_DIR)]
    pub(crate) data_dir: PathBuf,
    /// Let webhooks go to public addresses over https only, as in AWS.
    #[arg(long)]
    pub(crate) public_webhooks_only: bool,
    /// How often to look for work that is overdue.
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub(crate) sweep_every: Duration,
    /// Run the engines alone, on the three ports after this one, for `cargo lambda watch`.
    #[arg(long, conflicts_with_all = ["host", "public_url", "allowed_hosts", "allowed_origins"])]
    pub(crate) engines_only: bool,
    /// The key to let in, of workspace 1; without it one is made at the first start.
    // Not looked at here, where an error would show it.
    #[arg(long, env = "DATASETS_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
}

fn public_url(text: &str) -> anyhow::Result<Url> {
    let url: Url = text.parse().context("give a URL such as https://data.example.com")?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let is_origin = matches!(url.scheme(), "http" | "https") && is_bare && url.password().is_none();
    anyhow::ensure!(is_origin, "give a URL of http or https without a path, such as https://data.example.com");
    Ok(url)
}

/// As browsers send it.
fn origin(text: &str) -> anyhow::Result<HeaderValue> {
    Ok(HeaderValue::try_from(public_url(text)?.origin().ascii_serialization())?)
}

/// A name or an address without a port, as a `Host` header has it.
fn host_name(text: &str) -> anyhow::Result<String> {
    let bracketed = text.parse::<Ipv6Addr>().map(|address| format!("[{address}]"));
    let host = bracketed.unwrap_or_else(|_| text.to_ascii_lowercase());
    let url = Url::parse(&format!("http://{host}/")).ok();
    let is_plain = host.chars().all(|c| c.is_alphanumeric() || ".-_[]:".contains(c));
    anyhow::ensure!(
        is_plain && url.is_some_and(|url| url.host_str() == Some(&host) && url.path() == "/"),
        "give a name or an address alone, such as box.local or 192.0.2.7"
    );
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_public_urls() {
        assert_eq!(host_name("Box.local").unwrap(), "box.local");
        assert_eq!(host_name("fd00::2").unwrap(), "[fd00::2]");
        for wrong in ["", "box:8080", "http://box", "a/b", "u@box", "[fd00::2]:80"] {
            assert!(host_name(wrong).is_err(), "{wrong}");
        }
        assert!(public_url("https://data.example.com").is_ok());
        for wrong in ["data.example.com", "https://data.test/path", "https://u:p@data.test", "https://data.test/#f"] {
            assert!(public_url(wrong).is_err(), "{wrong}");
        }
    }
}
