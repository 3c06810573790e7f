//! Creates and deletes groups; annotates, deletes and restores versions.

use super::remote::Answer;
use super::show::counted;
use super::{login, read, schemas, show};
use crate::cli::args::annotations::Annotate;
use crate::cli::args::{DeleteDataset, GroupName, Groups, GroupsCommand, OneDataset, Remote, Sure};
use crate::output::{confirm, note, say};
use dataset_types::dataset::{self as api, Status};
use dataset_types::group::{CreateGroup, GroupCreated, OneGroup};
use serde_json::json;

pub(crate) async fn groups(args: Groups) -> anyhow::Result<()> {
    match args.command {
        None => read::groups(args.list).await,
        Some(GroupsCommand::List(list)) => read::groups(list).await,
        Some(GroupsCommand::Create { name, remote }) => create_group(&name, &remote).await,
        Some(GroupsCommand::Schema(args)) => schemas::run(args).await,
        Some(GroupsCommand::Delete { group, sure, remote }) => delete_group(&group, &sure, &remote).await,
    }
}

async fn create_group(name: &str, remote: &Remote) -> anyhow::Result<()> {
    let answer = login::remote(&remote.access)?
        .post("dataset-groups", &CreateGroup { name: name.to_owned(), workspace_id: None })
        .await?;
    print(remote, &answer, |answer| {
        let id = answer.parse::<GroupCreated>()?.dataset_group.id;
        if let Ok(GroupName::Id(_)) = name.parse() {
            note(&format!("A name of digits alone is taken for an id: this group goes by {id}."))?;
        }
        Ok(id.to_string())
    })
}

async fn delete_group(group: &GroupName, sure: &Sure, remote: &Remote) -> anyhow::Result<()> {
    let service = login::remote(&remote.access)?;
    let id = read::group_id(&service, group).await?;
    let path = format!("dataset-groups/{id}");
    let OneGroup { dataset_group, .. } = service.get(&path, &()).await?.parse()?;
    let versions = counted(dataset_group.latest_version_number, "version");
    confirm(&format!("delete group {:?} ({id}), which has had {versions}", dataset_group.name), sure).await?;
    let answer = service.delete(&path).await?;
    print(remote, &answer, |_| Ok(format!("group {id} deleted")))
}

pub(crate) async fn annotate(args: Annotate) -> anyhow::Result<()> {
    let change = args.change()?;
    let service = login::remote(&args.remote.access)?;
    let answer = service.patch(&read::path_of(&service, &args.id).await?, &change).await?;
    print(&args.remote, &answer, |answer| Ok(show::details(&answer.parse::<api::OneDataset>()?.dataset)))
}

/// As what it is found to be: a draft that has become a version meanwhile is not put away instead.
pub(crate) async fn delete(DeleteDataset { id, unlabel, sure, remote }: DeleteDataset) -> anyhow::Result<()> {
    let service = login::remote(&remote.access)?;
    let api::OneDataset { dataset, .. } = service.get(&read::path_of(&service, &id).await?, &()).await?.parse()?;
    let (id, path) = (dataset.id, format!("datasets/{}", dataset.id));
    let is_draft = dataset.status == Status::Draft;
    if is_draft {
        confirm(&format!("take back dataset {id}, {:?}, which ends as a failure", dataset.file_name), &sure).await?;
    }
    let query = match () {
        () if is_draft => "?status=draft",
        () if unlabel => "?unlabel=true",
        () => "",
    };
    let answer = service.delete(&format!("{path}{query}")).await?;
    print(&remote, &answer, |answer| match answer.parse::<api::OneDataset>()?.dataset.failure {
        // Also a repeat.
        Some(_) => Ok(format!("dataset {id} is withdrawn")),
        None => summary("deleted", answer),
    })
}

pub(crate) async fn restore(OneDataset { id, remote }: OneDataset) -> anyhow::Result<()> {
    let service = login::remote(&remote.access)?;
    let answer = service.post(&format!("{}/restore", read::path_of(&service, &id).await?), &json!({})).await?;
    print(&remote, &answer, |answer| summary("restored", answer))
}

fn summary(what: &str, answer: &Answer) -> anyhow::Result<String> {
    Ok(format!("{what} {}", show::summary(&answer.parse::<api::OneDataset>()?.dataset)))
}

pub(super) fn print(
    remote: &Remote,
    answer: &Answer,
    line: impl FnOnce(&Answer) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    Ok(say(&if remote.json { answer.text().to_owned() } else { line(answer)? })?)
}
