//! `datasets`: the service on one machine, and a client to it anywhere.

use clap::Parser;
use dataset_local::cli::Cli;
use dataset_local::client::Trouble;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(cli.default_log()));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            error.downcast_ref::<Trouble>().map_or(ExitCode::FAILURE, |trouble| trouble.exit_code().into())
        }
    }
}
