//! `datasets`: the service on one machine, and a client to it anywhere.

use clap::Parser;
use dataset_local::cli::Cli;
use dataset_local::client::Trouble;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let as_json = std::env::args_os().any(|arg| arg == "--json");
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if as_json && error.use_stderr() => {
            return refuse(&Trouble::Usage(error.render().to_string().trim_end().to_owned()).into(), true);
        }
        Err(error) => error.exit(),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(cli.default_log()));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error, as_json),
    }
}

/// Says what went wrong, to programs in the envelope that the API has.
fn refuse(error: &anyhow::Error, as_json: bool) -> ExitCode {
    let trouble = error.downcast_ref::<Trouble>();
    let text = if as_json {
        let refused = error.downcast_ref::<dataset_core::Error>().map(|error| error.code().name());
        let code = trouble.map(Trouble::code).or(refused).unwrap_or("failed");
        json!({ "success": false, "error": format!("{error:#}"), "code": code }).to_string()
    } else {
        format!("error: {error:#}")
    };
    let _ = writeln!(std::io::stderr(), "{text}");
    trouble.map_or(ExitCode::FAILURE, |trouble| trouble.exit_code().into())
}
