//! `datasets keys`: who is let in, here or in AWS.

use crate::cli::args::{Keys, KeysCommand, Place};
use crate::client::in_columns;
use crate::output::{note, say};
use crate::service::{State, TABLE};
use anyhow::ensure;
use dataset_aws::{Aws, Table};
use dataset_core::api_key::{ApiKey, Grant};
use dataset_core::api_keys::{ApiKeys, KnownKey};
use dataset_core::clock::{Clock, SystemClock};
use dataset_core::id::{KeyId, UserId, WorkspaceId};
use dataset_core::ids::{SystemIds, time_ordered};
use serde_json::json;

pub(crate) async fn run(args: Keys) -> anyhow::Result<()> {
    let place = Opened::at(&args.place).await?;
    let workspace = WorkspaceId::try_from(args.place.workspace).map_err(anyhow::Error::msg)?;
    match args.command {
        KeysCommand::Create { user } => create(&place.table, workspace, user, args.place.json).await,
        KeysCommand::List => list(&place.table, workspace, args.place.json).await,
        KeysCommand::Revoke { id } => {
            let id = KeyId::try_from(id).map_err(anyhow::Error::msg)?;
            ensure!(place.table.revoke(workspace, id).await?, "workspace {workspace} has no key {id}");
            Ok(say(&format!("Key {id} lets no one in any more."))?)
        }
    }
}

/// The table with the keys, and what must stay open for it.
struct Opened {
    table: Table,
    _state: Option<State>,
}

impl Opened {
    /// With the name of a table, the one in AWS. Else that of the service on
    /// this machine, whether it runs or not.
    async fn at(place: &Place) -> anyhow::Result<Self> {
        if let Some(table) = &place.table {
            return Ok(Self { table: Aws::from_profile().await.table(table), _state: None });
        }
        ensure!(
            place.data_dir.is_dir(),
            "{} is no directory of `datasets serve`; give --data-dir, or --table for a deployment in AWS",
            place.data_dir.display()
        );
        match State::of_running(&place.data_dir)? {
            Some(aws) => Ok(Self { table: aws.table(TABLE), _state: None }),
            None => {
                let state = State::open(&place.data_dir, 0).await?;
                Ok(Self { table: state.table().clone(), _state: Some(state) })
            }
        }
    }
}

/// Makes a key and shows it, this once.
async fn create(table: &Table, workspace_id: WorkspaceId, user: u64, as_json: bool) -> anyhow::Result<()> {
    let (key, now) = (ApiKey::generate(&SystemIds), SystemClock.now());
    let id = KeyId::try_from(time_ordered(&SystemIds, now)).map_err(anyhow::Error::msg)?;
    let user_id = UserId::try_from(user).map_err(anyhow::Error::msg)?;
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
