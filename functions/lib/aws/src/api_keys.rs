//! API keys on DynamoDB, by their hash. One write admits a call, counts it and
//! stores the time of the key's last use, so a call costs one write.

use crate::catalog::totals;
use crate::failure::unexpected;
use crate::item::{Attributes, Item, Read, n, s};
use crate::table::{KEY_PREFIX, Key, Table, build_error};
use async_trait::async_trait;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use dataset_core::api_key::{Grant, KeyHash};
use dataset_core::api_keys::{Admission, ApiKeys, KnownKey, WINDOW, window_of};
use dataset_core::clock::after;
use dataset_core::id::{KeyId, WorkspaceId};
use dataset_core::{Error, Kind, Result};
use jiff::Timestamp;
use std::num::NonZero;

/// Attempts when another call starts a window between reading and writing.
const MAX_TRIES: usize = 4;

#[async_trait]
impl ApiKeys for Table {
    async fn admit(&self, hash: &KeyHash, now: Timestamp, limit: Option<NonZero<u32>>) -> Result<Admission> {
        // A function whose clock is ahead may have started a later window.
        let mut window = window_of(now).as_second();
        for _ in 0..MAX_TRIES {
            let counted = match self.count(hash, now, window, limit).await {
                // The disk is full, so nothing can be counted, but reads still work.
                Err(error) if error.kind() == Kind::Full => return self.admit_uncounted(hash).await,
                counted => counted?,
            };
            let found = match counted {
                Counted::Yes(item) => return Ok(Admission::Granted(grant(&item)?)),
                Counted::Unknown => return Ok(Admission::Unknown),
                Counted::No(item) if item.contains_key("revoked") => return Ok(Admission::Unknown),
                Counted::No(item) => item,
            };
            let current: i64 = Read(&found).parsed("window")?;
            if current < window {
                let opened = match self.open_window(hash, now, current, window).await {
                    Err(error) if error.kind() == Kind::Full => return self.admit_uncounted(hash).await,
                    opened => opened?,
                };
                if let Some(item) = opened {
                    return Ok(Admission::Granted(grant(&item)?));
                }
            } else if current == window {
                let start = Timestamp::from_second(window)
                    .map_err(|e| Error::internal("the time is out of range").because(e))?;
                return Ok(Admission::Limited { until: after(start, WINDOW)? });
            } else {
                window = current;
            }
        }
        Err(Error::unavailable("the calls of the key could not be counted"))
    }

    async fn allow(&self, hash: &KeyHash, grant: &Grant) -> Result<()> {
        let (key, known) = (Key::api_key(hash), Key::known_key(grant.workspace_id, grant.id));
        let item = Item::default()
            .with("pk", s(key.pk))
            .with("sk", s(key.sk))
            .with("id", n(grant.id))
            .with("hash", s(hash.as_str()))
            .with("workspace_id", n(grant.workspace_id))
            .with("user_id", n(grant.user_id))
            .with("created_at", s(grant.created_at.to_string()))
            .with("window", n(0))
            .with("calls", n(0));
        let known = Item::default().with("pk", s(known.pk)).with("sk", s(known.sk)).with("hash", s(hash.as_str()));
        let puts = [item, known].map(|item| {
            let put = self.put().set_item(Some(item.into_attributes()));
            let put = put.condition_expression("attribute_not_exists(pk)").build().map_err(build_error)?;
            Ok(TransactWriteItem::builder().put(put).build())
        });
        match self.transact_in_turn(puts.into_iter().collect::<Result<_>>()?).await? {
            Err(existing) if !existing.contains(&0) => Err(Error::already_exists("the key's identifier is in use")),
            // If it was refused, the key has been allowed already. A workspace begins with a key.
            Ok(()) | Err(_) => totals::begin(self, grant.workspace_id).await,
        }
    }

    async fn keys(&self, workspace: WorkspaceId) -> Result<Vec<KnownKey>> {
        let known = self.partition(format!("W#{workspace}"), KEY_PREFIX).await?;
        let hashes = known.iter().map(|item| Read(item).text("hash").map(key_of)).collect::<Result<Vec<_>>>()?;
        let items = self.get_all(hashes.into_iter()).await?;
        let known_key =
            |item: &Attributes| Ok(KnownKey { grant: grant(item)?, last_used_at: Read(item).maybe("last_used_at") });
        let mut keys = items.iter().map(known_key).collect::<Result<Vec<_>>>()?;
        keys.sort_by_key(|key| key.grant.id);
        Ok(keys)
    }

    async fn revoke(&self, workspace: WorkspaceId, id: KeyId) -> Result<bool> {
        let Some(known) = self.get(Key::known_key(workspace, id)).await? else {
            return Ok(false);
        };
        // The key's item stays, so that `allow` can't bring the key back.
        let revoked = key_of(Read(&known).text("hash")?).attributes();
        let revoked = Update::builder()
            .table_name(&self.name)
            .set_key(Some(revoked))
            .update_expression("SET revoked = :yes REMOVE #window")
            .expression_attribute_names("#window", "window")
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        let delete = Delete::builder().table_name(&self.name).set_key(Some(Key::known_key(workspace, id).attributes()));
        let actions = vec![
            TransactWriteItem::builder().update(revoked.build().map_err(build_error)?).build(),
            TransactWriteItem::builder().delete(delete.build().map_err(build_error)?).build(),
        ];
        // Neither action has a condition.
        let _ = self.transact_in_turn(actions).await?;
        Ok(true)
    }
}

enum Counted {
    Yes(Attributes),
    /// The limit is reached, or the item has another window.
    No(Attributes),
    Unknown,
}

impl Table {
    async fn admit_uncounted(&self, hash: &KeyHash) -> Result<Admission> {
        Ok(match self.get(Key::api_key(hash)).await? {
            Some(item) if !item.contains_key("revoked") => Admission::Granted(grant(&item)?),
            _ => Admission::Unknown,
        })
    }

    /// Counts a call, if the window is the key's current one.
    async fn count(&self, hash: &KeyHash, now: Timestamp, window: i64, limit: Option<NonZero<u32>>) -> Result<Counted> {
        let update = self
            .update_item(Key::api_key(hash))
            .condition_expression("attribute_exists(pk) AND #window = :window AND calls < :limit")
            .update_expression("SET last_used_at = :now ADD calls :one")
            .expression_attribute_names("#window", "window")
            .expression_attribute_values(":window", n(window))
            .expression_attribute_values(":limit", n(limit.map_or(u32::MAX, NonZero::get)))
            .expression_attribute_values(":now", s(now.to_string()))
            .expression_attribute_values(":one", n(1))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(output) => Ok(Counted::Yes(output.attributes.unwrap_or_default())),
            Err(e) => match e.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(found)) => {
                    Ok(found.item.clone().map_or(Counted::Unknown, Counted::No))
                }
                _ => Err(unexpected("the table")(e)),
            },
        }
    }

    /// Starts a window with its first call, unless another did.
    async fn open_window(&self, hash: &KeyHash, now: Timestamp, from: i64, to: i64) -> Result<Option<Attributes>> {
        let update = self
            .update_item(Key::api_key(hash))
            .condition_expression("#window = :from")
            .update_expression("SET #window = :to, calls = :one, last_used_at = :now")
            .expression_attribute_names("#window", "window")
            .expression_attribute_values(":from", n(from))
            .expression_attribute_values(":to", n(to))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":now", s(now.to_string()))
            .return_values(ReturnValue::AllNew);
        crate::table::update_if(update).await
    }
}

fn key_of(hash: &str) -> Key {
    Key { pk: format!("K#{hash}"), sk: crate::table::KEY.into() }
}

fn grant(item: &Attributes) -> Result<Grant> {
    let read = Read(item);
    Ok(Grant {
        id: read.parsed("id")?,
        workspace_id: read.parsed("workspace_id")?,
        user_id: read.parsed("user_id")?,
        created_at: read.parsed("created_at")?,
    })
}
