//! The command line.

pub(crate) mod args;

use crate::output::say;
use crate::signals::StopSignals;
use crate::{client, files, relay};
#[cfg(feature = "service")]
use crate::{demo, keys, memory, serve};
use args::annotations::Annotate;
#[cfg(feature = "service")]
use args::service::{Keys, Serve};
use args::webhooks::{Listen, Webhooks};
use args::{
    Check, Convert, DeleteDataset, Diff, Download, Groups, Labels, List, Login, Mcp, OneDataset, Push, Relay, Rows,
};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

/// Versioned datasets from CSV and JSON files: the service on one machine, and a client to it anywhere.
#[derive(Debug, Parser)]
#[command(name = "datasets", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 the file or the request was refused; 2 the command line is wrong; \
                          3 the service can't be reached, has a fault or takes too long; \
                          4 there is no key, or it is not valid; 130 stopped.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole service until Ctrl-C.
    #[cfg(feature = "service")]
    Serve(Serve),
    /// See the service work: files in, versions and signed webhooks out.
    #[cfg(feature = "service")]
    Demo,
    /// Say what an upload of a file would say, without uploading it.
    Check(Check),
    /// Write the Parquet file that an upload of a file would store.
    Convert(Convert),
    /// Upload a file as the next version of a group.
    Push(Push),
    /// List datasets, newest first.
    Ls(List),
    /// Show one dataset: a draft, a version, or a failure with its reason.
    Show(OneDataset),
    /// List, create or delete dataset groups, and say what their rows must be.
    Groups(Groups),
    /// Name versions: list, move or take away the labels of a group.
    Labels(Labels),
    /// Show rows of a version.
    Rows(Rows),
    /// Compare two versions.
    Diff(Diff),
    /// Save a version as a file.
    Download(Download),
    /// Change the description, the tags or the metadata of a dataset.
    Annotate(Annotate),
    /// Put a version away: it leaves the lists, and its number stays taken. Of a draft: take it back, for good.
    Delete(DeleteDataset),
    /// Bring a deleted version back.
    Restore(OneDataset),
    /// Register webhooks, and see what was sent to them.
    Webhooks(Webhooks),
    /// Receive webhooks here, check and print them.
    Listen(Listen),
    /// Serve an assistant by the Model Context Protocol, on standard input and output.
    Mcp(Mcp),
    /// Stand between a service on AWS and clients that send files over 4.5 MB in one call.
    Relay(Relay),
    /// Keep the URL and the key of a service for the commands that talk to it.
    Login(Login),
    /// Make, list or revoke API keys of the service on this machine, or of a deployment in AWS.
    #[cfg(feature = "service")]
    Keys(Keys),
    /// Print what makes a shell complete these commands.
    Completions { shell: Shell },
}

impl Cli {
    /// The log filter without `RUST_LOG`.
    pub fn default_log(&self) -> &'static str {
        match self.command {
            // `s3s_fs` logs whole requests in its spans.
            #[cfg(feature = "service")]
            Command::Serve(_) => "info,s3s=warn,s3s_fs=off,rustack_sqs_core=warn,dynoxide=error",
            // The other commands print what happens.
            _ => "error",
        }
    }

    /// # Errors
    /// Why the command could not do what it is for.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            #[cfg(feature = "service")]
            Command::Serve(args) => {
                memory::share_one_heap();
                block_on(serve::run(args))
            }
            #[cfg(feature = "service")]
            Command::Demo => block_on(demo::run()),
            Command::Check(args) => until_stopped(files::check(args)),
            Command::Convert(args) => until_stopped(files::convert(args)),
            Command::Push(args) => block_on(client::push(args)),
            Command::Ls(args) => until_stopped(client::list(args)),
            Command::Show(args) => until_stopped(client::show(args)),
            Command::Groups(args) => until_stopped(client::groups(args)),
            Command::Labels(args) => until_stopped(client::labels(args)),
            Command::Rows(args) => until_stopped(client::rows(args)),
            Command::Diff(args) => until_stopped(client::diff(args)),
            Command::Download(args) => until_stopped(client::download(args)),
            Command::Annotate(args) => until_stopped(client::annotate(args)),
            Command::Delete(args) => until_stopped(client::delete(args)),
            Command::Restore(args) => until_stopped(client::restore(args)),
            Command::Webhooks(args) => until_stopped(client::webhooks(args)),
            Command::Listen(args) => block_on(client::listen(args)),
            // They hear signals themselves: one has drafts to take back, one reads the key.
            Command::Relay(args) => block_on(relay::run(args)),
            Command::Mcp(args) => block_on(client::mcp(args)),
            Command::Login(args) => block_on(client::login(args)),
            #[cfg(feature = "service")]
            Command::Keys(args) => until_stopped(keys::run(args)),
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Self::command(), "datasets", &mut script);
                Ok(say(String::from_utf8(script)?.trim_end())?)
            }
        }
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(command);
    // What was stopped is not waited for.
    runtime.shutdown_background();
    done
}

/// Runs a command to its end, or until Ctrl-C: it then drops what it has begun.
fn until_stopped(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    block_on(async {
        let mut stop = StopSignals::new()?;
        tokio::select! {
            done = command => done,
            () = stop.next() => Err(client::Trouble::Stopped.into()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
