//! Lists, moves and takes away labels of versions.

use super::manage::print;
use super::show::{in_columns, printable, state};
use super::{Trouble, login, read};
use crate::cli::args::{Labels as Args, LabelsCommand};
use dataset_types::ErrorCode;
use dataset_types::dataset::OneDataset;
use dataset_types::id::Whole;
use dataset_types::label::{Labels, MoveLabel, OneLabel};

pub(crate) async fn labels(Args { command, remote }: Args) -> anyhow::Result<()> {
    let service = login::remote(&remote.access)?;
    match command {
        LabelsCommand::List { group } => {
            let path = format!("dataset-groups/{}/labels", read::group_id(&service, &group).await?);
            print(&remote, &service.get(&path, &()).await?, |answer| {
                let rows = answer.parse::<Labels>()?.labels.into_iter().map(|label| {
                    let moved = label.moves.first().map(|newest| newest.at.to_string()).unwrap_or_default();
                    vec![label.name.to_string(), label.version_number.to_string(), label.dataset_id.to_string(), moved]
                });
                Ok(in_columns(&["LABEL", "VERSION", "DATASET", "MOVED (UTC)"], &[1, 2], rows.collect()))
            })
        }
        LabelsCommand::Move { label, version, expected } => {
            let found: OneDataset = service.get(&read::path_of(&service, &version).await?, &()).await?.parse()?;
            let path = format!("dataset-groups/{}/labels/{label}", found.dataset.dataset_group_id);
            let Ok(version) = u64::try_from(found.dataset.version_number).map(Whole) else {
                let message = format!("dataset {} is {}, and no version", found.dataset.id, state(&found.dataset));
                return Err(Trouble::Refused { code: ErrorCode::NotAVersion.name().to_owned(), message }.into());
            };
            let expected = expected.map(|number| Some(Whole(number)).filter(|_| number > 0));
            print(&remote, &service.put(&path, &MoveLabel { version, expected }).await?, |answer| {
                let OneLabel { label, .. } = answer.parse()?;
                Ok(format!(
                    "{} is at version {} of {}",
                    label.name,
                    label.version_number,
                    printable(&found.dataset.dataset_group.name)
                ))
            })
        }
        LabelsCommand::Delete { label, group } => {
            let path = format!("dataset-groups/{}/labels/{label}", read::group_id(&service, &group).await?);
            print(&remote, &service.delete(&path).await?, |_| Ok(format!("{label} is taken away")))
        }
    }
}
