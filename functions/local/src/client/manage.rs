//! Groups made and put away, and versions put away and brought back.

use super::remote::Answer;
use super::show::OneDataset as Answered;
use super::{login, read};
use crate::cli::args::{Groups, GroupsCommand, OneDataset, Remote};
use crate::output::say;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct GroupCreated {
    dataset_group: Created,
}

#[derive(Deserialize)]
struct Created {
    id: u64,
}

pub(crate) async fn groups(args: Groups) -> anyhow::Result<()> {
    match args.command {
        None => read::groups(args.list).await,
        Some(GroupsCommand::Create { name, remote }) => create_group(&name, &remote).await,
        Some(GroupsCommand::Delete { id, remote }) => delete_group(id, &remote).await,
    }
}

async fn create_group(name: &str, remote: &Remote) -> anyhow::Result<()> {
    let answer = login::remote(&remote.access)?.post("dataset-groups", &json!({ "name": name })).await?;
    show(remote, &answer, |answer| Ok(answer.parse::<GroupCreated>()?.dataset_group.id.to_string()))
}

async fn delete_group(id: u64, remote: &Remote) -> anyhow::Result<()> {
    let answer = login::remote(&remote.access)?.delete(&format!("dataset-groups/{id}")).await?;
    show(remote, &answer, |_| Ok(format!("group {id} deleted")))
}

pub(crate) async fn delete(OneDataset { id, remote }: OneDataset) -> anyhow::Result<()> {
    let answer = login::remote(&remote.access)?.delete(&format!("datasets/{id}")).await?;
    show(&remote, &answer, |answer| summary("deleted", answer))
}

pub(crate) async fn restore(OneDataset { id, remote }: OneDataset) -> anyhow::Result<()> {
    let answer = login::remote(&remote.access)?.post(&format!("datasets/{id}/restore"), &json!({})).await?;
    show(&remote, &answer, |answer| summary("restored", answer))
}

fn summary(what: &str, answer: &Answer) -> anyhow::Result<String> {
    Ok(format!("{what} {}", answer.parse::<Answered>()?.dataset.summary()))
}

pub(super) fn show(
    remote: &Remote,
    answer: &Answer,
    line: impl FnOnce(&Answer) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    Ok(say(&if remote.json { answer.text().to_owned() } else { line(answer)? })?)
}
