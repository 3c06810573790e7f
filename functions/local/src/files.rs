//! `datasets check` and `convert`: the checks of an upload, without a service.

use crate::cli::args::{Check, Convert};
use crate::client::{self, Trouble, noticed, trouble};
use crate::input::{ENOUGH, Input, refused_here, text_of};
use crate::made::{Draft, Place};
use crate::output::{note, say};
use anyhow::Context;
use dataset_core::upload::{self, FileName};
use dataset_formats::{ColumnType, DataError, Error, Limits, OnDisk, Output, RowSchema, Summary};
use dataset_types::dataset::Failure;
use dataset_types::dialect::Dialect;
use dataset_types::{FailureCode, in_words, rows as api};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Says what an upload would say.
///
/// # Errors
/// What is wrong with the file, and where.
pub(crate) async fn check(args: Check) -> anyhow::Result<()> {
    let input = Arc::new(Input::open(&args.file, args.name.as_deref(), ENOUGH).await?);
    let schema = match (&args.schema, &args.group) {
        (Some(path), _) => Some(schema_in(path)?),
        (None, Some(group)) => {
            let schema = client::schema_of(group, &args.remote.access).await?;
            if schema.is_none() {
                note("The group has no schema: rows are not checked by one.")?;
            }
            schema
        }
        (None, None) => None,
    };
    let judged = judge(&input, args.said.dialect(), schema).await?;
    if args.remote.json {
        say(&as_json(&judged))?;
    }
    match judged {
        Ok(_) if args.remote.json => Ok(()),
        Ok(summary) => report(&input, &summary),
        Err(failure) => Err(trouble(failure, &input.shown).into()),
    }
}

/// What an upload would say of a file.
pub(crate) async fn judge(
    input: &Arc<Input>,
    said: Dialect,
    schema: Option<RowSchema>,
) -> anyhow::Result<Result<Summary, Failure>> {
    let size = fs::metadata(&input.path).with_context(|| unreadable(input))?.len();
    if let Err(error) = upload::check_size(size) {
        // No version fails by it: the API refuses such a file at once.
        let code = error.code().name().to_owned();
        return Ok(Err(Failure { code, ..Failure::new(FailureCode::ProcessingFailed, error.to_string()) }));
    }
    let input = Arc::clone(input);
    let checking = move || read(&input, &said, &mut io::sink(), &Limits::default(), schema.as_ref());
    Ok(tokio::task::spawn_blocking(checking).await??.map_err(Failure::from))
}

/// Writes what would be stored, of a file of any size. One that is refused leaves nothing behind.
///
/// # Errors
/// What is wrong with the file, and where.
pub(crate) async fn convert(args: Convert) -> anyhow::Result<()> {
    let limits = Limits { threads: args.threads.get(), ..Limits::default() };
    let is_source =
        fs::canonicalize(&args.out).is_ok_and(|out| fs::canonicalize(&args.file).is_ok_and(|file| file == out));
    anyhow::ensure!(!is_source, "{} would be replaced by what is made of it; give another name", args.out.display());
    let place = Place::of(&args.out)?;
    let is_piped = matches!(place, Place::Stdout);
    let draft = Draft::new(place)?;
    let mut out = draft.file()?;
    let input = Input::open(&args.file, args.name.as_deref(), u64::MAX).await?;
    let converting = move || match read(&input, &args.said.dialect(), &mut out, &limits, None)? {
        Ok(summary) => Ok((input, summary)),
        Err(error) => Err(anyhow::Error::from(trouble(error.into(), &input.shown))),
    };
    let (input, summary) = tokio::task::spawn_blocking(converting).await??;
    // Whoever reads a pipe may take his time, and must not keep the command from being stopped.
    tokio::task::spawn_blocking(move || draft.finish()).await??;
    if is_piped { Ok(()) } else { report(&input, &summary) }
}

/// The schema in a file.
fn schema_in(path: &Path) -> anyhow::Result<RowSchema> {
    RowSchema::parse(&text_of(path)?).map_err(|error| Trouble::Usage(format!("{}: {error}", path.display())).into())
}

/// What is in the file, or what is wrong with it.
fn read(
    input: &Input,
    said: &Dialect,
    out: &mut impl Output,
    limits: &Limits,
    schema: Option<&RowSchema>,
) -> anyhow::Result<Result<Summary, DataError>> {
    let Input { path, name, shown, .. } = input;
    let name = FileName::parse(name).map_err(|error| refused_here(shown, &error))?;
    if let words @ [_, ..] = &said.words_of_others(name.format())[..] {
        let words = in_words(words.iter().copied(), "and");
        return Err(Trouble::Usage(format!(
            "the options say {words}, which a {} file does not have; leave that out",
            name.format().name()
        ))
        .into());
    }
    match dataset_formats::convert(name.format(), said, &mut OnDisk(path), out, limits, schema) {
        Ok(summary) => Ok(Ok(summary)),
        Err(Error::Data(error)) => Ok(Err(*error)),
        Err(error) => Err(anyhow::Error::from(error).context(format!("{shown} could not be converted"))),
    }
}

/// As the API answers a preview.
pub(crate) fn as_json(judged: &Result<Summary, Failure>) -> String {
    let mut what = match judged {
        Ok(summary) => of_summary(summary),
        Err(failure) => json!({ "failure": failure }),
    };
    what["success"] = true.into();
    what["message"] = "File checked successfully".into();
    what.to_string()
}

fn of_summary(summary: &Summary) -> Value {
    let names = summary.columns.iter().map(|column| &column.name);
    let columns = summary.columns.iter();
    let columns = columns.map(|column| json!({ "name": column.name, "type": api::ColumnType::from(column.kind) }));
    json!({
        "row_count": summary.rows,
        "column_names": names.collect::<Vec<_>>(),
        "columns": columns.collect::<Vec<_>>(),
        "dialect": summary.dialect,
        "notices": summary.notices,
    })
}

fn unreadable(input: &Input) -> String {
    format!("{} could not be read", input.shown)
}

fn report(input: &Input, summary: &Summary) -> anyhow::Result<()> {
    let (columns, rows) = (summary.columns.len() as u64, summary.rows);
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    say(&format!("{}: {rows} row{}, {columns} column{}", input.shown, plural(rows), plural(columns)))?;
    for column in &summary.columns {
        say(&format!("  {:<16} {:?}", type_of(column.kind), column.name))?;
    }
    say(&format!("  read with: {}", summary.dialect))?;
    for notice in &summary.notices {
        say(&format!("  notice: {}", noticed(notice)))?;
    }
    Ok(())
}

fn type_of(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Bool => "boolean",
        ColumnType::Int => "integer",
        ColumnType::UInt => "unsigned integer",
        ColumnType::Double => "double",
        ColumnType::Text => "text",
        ColumnType::Json => "JSON",
    }
}
