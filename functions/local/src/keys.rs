//! `datasets keys`: API keys, here or in AWS.

use crate::cli::args::service::{DATA_DIR, KeyTable, Keys, KeysCommand};
use crate::client::in_columns;
use crate::data_dir::DataDir;
use crate::engines::open_table;
use crate::output::{confirm, note, say};
use crate::service::TABLE;
use anyhow::ensure;
use dataset_aws::{Aws, Table};
use dataset_core::api_key::{ApiKey, Grant};
use dataset_core::api_keys::{ApiKeys, KnownKey};
use dataset_core::clock::{Clock, SystemClock};
use dataset_core::id::{KeyId, UserId, WorkspaceId};
use dataset_core::ids::{SystemIds, time_ordered};
use serde_json::json;
use std::path::Path;

pub(crate) async fn run(args: Keys) -> anyhow::Result<()> {
    let table = open(&args.place).await?;
    let workspace = args.place.workspace;
    match args.command {
        KeysCommand::Create { user } => create(&table, workspace, user, args.place.json).await,
        KeysCommand::List => list(&table, workspace, args.place.json).await,
        KeysCommand::Revoke { id, sure } => {
            confirm(&format!("end key {id} of workspace {workspace}"), &sure).await?;
            ensure!(table.revoke(workspace, id).await?, "workspace {workspace} has no key {id}");
            Ok(say(&format!("Key {id} lets no one in any more."))?)
        }
    }
}

/// The table with the keys: that of the local service, whether it runs or not, or
/// that of a deployment in AWS.
async fn open(place: &KeyTable) -> anyhow::Result<Table> {
    match (&place.data_dir, &place.table) {
        (None, Some(table)) => Ok(Aws::from_profile().await.table(table)),
        (data_dir, _) => {
            let data_dir = data_dir.as_deref().unwrap_or(Path::new(DATA_DIR));
            Ok(open_table(&DataDir::database_of(data_dir)?)?.table(TABLE))
        }
    }
}

/// Makes a key and shows it, this once.
async fn create(table: &Table, workspace_id: WorkspaceId, user_id: UserId, as_json: bool) -> anyhow::Result<()> {
    let (key, now) = (ApiKey::generate(&SystemIds), SystemClock.now());
    let id = KeyId::try_from(time_ordered(&SystemIds, now)).map_err(anyhow::Error::msg)?;
    table.allow(&key.hash(), &Grant { id, workspace_id, user_id, created_at: now }).await?;
    let text = if as_json {
        json!({"id": id, "workspace_id": workspace_id, "user_id": user_id, "api_key": key.reveal()}).to_string()
    } else {
        // Alone on its line, for scripts.
        key.reveal().to_owned()
    };
    say(&text)?;
    Ok(note(&format!("This is key {id} of workspace {workspace_id}; it is shown this once."))?)
}

async fn list(table: &Table, workspace: WorkspaceId, as_json: bool) -> anyhow::Result<()> {
    let keys = table.keys(workspace).await?;
    if as_json {
        let view = |key: &KnownKey| {
            json!({
                "id": key.grant.id,
                "user_id": key.grant.user_id,
                "created_at": key.grant.created_at.to_string(),
                "last_used_at": key.last_used_at.map(|at| at.to_string()),
            })
        };
        return Ok(say(&json!(keys.iter().map(view).collect::<Vec<_>>()).to_string())?);
    }
    let row = |key: &KnownKey| {
        let second = |at: jiff::Timestamp| at.strftime("%F %T").to_string();
        vec![
            key.grant.id.to_string(),
            key.grant.user_id.to_string(),
            second(key.grant.created_at),
            key.last_used_at.map_or_else(|| "never".to_owned(), second),
        ]
    };
    Ok(say(&in_columns(&["ID", "USER", "CREATED (UTC)", "LAST USED (UTC)"], &[0, 1], keys.iter().map(row).collect()))?)
}
