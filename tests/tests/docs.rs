//! Tables of the docs that are generated from code. `UPDATE_DOCS=1 cargo test -p dataset-tests --test docs`
//! rewrites them.

use clap::CommandFactory;
use dataset_local::cli::Cli;
use dataset_tests::docs::check;
use dataset_types::{ErrorCode, FailureCode};
use std::collections::BTreeMap;
use std::fmt::Write;
use strum::VariantArray;

#[test]
fn commands() {
    fn rows(command: &mut clap::Command, table: &mut String) {
        if !command.is_subcommand_required_set() {
            let usage = command.render_usage().to_string();
            let usage = usage.lines().next().unwrap().replace("Usage: ", "").replace(" [OPTIONS]", "");
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            writeln!(table, "| `{}` | {about} |", usage.replace(" [COMMAND]", "").trim()).unwrap();
        }
        let below = command.get_subcommands_mut().filter(|command| command.get_name() != "help");
        below.for_each(|command| rows(command, table));
    }
    let mut command = Cli::command();
    command.build();
    let mut table = "| command | what it does |\n|---|---|\n".to_owned();
    rows(&mut command, &mut table);
    check("cli.md", "commands", &table);
}

#[test]
fn codes() {
    let mut by_status = BTreeMap::<u16, Vec<String>>::new();
    for code in ErrorCode::VARIANTS {
        by_status.entry(code.status()).or_default().push(format!("`{}`", code.name()));
    }
    let mut table = "| status | codes |\n|---|---|\n".to_owned();
    for (status, codes) in by_status {
        writeln!(table, "| {status} | {} |", codes.join(", ")).unwrap();
    }
    check("api.md", "codes", &table);
}

#[test]
fn failures() {
    let codes: Vec<String> = FailureCode::VARIANTS.iter().map(|code| format!("`{}`", code.name())).collect();
    check("api.md", "failures", &(codes.join(", ") + "\n"));
}
