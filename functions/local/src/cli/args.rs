//! Arguments of the commands.

pub(crate) mod annotations;
mod said;
#[cfg(feature = "service")]
pub(crate) mod service;
pub(crate) mod webhooks;

pub(crate) use annotations::Annotations;
pub(crate) use said::Said;

use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use dataset_types::address::VersionName;
use dataset_types::annotations::{Metadata, Tag};
use dataset_types::dataset::StatusFilter;
use dataset_types::id::{DatasetId, GroupId};
use dataset_types::label::LabelName;
use dataset_types::rows::ExampleCount;
use dataset_types::upload::DownloadFormat;
use dataset_types::{PageNumber, PerPage};
use jiff::SignedDuration;
use std::convert::Infallible;
use std::error::Error;
use std::net::IpAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use strum::VariantNames;

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

/// A group by its id, or else by its name.
#[derive(Clone, Debug)]
pub(crate) enum GroupName {
    Id(GroupId),
    Name(String),
}

impl FromStr for GroupName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Id))
    }
}

/// A dataset by its id, or a version as GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
#[derive(Clone, Debug)]
pub(crate) enum DatasetName {
    Id(DatasetId),
    Version(GroupName, VersionName),
}

impl FromStr for DatasetName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || format!("{text:?} is neither the id of a dataset nor GROUP@NUMBER, GROUP@LABEL or GROUP@latest");
        match text.rsplit_once('@') {
            // What stands before the last @ is the group's name.
            Some((group, version)) if !group.is_empty() => {
                let Ok(group) = group.parse();
                version.parse().map(|version| Self::Version(group, version)).map_err(|_| expected())
            }
            _ => text.parse().map(Self::Id).map_err(|_| expected()),
        }
    }
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
    /// The file, which its extension says the format of; `-` for standard input.
    pub(crate) file: PathBuf,
    /// What it is called, if not by its path.
    #[arg(long, value_name = "FILE_NAME")]
    pub(crate) name: Option<String>,
    /// The id or the name of the group that gets the version; `datasets groups` lists them.
    #[arg(long)]
    pub(crate) group: GroupName,
    /// Wait until the file is a version, or was refused.
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long all of it may take.
    #[arg(long, default_value = "10m", value_parser = duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) said: Said,
    #[command(flatten)]
    pub(crate) annotations: Annotations,
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
    /// Datasets of this group alone, by its id or its name.
    #[arg(long)]
    pub(crate) group: Option<GroupName>,
    /// Datasets whose group has this in its name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Datasets of this status alone.
    #[arg(long, value_parser = one_of::<StatusFilter>())]
    pub(crate) status: Option<StatusFilter>,
    /// Datasets that have this tag.
    #[arg(long)]
    pub(crate) tag: Option<Tag>,
    /// Datasets whose metadata has all that is in this JSON object.
    #[arg(long, value_name = "JSON")]
    pub(crate) metadata: Option<Metadata>,
    /// Datasets up to this id, to go on with a list that stopped there.
    #[arg(long, value_name = "ID")]
    pub(crate) up_to_id: Option<DatasetId>,
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
    /// List dataset groups, as `groups` alone does.
    List(ListGroups),
    /// Create a group, and print its id.
    Create {
        /// No other group of the workspace has it.
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Print the JSON Schema that is in force in a group, put one in force, or take it away.
    Schema(Schema),
    /// Put a group away with all its versions. There is no way back.
    Delete {
        /// The id or the name of the group.
        group: GroupName,
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Labels {
    #[command(subcommand)]
    pub(crate) command: LabelsCommand,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LabelsCommand {
    /// List the labels of a group, and the versions that have them.
    List {
        /// The id or the name of the group.
        group: GroupName,
    },
    /// Put a label on a version, wherever it is.
    Move {
        /// Such as `prod`.
        label: LabelName,
        /// The version that gets it: its id, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
        version: DatasetName,
        /// Only if it is at the version of this number; 0 if it is to be at none.
        #[arg(long, value_name = "NUMBER")]
        expected: Option<u64>,
    },
    /// Take a label away.
    Delete {
        /// Such as `prod`.
        label: LabelName,
        /// The id or the name of the group.
        group: GroupName,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// The id or the name of the group.
    pub(crate) group: GroupName,
    /// Put the schema in this file in force; `-` for standard input.
    #[arg(long, value_name = "SCHEMA_FILE", conflicts_with_all = ["remove", "version"])]
    pub(crate) set: Option<PathBuf>,
    /// Take the schema away: files are not checked any more.
    #[arg(long, conflicts_with = "version")]
    pub(crate) remove: bool,
    /// Print one that the rows of this version fulfil, to be changed and put; by its id, or GROUP@NUMBER.
    #[arg(long, value_name = "ID", conflicts_with_all = ["set", "remove", "version"])]
    pub(crate) propose: Option<DatasetName>,
    /// Print one that was in force.
    #[arg(long)]
    pub(crate) version: Option<u64>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct OneDataset {
    /// The id of the version, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
    pub(crate) id: DatasetName,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteDataset {
    /// The id of the version, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest; or the id of a draft.
    pub(crate) id: DatasetName,
    /// Take its labels away with it; a version that has some stays without this.
    #[arg(long)]
    pub(crate) unlabel: bool,
    #[command(flatten)]
    pub(crate) sure: Sure,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct Rows {
    /// The id of the version, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
    pub(crate) id: DatasetName,
    /// Rows that have this in some cell, in any case.
    #[arg(short = 'q', long = "search", value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Leave out the rows up to this one, to go on with a search that stopped there.
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
    /// The older version, by its id, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
    pub(crate) old: DatasetName,
    /// The newer version.
    pub(crate) new: DatasetName,
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
    /// The id of the version, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
    pub(crate) id: DatasetName,
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

#[derive(Debug, Args)]
pub(crate) struct Mcp {
    /// Let the assistant upload files and move labels, too.
    #[arg(long)]
    pub(crate) write: bool,
    /// The directory whose files the assistant may have checked and uploaded.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) files: PathBuf,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Relay {
    /// The URL of the service.
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// The port that it listens on; 0 for any that is free.
    #[arg(long, default_value_t = 8090)]
    pub(crate) port: u16,
    /// The address that it listens on. 0.0.0.0 lets the whole network in.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// How many large files may be on their way at once; others wait.
    #[arg(long, default_value = "4", value_name = "NUMBER")]
    pub(crate) at_once: NonZero<usize>,
    /// Where large files are while they are sent, if not in the directory for temporary files.
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,
}

/// Asks for the key, or reads it from standard input.
#[derive(Debug, Args)]
pub(crate) struct Login {
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The file, which its extension says the format of; `-` for standard input.
    pub(crate) file: PathBuf,
    /// What it is called, if not by its path.
    #[arg(long, value_name = "FILE_NAME")]
    pub(crate) name: Option<String>,
    /// A JSON Schema that each row must fulfil.
    #[arg(long, value_name = "SCHEMA_FILE", conflicts_with = "group")]
    pub(crate) schema: Option<PathBuf>,
    /// Check the rows by the schema of this group, by its id or its name; the service is asked for it.
    #[arg(long)]
    pub(crate) group: Option<GroupName>,
    #[command(flatten)]
    pub(crate) said: Said,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The file, which its extension says the format of; `-` for standard input.
    pub(crate) file: PathBuf,
    /// What it is called, if not by its path.
    #[arg(long, value_name = "FILE_NAME")]
    pub(crate) name: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

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
