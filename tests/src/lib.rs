//! Shared by the tests of all crates: fakes of the ports in memory; a contract suite for each port, which
//! fakes and adapters both pass; the rules of AWS that the engines don't enforce; and a harness around the
//! real binary.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

pub mod contract;
pub mod docs;
pub mod memory;
pub mod other_engine;

pub mod receiver;
pub mod relay;
pub mod service;
pub mod wire;

use dataset_core::dataset::{Annotations, DRAFT_LIFETIME, Dataset, State};
use dataset_core::group::Group;
use dataset_core::id::{DatasetId, GroupId, UserId, WebhookId, WorkspaceId};
use dataset_core::secret::{Owner, Sealed, Secrets};
use dataset_core::webhook::{Health, Webhook};
use dataset_types::dialect::Dialect;
use jiff::Timestamp;
use std::collections::BTreeSet;

pub fn workspace(id: u64) -> WorkspaceId {
    WorkspaceId::new(id).unwrap()
}

pub fn group_id(id: u64) -> GroupId {
    GroupId::new(id).unwrap()
}

pub fn dataset_id(id: u64) -> DatasetId {
    DatasetId::new(id).unwrap()
}

pub fn webhook_id(id: u64) -> WebhookId {
    WebhookId::new(id).unwrap()
}

/// The time at which tests start, which is that of the published webhook test vector.
pub fn start() -> Timestamp {
    "2023-12-01T22:05:57.924833Z".parse().unwrap()
}

pub fn group(id: u64, workspace_id: u64, name: &str) -> Group {
    Group {
        id: group_id(id),
        workspace_id: workspace(workspace_id),
        name: name.to_owned(),
        latest_version: 0,
        deleted_versions: Some(0),
        created_at: start(),
        dialect: Dialect::default(),
        is_deleted: false,
    }
}

/// The secret of all webhooks in the tests.
pub const SECRET: &str = "whsec_c2VjcmV0";

/// A webhook for all events of workspace 1.
pub fn webhook_at(url: &str) -> Webhook {
    webhook(21, 1, url)
}

/// A webhook whose secret is sealed by [`memory::MemoryVault`].
pub fn webhook(id: u64, workspace_id: u64, url: &str) -> Webhook {
    let owner = Owner { workspace_id: workspace(workspace_id), webhook_id: webhook_id(id) };
    Webhook {
        id: owner.webhook_id,
        workspace_id: owner.workspace_id,
        url: url.to_owned(),
        secrets: Secrets::new(Sealed(format!("{owner:?}|{SECRET}"))),
        event_types: vec![],
        disabled: None,
        health: Health::default(),
        created_at: start(),
        revision: 0,
    }
}

pub fn draft(id: u64, group: &Group, file_name: &str) -> Dataset {
    Dataset {
        id: dataset_id(id),
        group_id: group.id,
        workspace_id: group.workspace_id,
        user_id: UserId::new(1).unwrap(),
        file_name: file_name.to_owned().try_into().unwrap(),
        file_size_bytes: 75,
        said: Dialect::default(),
        created_at: start(),
        file_due_at: rounded(start() + DRAFT_LIFETIME),
        is_deleted: false,
        labels: BTreeSet::new(),
        annotations: Annotations::default(),
        state: State::Draft { due_at: rounded(start() + DRAFT_LIFETIME), lost_leases: 0, restarts: 0 },
    }
}

/// Rounds to a millisecond, the precision of stored due times.
pub fn rounded(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap()
}
