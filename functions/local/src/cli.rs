//! What can be said on the command line.

use crate::{demo, files, serve};
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use dataset_core::api_key::ApiKey;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

/// Versioned datasets from CSV and JSON files: the service on one machine.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole service until Ctrl-C.
    Serve(Serve),
    /// See the service work: files in, versions and signed webhooks out.
    Demo,
    /// Say what an upload of a file would say, without uploading it.
    Check(Check),
    /// Write the Parquet file that an upload of a file would store.
    Convert(Convert),
    /// Make an API key for a deployment in AWS, found by the usual credentials.
    CreateKey(CreateKey),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The port on 127.0.0.1 that the API listens on; 0 for any that is free.
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// Where everything is kept.
    #[arg(long, default_value = ".datasets")]
    pub(crate) data_dir: PathBuf,
    /// Let webhooks go to public addresses over https only, as in AWS.
    #[arg(long)]
    pub(crate) public_webhooks_only: bool,
    /// How often to look for work that is overdue.
    #[arg(long, default_value = "60s", value_parser = seconds)]
    pub(crate) sweep_every: Duration,
    /// Run the engines alone, for `cargo lambda watch`.
    #[arg(long)]
    pub(crate) engines_only: bool,
    /// The key to let in, of workspace 1; without it one is made at the first start.
    #[arg(long, env = "DATASETS_API_KEY", hide_env_values = true, value_parser = api_key)]
    pub(crate) api_key: Option<ApiKey>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The CSV or JSON file.
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The CSV or JSON file.
    pub(crate) file: PathBuf,
    /// Where the Parquet file goes; one that is there is replaced.
    pub(crate) out: PathBuf,
    /// How many threads may work on it.
    #[arg(long, default_value_t = NonZero::<usize>::MIN)]
    pub(crate) threads: NonZero<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    /// The table of the deployment: output `TableName` of the stack.
    #[arg(long, env = "TABLE_NAME")]
    pub(crate) table: String,
    /// The workspace that the key is for.
    #[arg(long, default_value_t = 1)]
    pub(crate) workspace: u64,
    /// The user that the key acts for.
    #[arg(long, default_value_t = 1)]
    pub(crate) user: u64,
}

impl Cli {
    /// What is logged where `RUST_LOG` says nothing.
    pub fn default_log(&self) -> &'static str {
        match self.command {
            // The demo tells its own story.
            Command::Demo | Command::Check(_) | Command::Convert(_) => "error",
            // The file engine writes whole requests into its spans.
            Command::Serve(_) | Command::CreateKey(_) => {
                "info,s3s=warn,s3s_fs=off,rustack_sqs_core=warn,dynoxide=error"
            }
        }
    }

    /// # Errors
    /// Why the command could not do what it is for.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(args) => block_on(serve::run(args)),
            Command::Demo => block_on(demo::run()),
            Command::Check(args) => files::check(&args),
            Command::Convert(args) => files::convert(&args),
            Command::CreateKey(args) => block_on(serve::create_key(args)),
        }
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}

/// A whole number of seconds, as `60s` or `60`.
fn seconds(text: &str) -> anyhow::Result<Duration> {
    let number = text.strip_suffix('s').unwrap_or(text);
    let seconds: u64 = number.parse().context("give a number of seconds, such as 60s")?;
    anyhow::ensure!(seconds > 0, "give at least 1s");
    Ok(Duration::from_secs(seconds))
}

fn api_key(text: &str) -> Result<ApiKey, dataset_core::Error> {
    ApiKey::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations() {
        assert_eq!(seconds("60s").unwrap(), Duration::from_secs(60));
        assert_eq!(seconds("5").unwrap(), Duration::from_secs(5));
        for wrong in ["", "s", "0s", "-1s", "1m"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
