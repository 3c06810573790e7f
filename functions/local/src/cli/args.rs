//! Arguments of the commands.

mod said;
pub(crate) mod webhooks;

pub(crate) use said::Said;

use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use dataset_types::dataset::StatusFilter;
use dataset_types::id::{DatasetId, GroupId, KeyId, UserId, WorkspaceId};
use dataset_types::rows::ExampleCount;
use dataset_types::upload::DownloadFormat;
use dataset_types::{PageNumber, PerPage};
use jiff::SignedDuration;
use reqwest::Url;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use strum::VariantNames;

/// The default data directory.
pub(crate) const DATA_DIR: &str = ".datasets";

/// Which service, and who is asking. What is not given is taken from the last login.
#[derive(Debug, Args)]
pub(crate) struct Access {
    /// The URL of the service, such as http://127.0.0.1:8080.
    #[arg(long, global = true, env = "DATASETS_URL")]
    pub(crate) url: Option<String>,
    /// The API key. Others on this machine can see arguments: the variable is the better place.
    #[arg(long, global = true, env = "DATASETS_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Remote {
    #[command(flatten)]
    pub(crate) access: Access,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// For what has no way back.
#[derive(Debug, Args)]
pub(crate) struct Sure {
    /// Do it without asking, as a script must.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Push {
    /// The file, which its extension says the format of.
    pub(crate) file: PathBuf,
    /// The id of the group that gets the version; `datasets groups` lists them.
    #[arg(long)]
    pub(crate) group: GroupId,
    /// Wait until the file is a version, or was refused.
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long all of it may take.
    #[arg(long, default_value = "10m", value_parser = duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) said: Said,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct Pages {
    #[arg(long, default_value_t)]
    pub(crate) page: PageNumber,
    #[arg(long, default_value = "20")]
    pub(crate) per_page: PerPage,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Datasets of this group alone.
    #[arg(long)]
    pub(crate) group: Option<GroupId>,
    /// Datasets whose group has this in its name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Datasets of this status alone.
    #[arg(long, value_parser = one_of::<StatusFilter>())]
    pub(crate) status: Option<StatusFilter>,
    #[command(flatten)]
    pub(crate) pages: Pages,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Groups {
    #[command(subcommand)]
    pub(crate) command: Option<GroupsCommand>,
    #[command(flatten)]
    pub(crate) list: ListGroups,
}

#[derive(Debug, Args)]
pub(crate) struct ListGroups {
    /// Groups that have this in their name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) pages: Pages,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GroupsCommand {
    /// Create a group, and print its id.
    Create {
        /// No other group of the workspace has it.
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Put a group away with all its versions. There is no way back.
    Delete {
        /// The id of the group.
        id: GroupId,
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OneDataset {
    /// The id of the version.
    pub(crate) id: DatasetId,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct Rows {
    /// The id of the version.
    pub(crate) id: DatasetId,
    /// Rows that have this in some cell, in any case.
    #[arg(short = 'q', long = "search", value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Search no rows up to this one, to go on with a search that stopped there.
    #[arg(long, default_value_t, value_name = "ROW")]
    pub(crate) after_row: u64,
    #[arg(long, default_value_t)]
    pub(crate) page: PageNumber,
    #[arg(long, default_value_t)]
    pub(crate) per_page: PerPage,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The id of the older version.
    pub(crate) old: DatasetId,
    /// The id of the newer version.
    pub(crate) new: DatasetId,
    /// A column that tells rows apart, such as an id.
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// How many rows of each sort to show.
    #[arg(long, default_value_t)]
    pub(crate) examples: ExampleCount,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct Download {
    /// The id of the version.
    pub(crate) id: DatasetId,
    /// `source` is the file as it was uploaded.
    #[arg(long, default_value = "parquet", value_parser = one_of::<DownloadFormat>())]
    pub(crate) format: DownloadFormat,
    /// Where the file goes; `-` for standard output. Without it, beside you under the name it was uploaded by.
    #[arg(short, long)]
    pub(crate) out: Option<PathBuf>,
    /// Replace a file that is there.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// Asks for the key, or reads it from standard input.
#[derive(Debug, Args)]
pub(crate) struct Login {
    #[command(flatten)]
    pub(crate) access: Access,
}

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
    #[arg(long, conflicts_with_all = ["host", "public_url", "allowed_hosts"])]
    pub(crate) engines_only: bool,
    /// The key to let in, of workspace 1; without it one is made at the first start.
    // Not looked at here, where an error would show it.
    #[arg(long, env = "DATASETS_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The file, which its extension says the format of.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) said: Said,
    /// Print JSON, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The file, which its extension says the format of.
    pub(crate) file: PathBuf,
    /// Where the Parquet file goes; one that is there is replaced.
    pub(crate) out: PathBuf,
    /// How many threads may work on it.
    #[arg(long, default_value_t = NonZero::<usize>::MIN)]
    pub(crate) threads: NonZero<usize>,
    #[command(flatten)]
    pub(crate) said: Said,
}

/// One of the names of an enum of the API.
fn one_of<T>() -> impl TypedValueParser<Value = T>
where
    T: VariantNames + FromStr<Err: Error + Send + Sync> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(T::VARIANTS).try_map(|name| name.parse())
}

/// A time as people write it, such as `90s`, `1m 30s`, `2 hours`; a number alone is seconds.
fn duration(text: &str) -> anyhow::Result<Duration> {
    let duration = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => text
            .parse::<SignedDuration>()
            .ok()
            .and_then(|duration| duration.try_into().ok())
            .context("give a time such as 90s, 10m or 1h")?,
    };
    anyhow::ensure!(duration >= Duration::from_secs(1), "give at least 1s");
    Ok(duration)
}

fn public_url(text: &str) -> anyhow::Result<Url> {
    let url: Url = text.parse().context("give a URL such as https://data.example.com")?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let is_origin = matches!(url.scheme(), "http" | "https") && is_bare && url.password().is_none();
    anyhow::ensure!(is_origin, "give a URL of http or https without a path, such as https://data.example.com");
    Ok(url)
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

    #[test]
    fn durations() {
        for (text, seconds) in [("60s", 60), ("5", 5), ("1m", 60), ("1m30s", 90), ("1m 30s", 90), ("2 hours", 7_200)] {
            assert_eq!(duration(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for wrong in ["", "s", "0s", "-1s", "1x", "10ms"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
