//! Drafts, versions and failures as items.

use super::{groups, totals};
use crate::failure::unexpected;
use crate::item::{Attributes, Item, Read, flag, json, n, s};
use crate::table::{DRAFTS_INDEX, GROUP_INDEX, Key, Table, WORKSPACE_INDEX, build_error, due, update_if};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, TransactWriteItem};
use dataset_core::catalog::{Condition, DatasetSummary, Scope};
use dataset_core::dataset::{Annotations, Contents, Dataset, State, Status};
use dataset_core::id::{DatasetId, GroupId, WorkspaceId};
use dataset_core::labels::is_labelled;
use dataset_core::{Error, Result};
use dataset_types::annotations::{AnnotateDataset, Tag, Tags};
use dataset_types::dialect::Dialect;
use dataset_types::limits::MAX_SAFE_INTEGER;
use jiff::Timestamp;

pub(super) const DRAFT: &str = "draft";
pub(super) const READY: &str = "ready";
pub(super) const FAILED: &str = "failed";
/// The status of a withdrawn draft's item, which is no dataset any more.
const WITHDRAWN: &str = "withdrawn";

pub(super) fn draft_item(draft: &Dataset) -> Result<Attributes> {
    let State::Draft { due_at, lost_leases, restarts } = draft.state else {
        return Err(Error::internal("only a draft is created"));
    };
    let key = Key::dataset(draft.id);
    let mut item = Item::default()
        .with("pk", s(key.pk))
        .with("sk", s(key.sk))
        .with("in_group", s(in_group(draft.group_id)))
        .with("in_workspace", s(in_workspace(draft.workspace_id)))
        .with("drafts_of", s(in_workspace(draft.workspace_id)))
        .with("id", n(draft.id))
        .with("group_id", n(draft.group_id))
        .with("workspace_id", n(draft.workspace_id))
        .with("user_id", n(draft.user_id))
        .with("file_name", s(draft.file_name.as_str()))
        .with("file_size_bytes", n(draft.file_size_bytes))
        .with("created_at", s(draft.created_at.to_string()))
        .with("file_due_at", s(draft.file_due_at.to_string()))
        .with("is_deleted", flag(draft.is_deleted))
        .with("status", s(DRAFT))
        .with("claims", n(lost_leases))
        .with("restarts", n(restarts));
    if draft.said != Dialect::default() {
        item = item.with("said", json(&draft.said)?);
    }
    for (name, value) in annotations(&everything(&draft.annotations))? {
        item = value.into_iter().fold(item, |item, value| item.with(name, value));
    }
    for (name, value) in due(draft.id.get(), due_at) {
        item = item.with(name, value);
    }
    Ok(item.into_attributes())
}

pub(super) fn read(item: &Attributes) -> Result<Dataset> {
    let read = Read(item);
    let state = match read.text("status")? {
        DRAFT => State::Draft {
            due_at: read.ms("due_at")?,
            lost_leases: read.parsed("claims")?,
            // Drafts of the first releases have no such attribute.
            restarts: read.maybe("restarts").unwrap_or_default(),
        },
        READY => State::Ready {
            version: read.parsed("version")?,
            finished_at: read.parsed("finished_at")?,
            contents: Contents {
                columns: read.json("columns")?,
                row_count: read.parsed("row_count")?,
                // Versions of the first releases have no such attributes.
                notices: read.json_if_any("notices")?.unwrap_or_default(),
                schema_version: read.maybe("schema_version"),
                shape: read.json_if_any("shape")?.unwrap_or_default(),
                dialect: read.json_if_any::<Option<_>>("dialect")?.flatten(),
                file_sha256: read.maybe("file_sha256"),
                rows_sha256: read.maybe("rows_sha256"),
            },
        },
        FAILED => State::Failed { failure: read.json("failure")?, finished_at: read.parsed("finished_at")? },
        other => return Err(Error::internal(format!("dataset has unknown status '{other}'"))),
    };
    Ok(Dataset {
        id: read.parsed("id")?,
        group_id: read.parsed("group_id")?,
        workspace_id: read.parsed("workspace_id")?,
        user_id: read.parsed("user_id")?,
        file_name: read.text("file_name")?.to_owned().try_into()?,
        file_size_bytes: read.parsed("file_size_bytes")?,
        said: read.json_if_any("said")?.unwrap_or_default(),
        created_at: read.parsed("created_at")?,
        file_due_at: read.parsed("file_due_at")?,
        is_deleted: read.flag("is_deleted"),
        labels: names(item, "labels").map(|name| name.parse().map_err(Error::internal)).collect::<Result<_>>()?,
        annotations: Annotations {
            description: read.maybe("description"),
            tags: tags(item)?,
            metadata: read.json_if_any("metadata")?.unwrap_or_default(),
        },
        state,
    })
}

/// None, in an item without such an attribute.
fn names<'a>(item: &'a Attributes, attribute: &str) -> impl Iterator<Item = &'a String> {
    item.get(attribute).and_then(|names| names.as_ss().ok()).into_iter().flatten()
}

fn tags(item: &Attributes) -> Result<Tags> {
    let tags = names(item, "tags").map(|tag| tag.parse().map_err(Error::internal)).collect::<Result<Vec<Tag>>>()?;
    tags.try_into().map_err(Error::internal)
}

fn everything(Annotations { description, tags, metadata }: &Annotations) -> AnnotateDataset {
    let (description, tags, metadata) = (description.clone(), tags.clone(), metadata.clone());
    AnnotateDataset { description: Some(description), tags: Some(tags), metadata: Some(metadata) }
}

/// The attributes that change, each with its value unless it goes.
fn annotations(change: &AnnotateDataset) -> Result<Vec<(&'static str, Option<AttributeValue>)>> {
    let AnnotateDataset { description, tags, metadata } = change;
    let mut changed = Vec::new();
    if let Some(description) = description {
        changed.push(("description", description.as_ref().map(|text| s(text.as_str()))));
    }
    if let Some(tags) = tags {
        let tags: Vec<String> = tags.iter().map(str::to_owned).collect();
        changed.push(("tags", (!tags.is_empty()).then_some(AttributeValue::Ss(tags))));
    }
    if let Some(metadata) = metadata {
        changed.push(("metadata", if metadata.is_empty() { None } else { Some(json(metadata)?) }));
    }
    Ok(changed)
}

pub(super) async fn annotate(table: &Table, id: DatasetId, change: &AnnotateDataset) -> Result<Option<Dataset>> {
    let changed = annotations(change)?;
    if changed.is_empty() {
        return table.get(Key::dataset(id)).await?.map_or(Ok(None), |item| read_unless_withdrawn(&item));
    }
    let (set, gone): (Vec<_>, Vec<_>) = changed.iter().partition(|(_, value)| value.is_some());
    let listed = |verb: &str, changed: &[&(&str, Option<AttributeValue>)], assigned: &str| {
        let names: Vec<String> =
            changed.iter().map(|(name, _)| format!("{name}{}", assigned.replace("{}", name))).collect();
        if names.is_empty() { String::new() } else { format!("{verb} {} ", names.join(", ")) }
    };
    let update = table
        .update_item(Key::dataset(id))
        .condition_expression("attribute_exists(pk) AND #status <> :withdrawn")
        .update_expression(listed("SET", &set, " = :{}") + &listed("REMOVE", &gone, ""))
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":withdrawn", s(WITHDRAWN))
        .return_values(ReturnValue::AllNew);
    let update = changed.iter().fold(update, |update, (name, value)| match value {
        Some(value) => update.expression_attribute_values(format!(":{name}"), value.clone()),
        None => update,
    });
    update_if(update).await?.map(|item| read(&item)).transpose()
}

/// The item keeps the id in use until everything is cleaned up, but leaves all lists.
pub(super) async fn withdraw(table: &Table, draft: &Dataset, clean_at: Timestamp) -> Result<bool> {
    let [(shard, shard_value), (due_at, due_value)] = due(draft.id.get(), clean_at);
    let update = table
        .update_item(Key::dataset(draft.id))
        .condition_expression("attribute_not_exists(pk) OR (#status IN (:draft, :withdrawn) AND created_at = :created)")
        .update_expression(format!(
            "SET #status = :withdrawn, group_id = :group, created_at = :created, {shard} = :shard, {due_at} = :due \
             REMOVE in_group, in_workspace, drafts_of, claim_owner, claim_until"
        ))
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":draft", s(DRAFT))
        .expression_attribute_values(":withdrawn", s(WITHDRAWN))
        .expression_attribute_values(":group", n(draft.group_id))
        .expression_attribute_values(":created", s(draft.created_at.to_string()))
        .expression_attribute_values(":shard", shard_value)
        .expression_attribute_values(":due", due_value);
    Ok(update_if(update).await?.is_some())
}

pub(super) async fn withdrawn(table: &Table, id: DatasetId) -> Result<Option<(GroupId, Timestamp)>> {
    let Some(item) = table.get(Key::dataset(id)).await?.filter(is_withdrawn) else {
        return Ok(None);
    };
    let read = Read(&item);
    Ok(Some((read.parsed("group_id")?, read.ms("due_at")?)))
}

pub(super) async fn forget_withdrawn(table: &Table, id: DatasetId) -> Result<()> {
    let delete = table
        .client
        .delete_item()
        .table_name(&table.name)
        .set_key(Some(Key::dataset(id).attributes()))
        .condition_expression("#status = :withdrawn")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":withdrawn", s(WITHDRAWN));
    match delete.send().await {
        Ok(_) => Ok(()),
        Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
        Err(e) => Err(unexpected("the table")(e)),
    }
}

pub(super) fn is_withdrawn(item: &Attributes) -> bool {
    Read(item).text("status").is_ok_and(|status| status == WITHDRAWN)
}

/// The dataset in an item; `None` for a withdrawn draft.
pub(super) fn read_unless_withdrawn(item: &Attributes) -> Result<Option<Dataset>> {
    if is_withdrawn(item) { Ok(None) } else { read(item).map(Some) }
}

pub(super) async fn version(table: &Table, group: GroupId, number: u64) -> Result<Option<DatasetId>> {
    if let Some(item) = table.get(Key::version(group, number)).await? {
        return Read(&item).parsed("dataset_id").map(Some);
    }
    // One that an early release published.
    let query = table
        .client
        .query()
        .table_name(&table.name)
        .index_name(GROUP_INDEX)
        .key_condition_expression("in_group = :group")
        .filter_expression("version = :version")
        .expression_attribute_values(":group", s(in_group(group)))
        .expression_attribute_values(":version", n(number));
    Ok(Table::first(query, 1, |item| Read(item).parsed("id").map(Some)).await?.pop())
}

pub(super) async fn list(
    table: &Table,
    scope: Scope,
    up_to: Option<DatasetId>,
    limit: usize,
) -> Result<Vec<DatasetSummary>> {
    let (index, attribute, value) = match scope {
        Scope::Group(id) => (GROUP_INDEX, "in_group", in_group(id)),
        Scope::Workspace(id) => (WORKSPACE_INDEX, "in_workspace", in_workspace(id)),
    };
    let query = table
        .client
        .query()
        .table_name(&table.name)
        .index_name(index)
        .scan_index_forward(false)
        .key_condition_expression(format!("{attribute} = :scope AND id <= :last"))
        .expression_attribute_values(":scope", s(value))
        .expression_attribute_values(":last", n(up_to.map_or(MAX_SAFE_INTEGER, DatasetId::get)))
        .limit(i32::try_from(limit).unwrap_or(i32::MAX));
    Table::first(query, limit, |item| listed(item).map(Some)).await
}

pub(super) async fn drafts(table: &Table, workspace: WorkspaceId, limit: usize) -> Result<Vec<GroupId>> {
    let query = table
        .client
        .query()
        .table_name(&table.name)
        .index_name(DRAFTS_INDEX)
        .key_condition_expression("drafts_of = :workspace")
        // A release before takes no draft out of the index.
        .filter_expression("#status = :draft")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":workspace", s(in_workspace(workspace)))
        .expression_attribute_values(":draft", s(DRAFT));
    Table::first(query, limit, |item| Read(item).parsed("group_id").map(Some)).await
}

fn listed(item: &Attributes) -> Result<DatasetSummary> {
    let read = Read(item);
    Ok(DatasetSummary {
        id: read.parsed("id")?,
        group_id: read.parsed("group_id")?,
        condition: Condition::of(
            match read.text("status")? {
                DRAFT => Status::Draft,
                READY => Status::Ready,
                FAILED => Status::Failed,
                other => return Err(Error::internal(format!("dataset has unknown status '{other}'"))),
            },
            read.flag("is_deleted"),
        ),
        version: read.maybe("version"),
        finished_at: read.maybe("finished_at"),
    })
}

/// Attempts when the group is deleted, or others change the version, at the same time.
const MAX_TRIES: usize = 5;

pub(super) async fn set_deleted(table: &Table, dataset: &Dataset, is_deleted: bool) -> Result<bool> {
    let more: i64 = if is_deleted { 1 } else { -1 };
    for _ in 0..MAX_TRIES {
        let group = table.get(Key::group(dataset.group_id)).await?;
        let group = group.map(|item| groups::read(&item)).transpose()?;
        let group = group.ok_or_else(|| Error::internal(format!("dataset {} has no group", dataset.id)))?;
        let version = table
            .update(Key::dataset(dataset.id))
            .condition_expression(match is_deleted {
                true => "#status = :ready AND is_deleted = :before AND attribute_not_exists(labels)",
                false => "#status = :ready AND is_deleted = :before",
            })
            .update_expression("SET is_deleted = :deleted")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":ready", s(READY))
            .expression_attribute_values(":before", flag(!is_deleted))
            .expression_attribute_values(":deleted", flag(is_deleted))
            .build()
            .map_err(build_error)?;
        let mut actions = vec![TransactWriteItem::builder().update(version).build()];
        if group.deleted_versions.is_some() {
            let counted = table
                .update(Key::group(group.id))
                .condition_expression("is_deleted = :gone")
                .update_expression("ADD deleted_versions :more")
                .expression_attribute_values(":gone", flag(group.is_deleted))
                .expression_attribute_values(":more", n(more));
            actions.push(TransactWriteItem::builder().update(counted.build().map_err(build_error)?).build());
        }
        if !group.is_deleted {
            actions.push(totals::add(table, group.workspace_id, dataset.id.get(), 0, -more)?);
        }
        match table.transact_in_turn(actions).await? {
            Ok(()) => return Ok(true),
            // It is so already, or it is no version.
            Err(refused) if refused.contains(&0) => {
                let now = table.get(Key::dataset(dataset.id)).await?.map(|item| read(&item)).transpose()?;
                return match now {
                    Some(now) if is_deleted && !now.labels.is_empty() => Err(is_labelled()),
                    now => Ok(now.is_some_and(|now| now.state.status() == Status::Ready)),
                };
            }
            Err(_) => {}
        }
    }
    Err(Error::unavailable("the group is being changed by others"))
}

fn in_group(id: GroupId) -> String {
    format!("G#{id}")
}

fn in_workspace(id: WorkspaceId) -> String {
    format!("W#{id}")
}

pub(super) fn columns(contents: &Contents) -> Result<AttributeValue> {
    json(&contents.columns)
}
