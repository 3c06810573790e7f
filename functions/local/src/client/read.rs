//! Lists and shows datasets, groups, rows and comparisons.

use super::login;
use super::remote::{Remote, Trouble};
use super::show::{cell, counted, details, in_columns, json, printable, short, state};
use crate::cli::args::{self, DatasetName, Diff, GroupName, List, Rows};
use crate::output::say;
use dataset_types::address::Against;
use dataset_types::dataset::{Dataset, Datasets, ListDatasets, MetadataQuery, OneDataset};
use dataset_types::group::{Group, Groups, ListGroups};
use dataset_types::id::{DatasetId, GroupId};
use dataset_types::rows::{self as api, CompareDatasets, ComparedRows, Comparison, ListRows, Row};
use dataset_types::{ErrorCode, PerPage};
use std::io::{self, IsTerminal};

/// Characters of a cell on a terminal. A pipe gets all of it.
fn cell_width() -> usize {
    if io::stdout().is_terminal() { 40 } else { usize::MAX }
}

pub(crate) async fn list(args: List) -> anyhow::Result<()> {
    let remote = login::remote(&args.remote.access)?;
    let group = match &args.group {
        Some(group) => Some(group_id(&remote, group).await?),
        None => None,
    };
    let query = ListDatasets {
        dataset_group_id: group,
        name: args.name,
        status: args.status,
        tag: args.tag,
        metadata: args.metadata.map(MetadataQuery),
        up_to_id: args.up_to_id,
        page: args.pages.page,
        per_page: args.pages.per_page,
        ..ListDatasets::default()
    };
    let is_annotated = query.tag.is_some() || query.metadata.is_some();
    let answer = remote.get("datasets", &query).await?;
    if args.remote.json {
        return Ok(say(answer.text())?);
    }
    let listed: Datasets = answer.parse()?;
    let width = left_of_a_line(REST_OF_A_LINE) / 2;
    let row = |dataset: &Dataset| {
        let version = if dataset.version_number < 0 { String::new() } else { dataset.version_number.to_string() };
        vec![
            dataset.id.to_string(),
            short(&dataset.dataset_group.name, width),
            version,
            state(dataset).to_owned(),
            dataset.row_count.map(|rows| rows.to_string()).unwrap_or_default(),
            short(&dataset.file_name, width),
            // To the minute.
            dataset.created_at.to_string().chars().take(16).collect(),
        ]
    };
    let header = ["ID", "GROUP", "NO.", "STATUS", "ROWS", "FILE", "CREATED (UTC)"];
    say(&in_columns(&header, &[0, 2, 4], listed.datasets.iter().map(row).collect()))?;
    if let Some(next) = listed.next_up_to_id.filter(|_| is_annotated) {
        say(&format!("\nthere may be more; go on with --up-to-id {next}"))?;
    }
    rest(listed.page, listed.pages, listed.total)
}

/// What a terminal has for names, beside so many characters; all, where it is none.
fn left_of_a_line(rest: usize) -> usize {
    let columns = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.map_or(usize::MAX, |columns| columns.saturating_sub(rest).max(16))
}

/// A line of a list of datasets without the names of group and file.
const REST_OF_A_LINE: usize = 60;

/// The id of a group, which may be given by its name.
pub(super) async fn group_id(remote: &Remote, group: &GroupName) -> anyhow::Result<GroupId> {
    let name = match group {
        GroupName::Id(id) => return Ok(*id),
        GroupName::Name(name) => name,
    };
    let mut query = ListGroups { name: Some(name.clone()), per_page: PerPage::LARGEST, ..ListGroups::default() };
    loop {
        let Groups { dataset_groups, next_after, .. } = remote.get("dataset-groups", &query).await?.parse()?;
        if let Some(group) = dataset_groups.iter().find(|group| group.name == *name) {
            return Ok(group.id);
        }
        query.after = next_after;
        if query.after.is_none() {
            let message = format!("there is no dataset group named {name:?}; `datasets groups` lists them");
            let code = ErrorCode::DatasetGroupNotFound.name().to_owned();
            return Err(Trouble::Refused { code, message }.into());
        }
    }
}

/// Where a dataset is found.
pub(super) async fn path_of(remote: &Remote, dataset: &DatasetName) -> anyhow::Result<String> {
    Ok(match dataset {
        DatasetName::Id(id) => format!("datasets/{id}"),
        DatasetName::Version(group, version) => {
            format!("dataset-groups/{}/versions/{version}", group_id(remote, group).await?)
        }
    })
}

/// The id of a dataset, which may be given by its group and its number.
pub(super) async fn dataset_id(remote: &Remote, dataset: &DatasetName) -> anyhow::Result<DatasetId> {
    if let DatasetName::Id(id) = dataset {
        return Ok(*id);
    }
    let found: OneDataset = remote.get(&path_of(remote, dataset).await?, &()).await?.parse()?;
    Ok(found.dataset.id)
}

pub(crate) async fn show(args: args::OneDataset) -> anyhow::Result<()> {
    let remote = login::remote(&args.remote.access)?;
    let answer = remote.get(&path_of(&remote, &args.id).await?, &()).await?;
    if args.remote.json {
        return Ok(say(answer.text())?);
    }
    Ok(say(&details(&answer.parse::<OneDataset>()?.dataset))?)
}

pub(super) async fn groups(args: args::ListGroups) -> anyhow::Result<()> {
    let (page, per_page) = (args.pages.page, args.pages.per_page);
    let query = ListGroups { name: args.name, page, per_page, ..ListGroups::default() };
    let answer = login::remote(&args.remote.access)?.get("dataset-groups", &query).await?;
    if args.remote.json {
        return Ok(say(answer.text())?);
    }
    let listed: Groups = answer.parse()?;
    let width = left_of_a_line(20);
    let row = |group: &Group| vec![group.id.to_string(), short(&group.name, width)];
    say(&in_columns(&["ID", "NAME"], &[0], listed.dataset_groups.iter().map(row).collect()))?;
    rest(listed.page, listed.pages, listed.total)
}

pub(crate) async fn rows(args: Rows) -> anyhow::Result<()> {
    let query = ListRows { q: args.search, after_row: args.after_row, page: args.page, per_page: args.per_page };
    let remote = login::remote(&args.remote.access)?;
    let answer = remote.get(&format!("{}/rows", path_of(&remote, &args.id).await?), &query).await?;
    if args.remote.json {
        return Ok(say(answer.text())?);
    }
    let page: api::Rows = answer.parse()?;
    let columns: Vec<&str> = page.columns.iter().map(String::as_str).collect();
    let width = cell_width();
    let row = |row: &Row| row.0.iter().map(|value| cell(&value.value, width)).collect();
    say(&in_columns(&columns, &[], page.rows.iter().map(row).collect()))?;
    rest(page.page, page.pages, page.total)?;
    if !page.is_complete {
        let row = page.searched_to_row;
        say(&format!("\nsearched to row {row}; go on with --after-row {row}"))?;
    }
    Ok(())
}

/// Prints which page this is, if there are several.
fn rest(page: u64, pages: u64, total: u64) -> anyhow::Result<()> {
    if pages > 1 {
        say(&format!("\npage {page} of {pages}, {total} in all"))?;
    }
    Ok(())
}

pub(crate) async fn diff(args: Diff) -> anyhow::Result<()> {
    let remote = login::remote(&args.remote.access)?;
    let against = Against::Dataset(dataset_id(&remote, &args.old).await?);
    let query = CompareDatasets { against, key: args.key, examples: args.examples };
    let answer = remote.get(&format!("{}/diff", path_of(&remote, &args.new).await?), &query).await?;
    if args.remote.json {
        return Ok(say(answer.text())?);
    }
    let Comparison { columns, rows, examples, .. } = answer.parse()?;
    for (sign, names) in [('+', columns.added), ('-', columns.removed)] {
        for name in names {
            say(&format!("{sign} column {}", printable(&name)))?;
        }
    }
    for api::RetypedColumn { name, before, after } in columns.retyped {
        let [before, after] = [before, after].map(<&str>::from);
        say(&format!("~ column {}: {before} before, {after} now", printable(&name)))?;
    }
    let ComparedRows { added, removed, changed, unchanged } = rows;
    say(&format!("{} added, {removed} removed, {changed} changed, {unchanged} the same", counted(added, "row")))?;
    let width = cell_width();
    let line = |sign: char, row: &Row| {
        let cells: Vec<String> = row.0.iter().map(|cell| short(&json(&cell.value), width)).collect();
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
