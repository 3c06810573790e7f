//! The table: its keys, and the calls that every adapter on it makes.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `G#{group}` | `GROUP` | a group, with its latest number |
//! | `G#{group}` | `VERSION#{number}` | which dataset it is; those of the first releases have none |
//! | `G#{group}` | `SCHEMA` | the last schema of a group |
//! | `G#{group}` | `SCHEMA#{version}` | each of its schemas |
//! | `G#{group}` | `LABEL#{name}` | which version a label is at, and where it has been |
//! | `W#{workspace}` | `GROUP#{name}` | keeps a group's name unique, finds and lists groups |
//! | `W#{workspace}` | `RECEIVER#{id}` | a webhook receiver |
//! | `D#{dataset}` | `DATASET` | a draft, a version or a failure; or a withdrawn draft's id, until it is cleaned up after |
//! | `E#{event}` | `OUTBOX` | an event, until it has been relayed |
//! | `W#{workspace}#R#{webhook}` | `DELIVERY#{id}` | a delivery |
//! | `K#{hash}` | `KEY` | what an API key lets in, and its calls |
//! | `W#{workspace}` | `KEY#{id}` | lists keys |
//! | `W#{workspace}` | `TOTAL#{shard}` | a part of what the workspace has |
//! | `W#{workspace}` | `TOTAL#all` | says that nothing was there before it was counted |
//! | `W#{workspace}` | `CALL#{key}` | a call that must not be carried out twice |
//!
//! Index `due` (`due_shard`, `due_at`) holds whatever is still promised;
//! indexes `by_group` and `by_workspace` list datasets by id, with only what
//! lists are filtered and ordered by: ten thousand of them are two reads.
//! Index `drafts` has drafts alone, to count them.

use crate::failure::unexpected;
use crate::item::{Attributes, n, s};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::builders::{PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use dataset_core::api_key::KeyHash;
use dataset_core::clock::{Clock, SystemClock};
use dataset_core::delivery::DeliveryKey;
use dataset_core::id::{DatasetId, DeliveryId, EventId, GroupId, KeyId, WebhookId, WorkspaceId};
use dataset_core::idempotency::IdempotencyKey;
use dataset_core::ids::{SystemIds, full_jitter};
use dataset_core::labels::LabelName;
use dataset_core::{Error, Result};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use std::time::Duration;

/// DynamoDB's limit of items in one BatchGetItem.
const MAX_BATCH: usize = 100;
const BATCHES_AT_ONCE: usize = 16;

/// Attempts of a transaction that meets others, and the longest wait between two.
const MAX_CONFLICTS: usize = 12;
const MAX_PAUSE: Duration = Duration::from_millis(320);

/// The `due` index is spread over this many partitions.
pub(crate) const DUE_SHARDS: u64 = 4;

pub(crate) const DUE_INDEX: &str = "due";
pub(crate) const GROUP_INDEX: &str = "by_group";
pub(crate) const WORKSPACE_INDEX: &str = "by_workspace";
pub(crate) const DRAFTS_INDEX: &str = "drafts";

pub(crate) const GROUP: &str = "GROUP";
const SCHEMA: &str = "SCHEMA";
pub(crate) const DATASET: &str = "DATASET";
pub(crate) const OUTBOX: &str = "OUTBOX";
pub(crate) const KEY: &str = "KEY";
pub(crate) const GROUP_NAME_PREFIX: &str = "GROUP#";
pub(crate) const RECEIVER_PREFIX: &str = "RECEIVER#";
pub(crate) const KEY_PREFIX: &str = "KEY#";
pub(crate) const TOTAL_PREFIX: &str = "TOTAL#";
pub(crate) const LABEL_PREFIX: &str = "LABEL#";
pub(crate) const DELIVERY_PREFIX: &str = "DELIVERY#";

/// The DynamoDB table, on which most ports are implemented.
#[derive(Clone)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// The primary key of an item.
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    pub(crate) fn group(id: GroupId) -> Self {
        Self { pk: format!("G#{id}"), sk: GROUP.into() }
    }

    pub(crate) fn version(group: GroupId, number: u64) -> Self {
        Self { pk: format!("G#{group}"), sk: format!("VERSION#{number}") }
    }

    pub(crate) fn label(group: GroupId, name: &LabelName) -> Self {
        Self { pk: format!("G#{group}"), sk: format!("{LABEL_PREFIX}{name}") }
    }

    pub(crate) fn last_schema(group: GroupId) -> Self {
        Self { pk: format!("G#{group}"), sk: SCHEMA.into() }
    }

    pub(crate) fn schema(group: GroupId, version: u64) -> Self {
        Self { pk: format!("G#{group}"), sk: format!("{SCHEMA}#{version}") }
    }

    pub(crate) fn group_name(workspace: WorkspaceId, name: &str) -> Self {
        Self { pk: format!("W#{workspace}"), sk: format!("{GROUP_NAME_PREFIX}{name}") }
    }

    pub(crate) fn webhook(workspace: WorkspaceId, id: WebhookId) -> Self {
        Self { pk: format!("W#{workspace}"), sk: format!("{RECEIVER_PREFIX}{id}") }
    }

    pub(crate) fn dataset(id: DatasetId) -> Self {
        Self { pk: format!("D#{id}"), sk: DATASET.into() }
    }

    pub(crate) fn delivery(key: &DeliveryKey) -> Self {
        Self {
            pk: deliveries_of(key.workspace_id, key.webhook_id),
            sk: format!("{DELIVERY_PREFIX}{}", key.delivery_id),
        }
    }

    pub(crate) fn api_key(hash: &KeyHash) -> Self {
        Self { pk: format!("K#{}", hash.as_str()), sk: KEY.into() }
    }

    pub(crate) fn known_key(workspace: WorkspaceId, id: KeyId) -> Self {
        Self { pk: format!("W#{workspace}"), sk: format!("{KEY_PREFIX}{id:016}") }
    }

    pub(crate) fn total(workspace: WorkspaceId, shard: &str) -> Self {
        Self { pk: format!("W#{workspace}"), sk: format!("{TOTAL_PREFIX}{shard}") }
    }

    pub(crate) fn call(workspace: WorkspaceId, key: &IdempotencyKey) -> Self {
        Self { pk: format!("W#{workspace}"), sk: format!("CALL#{}", key.as_str()) }
    }

    pub(crate) fn outbox(id: &EventId) -> Self {
        // The first releases stored an event in its dataset's partition, under the dataset's id.
        let pk = if id.is_of_dataset() { format!("D#{}", id.order()) } else { format!("E#{id}") };
        Self { pk, sk: OUTBOX.into() }
    }

    pub(crate) fn attributes(self) -> Attributes {
        Attributes::from([("pk".to_owned(), s(self.pk)), ("sk".to_owned(), s(self.sk))])
    }
}

/// The event of an item's partition.
pub(crate) fn event_of(pk: &str) -> Option<EventId> {
    match pk.strip_prefix("D#") {
        Some(dataset) => dataset.parse().ok().map(EventId::of_dataset),
        None => EventId::parse(pk.strip_prefix("E#")?),
    }
}

/// The partition of a webhook's deliveries.
pub(crate) fn deliveries_of(workspace: WorkspaceId, webhook: WebhookId) -> String {
    format!("W#{workspace}#R#{webhook}")
}

/// The delivery of an item's key.
pub(crate) fn delivery_key(pk: &str, sk: &str) -> Result<DeliveryKey> {
    let parts = || {
        let (workspace, webhook) = pk.strip_prefix("W#")?.split_once("#R#")?;
        Some(DeliveryKey {
            workspace_id: workspace.parse().ok()?,
            webhook_id: webhook.parse().ok()?,
            delivery_id: DeliveryId::from_stored(sk.strip_prefix(DELIVERY_PREFIX)?.to_owned()),
        })
    };
    parts().ok_or_else(|| Error::internal(format!("item {pk} {sk} is no delivery")))
}

/// The two attributes that put an item into the `due` index.
pub(crate) fn due(shard_of: u64, at: Timestamp) -> [(&'static str, AttributeValue); 2] {
    [("due_shard", s(due_shard(shard_of % DUE_SHARDS))), ("due_at", n(at.as_millisecond()))]
}

pub(crate) fn due_shard(shard: u64) -> String {
    format!("DUE#{shard}")
}

impl Table {
    pub(crate) async fn get(&self, key: Key) -> Result<Option<Attributes>> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(unexpected("the table"))?;
        Ok(output.item)
    }

    /// The items that exist, in no order.
    pub(crate) async fn get_all(&self, keys: impl Iterator<Item = Key>) -> Result<Vec<Attributes>> {
        let keys: Vec<Attributes> = keys.map(Key::attributes).collect();
        let batches: Vec<Vec<Attributes>> = keys.chunks(MAX_BATCH).map(<[_]>::to_vec).collect();
        let found = stream::iter(batches).map(|batch| self.get_batch(batch)).buffer_unordered(BATCHES_AT_ONCE);
        Ok(found.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
    }

    async fn get_batch(&self, mut wanted: Vec<Attributes>) -> Result<Vec<Attributes>> {
        let mut found = Vec::with_capacity(wanted.len());
        let mut pause = Duration::from_millis(10);
        while !wanted.is_empty() {
            let batch = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true);
            let batch = batch.build().map_err(build_error)?;
            let output = self.client.batch_get_item().request_items(&self.name, batch).send().await;
            let output = output.map_err(unexpected("the table"))?;
            found.extend(output.responses.into_iter().flatten().flat_map(|(_, items)| items));
            let unprocessed = output.unprocessed_keys.into_iter().flatten().flat_map(|(_, batch)| batch.keys);
            let unprocessed: Vec<Attributes> = unprocessed.collect();
            // An answer holds as many items as fit, or as the table's throughput allows.
            if !unprocessed.is_empty() {
                SystemClock.sleep(full_jitter(&SystemIds, pause)).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            wanted = unprocessed;
        }
        Ok(found)
    }

    /// Stores an item if its key is new; `false` if it is not.
    pub(crate) async fn put_if_absent(&self, item: Attributes) -> Result<bool> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item.clone()))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(true),
            Err(e) => match e.as_service_error() {
                // An identical item was stored by an earlier attempt of this call, whose answer was lost.
                Some(PutItemError::ConditionalCheckFailedException(found)) => Ok(found.item.as_ref() == Some(&item)),
                _ => Err(unexpected("the table")(e)),
            },
        }
    }

    /// Every item of partition `pk` whose sort key starts with `prefix`, in order.
    pub(crate) async fn partition(&self, pk: String, prefix: &str) -> Result<Vec<Attributes>> {
        self.client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", s(pk))
            .expression_attribute_values(":prefix", s(prefix))
            .into_paginator()
            .items()
            .send()
            .collect::<std::result::Result<Vec<_>, _>>()
            .await
            .map_err(unexpected("the table"))
    }

    /// The first `limit` items that `read` takes, page by page.
    pub(crate) async fn first<T>(
        query: QueryFluentBuilder,
        limit: usize,
        read: impl Fn(&Attributes) -> Result<Option<T>>,
    ) -> Result<Vec<T>> {
        let mut items = query.into_paginator().items().send();
        let mut found = Vec::new();
        while found.len() < limit
            && let Some(item) = items.try_next().await.map_err(unexpected("the table"))?
        {
            found.extend(read(&item)?);
        }
        Ok(found)
    }

    /// Carries out all of these actions, or none.
    pub(crate) async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<Transacted> {
        // The SDK sends a client token, so its own retry succeeds if only the answer of
        // the first request was lost.
        let sent = self.client.transact_write_items().set_transact_items(Some(actions)).send().await;
        let Err(error) = sent else { return Ok(Transacted::Done) };
        let reasons: Vec<&str> = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(e)) => {
                e.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect()
            }
            _ => vec![],
        };
        let with = |code| (0..reasons.len()).filter(|action| reasons[*action] == code).collect::<Vec<_>>();
        let (failed, met) = (with("ConditionalCheckFailed"), with("TransactionConflict"));
        match (met.is_empty(), failed.is_empty()) {
            // Whoever was met may be what another condition failed by.
            (false, _) => Ok(Transacted::Conflict),
            (true, false) => Ok(Transacted::Refused(failed)),
            (true, true) => Err(unexpected("the table")(error)),
        }
    }

    /// The same, but tries again when it meets another write: the answer is `Ok` or the actions whose
    /// conditions did not hold.
    pub(crate) async fn transact_in_turn(&self, actions: Vec<TransactWriteItem>) -> Result<Result<(), Vec<usize>>> {
        let mut pause = Duration::from_millis(20);
        for _ in 0..MAX_CONFLICTS {
            match self.transact(actions.clone()).await? {
                Transacted::Done => return Ok(Ok(())),
                Transacted::Refused(actions) => return Ok(Err(actions)),
                Transacted::Conflict => SystemClock.sleep(full_jitter(&SystemIds, pause)).await,
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
        Err(Error::unavailable("what is to be changed is being written by others"))
    }

    pub(crate) fn update_item(&self, key: Key) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.name).set_key(Some(key.attributes()))
    }

    pub(crate) fn put(&self) -> PutBuilder {
        Put::builder().table_name(&self.name)
    }

    pub(crate) fn update(&self, key: Key) -> UpdateBuilder {
        Update::builder().table_name(&self.name).set_key(Some(key.attributes()))
    }
}

/// How a transaction ended.
pub(crate) enum Transacted {
    Done,
    /// The conditions of these actions did not hold, by their position.
    Refused(Vec<usize>),
    /// Another request was writing one of the items.
    Conflict,
}

/// Sends an update that has a condition; `None` if the condition did not hold.
pub(crate) async fn update_if(update: UpdateItemFluentBuilder) -> Result<Option<Attributes>> {
    match update.send().await {
        Ok(output) => Ok(Some(output.attributes.unwrap_or_default())),
        Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(None),
        Err(e) => Err(unexpected("the table")(e)),
    }
}

/// The SDK's builders check at run time what is constant here.
pub(crate) fn build_error(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("a request was incomplete").because(error)
}
