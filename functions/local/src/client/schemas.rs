//! Prints, puts and takes away the schemas of groups.

use super::manage::print;
use super::remote::Remote;
use super::{Trouble, login, read};
use crate::cli::args::{Access, GroupName, Schema};
use crate::input::text_of;
use dataset_formats::RowSchema;
use dataset_types::ErrorCode;
use dataset_types::schema::{GroupSchema, ProposeSchema, ProposedSchema, WhichSchema};
use serde_json::value::RawValue;

pub(super) async fn run(args: Schema) -> anyhow::Result<()> {
    let Schema { group, set, remove, propose, version, remote } = args;
    let service = login::remote(&remote.access)?;
    let path = path_of(&service, &group).await?;
    if let Some(from) = propose {
        let from = read::dataset_id(&service, &from).await?;
        let answer = service.get(&format!("{path}/proposed"), &ProposeSchema { from }).await?;
        return print(&remote, &answer, |answer| Ok(answer.parse::<ProposedSchema>()?.schema.get().to_owned()));
    }
    let answer = match &set {
        Some(file) => {
            let schema: Box<RawValue> = serde_json::from_str(&text_of(file)?)
                .map_err(|error| Trouble::Usage(format!("{} is not JSON: {error}", file.display())))?;
            service.put(&path, &schema).await?
        }
        None if remove => service.delete(&path).await?,
        None => service.get(&path, &WhichSchema { version }).await?,
    };
    print(&remote, &answer, |answer| {
        let GroupSchema { schema_version, message, schema, .. } = answer.parse()?;
        let is_change = remove || set.is_some();
        Ok(if is_change { format!("version {schema_version}: {message}") } else { schema.get().to_owned() })
    })
}

/// The schema in force in a group, if there is one.
pub(crate) async fn schema_of(group: &GroupName, access: &Access) -> anyhow::Result<Option<RowSchema>> {
    schema_in_force(&login::remote(access)?, group).await
}

pub(super) async fn schema_in_force(service: &Remote, group: &GroupName) -> anyhow::Result<Option<RowSchema>> {
    let path = path_of(service, group).await?;
    let found = match service.get(&path, &WhichSchema::default()).await {
        Err(Trouble::Refused { code, .. }) if code == ErrorCode::SchemaNotFound.name() => return Ok(None),
        found => found?.parse::<GroupSchema>()?,
    };
    let schema = RowSchema::parse(found.schema.get());
    Ok(Some(schema.map_err(|error| Trouble::Usage(format!("schema {} of the group: {error}", found.schema_version)))?))
}

async fn path_of(service: &Remote, group: &GroupName) -> anyhow::Result<String> {
    Ok(format!("dataset-groups/{}/schema", read::group_id(service, group).await?))
}
