//! What there is, looked at.

use super::login;
use super::show::{Dataset, OneDataset, cell, counted, in_columns, printable, short};
use crate::cli::args::{self, Diff, List, ListGroups, Rows};
use crate::output::say;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Where a cell of a table is cut off.
const CELL_WIDTH: usize = 40;

#[derive(Deserialize)]
struct Listed {
    datasets: Vec<Dataset>,
    page: u64,
    pages: u64,
    total: u64,
}

#[derive(Deserialize)]
struct ListedGroups {
    dataset_groups: Vec<Group>,
    page: u64,
    pages: u64,
    total: u64,
}

#[derive(Deserialize)]
struct Group {
    id: u64,
    name: String,
}

#[derive(Deserialize)]
struct Page {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    page: u64,
    pages: u64,
    total: u64,
}

#[derive(Deserialize)]
struct Cell {
    value: Box<RawValue>,
}

#[derive(Deserialize)]
struct Difference {
    columns: Columns,
    rows: Counts,
    examples: Examples,
}

#[derive(Deserialize)]
struct Columns {
    added: Vec<String>,
    removed: Vec<String>,
}

#[derive(Deserialize)]
struct Counts {
    added: u64,
    removed: u64,
    changed: u64,
    unchanged: u64,
}

#[derive(Deserialize)]
struct Examples {
    added: Vec<Vec<Cell>>,
    removed: Vec<Vec<Cell>>,
    changed: Vec<Changed>,
}

#[derive(Deserialize)]
struct Changed {
    before: Vec<Cell>,
    after: Vec<Cell>,
}

pub(crate) async fn list(args: List) -> anyhow::Result<()> {
    let mut query = vec![("page", args.pages.page.to_string()), ("per_page", args.pages.per_page.to_string())];
    query.extend(args.group.map(|id| ("dataset_group_id", id.to_string())));
    query.extend(args.name.map(|name| ("name", name)));
    query.extend(args.status.map(|status| ("status", status)));
    let answer = login::remote(&args.remote.access)?.get("datasets", &query).await?;
    if args.remote.json {
        return Ok(say(answer.text())?);
    }
    let listed: Listed = answer.parse()?;
    let row = |dataset: &Dataset| {
        let version = if dataset.version_number < 0 { String::new() } else { dataset.version_number.to_string() };
        vec![
            dataset.id.to_string(),
            dataset.dataset_group_id.to_string(),
            version,
            dataset.state().to_owned(),
            dataset.row_count.map(|rows| rows.to_string()).unwrap_or_default(),
            dataset.size(),
            short(&dataset.file_name, CELL_WIDTH),
            dataset.created(),
        ]
    };
    let header = ["ID", "GROUP", "VERSION", "STATUS", "ROWS", "SIZE", "FILE", "CREATED (UTC)"];
    say(&in_columns(&header, &[0, 1, 2, 4, 5], listed.datasets.iter().map(row).collect()))?;
    rest(listed.page, listed.pages, listed.total)
}

pub(crate) async fn show(args: args::OneDataset) -> anyhow::Result<()> {
    let answer = login::remote(&args.remote.access)?.get(&format!("datasets/{}", args.id), &[]).await?;
    if args.remote.json {
        return Ok(say(answer.text())?);
    }
    Ok(say(&answer.parse::<OneDataset>()?.dataset.details())?)
}

pub(super) async fn groups(args: ListGroups) -> anyhow::Result<()> {
    let mut query = vec![("page", args.pages.page.to_string()), ("per_page", args.pages.per_page.to_string())];
    query.extend(args.name.map(|name| ("name", name)));
    let answer = login::remote(&args.remote.access)?.get("dataset-groups", &query).await?;
    if args.remote.json {
        return Ok(say(answer.text())?);
    }
    let listed: ListedGroups = answer.parse()?;
    let row = |group: &Group| vec![group.id.to_string(), short(&group.name, CELL_WIDTH)];
    say(&in_columns(&["ID", "NAME"], &[0], listed.dataset_groups.iter().map(row).collect()))?;
    rest(listed.page, listed.pages, listed.total)
}

pub(crate) async fn rows(args: Rows) -> anyhow::Result<()> {
    let mut query = vec![("page", args.page.to_string()), ("per_page", args.per_page.to_string())];
    query.extend(args.search.map(|text| ("q", text)));
    let answer = login::remote(&args.remote.access)?.get(&format!("datasets/{}/rows", args.id), &query).await?;
    if args.remote.json {
        return Ok(say(answer.text())?);
    }
    let page: Page = answer.parse()?;
    let columns: Vec<&str> = page.columns.iter().map(String::as_str).collect();
    let row = |row: &Vec<Cell>| row.iter().map(|value| cell(&value.value, CELL_WIDTH)).collect();
    say(&in_columns(&columns, &[], page.rows.iter().map(row).collect()))?;
    rest(page.page, page.pages, page.total)
}

/// What is beyond the page, for those who look at it.
fn rest(page: u64, pages: u64, total: u64) -> anyhow::Result<()> {
    if pages > 1 {
        say(&format!("\npage {page} of {pages}, {total} in all"))?;
    }
    Ok(())
}

pub(crate) async fn diff(args: Diff) -> anyhow::Result<()> {
    let mut query = vec![("against", args.old.to_string()), ("examples", args.examples.to_string())];
    query.extend(args.key.map(|key| ("key", key)));
    let answer = login::remote(&args.remote.access)?.get(&format!("datasets/{}/diff", args.new), &query).await?;
    if args.remote.json {
        return Ok(say(answer.text())?);
    }
    let Difference { columns, rows, examples } = answer.parse()?;
    for (sign, names) in [('+', columns.added), ('-', columns.removed)] {
        for name in names {
            say(&format!("{sign} column {}", printable(&name)))?;
        }
    }
    let Counts { added, removed, changed, unchanged } = rows;
    say(&format!("{} added, {removed} removed, {changed} changed, {unchanged} the same", counted(added, "row")))?;
    let line = |sign: char, row: &[Cell]| {
        // As JSON has them: an empty text is not null, and "1" not 1.
        let cells: Vec<String> = row.iter().map(|value| short(value.value.get(), CELL_WIDTH)).collect();
        say(&format!("{sign} {}", cells.join(" | ")))
    };
    examples.removed.iter().try_for_each(|row| line('-', row))?;
    examples.added.iter().try_for_each(|row| line('+', row))?;
    for change in &examples.changed {
        line('<', &change.before)?;
        line('>', &change.after)?;
    }
    Ok(())
}
