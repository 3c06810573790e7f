//! `datasets check` and `convert`: the checks of an upload, without a service.

use crate::cli::args::{Check, Convert};
use crate::client::noticed;
use crate::output::say;
use anyhow::Context;
use dataset_core::upload::{self, FileName};
use dataset_formats::{ColumnType, Error, Limits, Output, Summary};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Says what an upload would say.
///
/// # Errors
/// What is wrong with the file, and where.
pub(crate) fn check(args: &Check) -> anyhow::Result<()> {
    let size = fs::metadata(&args.file).with_context(|| unreadable(&args.file))?.len();
    upload::check_size(size).with_context(|| args.file.display().to_string())?;
    let summary = read(&args.file, &mut io::sink(), &Limits::default())?;
    report(&args.file, &summary)
}

/// Writes what would be stored, of a file of any size. One that is refused leaves nothing behind.
///
/// # Errors
/// What is wrong with the file, and where.
pub(crate) fn convert(args: &Convert) -> anyhow::Result<()> {
    let limits = Limits { threads: args.threads.get(), ..Limits::default() };
    let unwritable = || format!("{} could not be written", args.out.display());
    let is_source =
        fs::canonicalize(&args.out).is_ok_and(|out| fs::canonicalize(&args.file).is_ok_and(|file| file == out));
    anyhow::ensure!(!is_source, "{} would be replaced by what is made of it; give another name", args.out.display());
    // An existing file stays until the new one is complete.
    let part = args.out.with_added_extension("part");
    let mut out = File::create(&part).with_context(unwritable)?;
    let written = read(&args.file, &mut out, &limits)
        .and_then(|summary| fs::rename(&part, &args.out).with_context(unwritable).map(|()| summary));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    report(&args.file, &written?)
}

fn read(path: &Path, out: &mut impl Output, limits: &Limits) -> anyhow::Result<Summary> {
    let shown = path.display();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = FileName::parse(&name).with_context(|| shown.to_string())?;
    let metadata = fs::metadata(path).with_context(|| unreadable(path))?;
    anyhow::ensure!(metadata.is_file(), "{shown} is not a file");
    dataset_formats::convert(name.format(), &mut || File::open(path), out, limits).map_err(|error| match error {
        Error::Data(error) => {
            let place = [("row", error.row), ("line", error.line), ("column", error.column)];
            let place = place.iter().filter_map(|(name, n)| n.map(|n| format!(" {name} {n},"))).collect::<String>();
            let name = error.column_name.as_deref().map(|name| format!(" {name:?}")).unwrap_or_default();
            let place = format!("{}{name}", place.trim_end_matches(','));
            let place = if place.is_empty() { place } else { format!("{place}:") };
            anyhow::anyhow!("{shown}:{place} {} ({})", error.message, error.code.name())
        }
        error => anyhow::Error::from(error).context(format!("{shown} could not be converted")),
    })
}

fn unreadable(path: &Path) -> String {
    format!("{} could not be read", path.display())
}

fn report(path: &Path, summary: &Summary) -> anyhow::Result<()> {
    let (columns, rows) = (summary.columns.len() as u64, summary.rows);
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    say(&format!("{}: {rows} row{}, {columns} column{}", path.display(), plural(rows), plural(columns)))?;
    for column in &summary.columns {
        let kind = match column.kind {
            ColumnType::Bool => "boolean",
            ColumnType::Int => "integer",
            ColumnType::UInt => "unsigned integer",
            ColumnType::Double => "double",
            ColumnType::Text => "text",
            ColumnType::Json => "JSON",
        };
        say(&format!("  {kind:<16} {:?}", column.name))?;
    }
    for notice in &summary.notices {
        say(&format!("  notice: {}", noticed(notice)))?;
    }
    Ok(())
}
