//! Compares two versions.

use super::kept::kept;
use super::paging::Query;
use super::stored::{self, Scan};
use crate::Api;
use crate::auth::{Caller, Owned, Version, version_of};
use crate::error::ApiError;
use axum::extract::State;
use axum::response::Response;
use dataset_formats::{Change, Difference, Examples, Retyped, diff};
use dataset_types::address::Against;
use dataset_types::rows::{
    ChangedRow, CompareDatasets, ComparedColumns, ComparedExamples, ComparedRows, Comparison, RetypedColumn,
};
use std::sync::Arc;

/// Compare two versions
///
/// Columns and rows that the version has and the other has not, and the other way round.
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets/{dataset_id}/diff",
    operation_id = "compareDatasets",
    params(CompareDatasets),
    responses((status = 200, description = "What is not the same", body = Comparison)),
)]
pub(super) async fn compare(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Owned(new): Owned<Version>,
    Query(CompareDatasets { against, key, examples }): Query<CompareDatasets>,
) -> Result<Response, ApiError> {
    let old = match &against {
        Against::Dataset(id) => *id,
        Against::Version(name) => {
            let group = caller.group(&api, new.0.group_id).await?;
            let found = version_of(&api, &group, name).await?;
            found.ok_or_else(|| ApiError::version_not_found(&group, &name.to_string()))?
        }
    };
    let old = caller.version(&api, old).await?;
    let question = ("diff", new.0.id, old.0.id, key.clone(), examples.as_usize());
    kept(&api, &question, comparison(&api, &new, &old, key, examples.as_usize())).await
}

async fn comparison(
    api: &Api,
    new: &Version,
    old: &Version,
    key: Option<String>,
    examples: usize,
) -> Result<Comparison, ApiError> {
    let scan = Scan::new(api);
    let (after, before) = tokio::try_join!(scan.open(api, new), scan.open(api, old))?;
    let names = |columns: &mut dyn Iterator<Item = &str>| columns.map(str::to_owned).collect::<Vec<_>>();
    let (columns, against_columns) = (names(&mut after.columns()), names(&mut before.columns()));
    let compared_by = key.clone();
    let difference = scan.run(async move {
        let examples = Examples { rows: examples, max_bytes: stored::MAX_BYTES };
        diff(&before, &after, compared_by.as_deref(), examples)
            .await
            .map_err(|error| stored::refused(error, "examples"))
    });
    let Difference {
        columns_added,
        columns_removed,
        columns_retyped,
        added,
        removed,
        changed,
        unchanged,
        added_examples,
        removed_examples,
        changed_examples,
    } = difference.await?;
    let change = |Change { before, after }| ChangedRow { before: before.into(), after: after.into() };
    Ok(Comparison {
        success: true,
        message: "Datasets compared successfully".into(),
        dataset_id: new.0.id,
        against_dataset_id: old.0.id,
        key,
        columns: ComparedColumns {
            added: columns_added,
            removed: columns_removed,
            retyped: columns_retyped.into_iter().filter_map(retyped).collect(),
        },
        rows: ComparedRows { added, removed, changed, unchanged },
        examples: ComparedExamples {
            columns,
            against_columns,
            added: added_examples.into_iter().map(Into::into).collect(),
            removed: removed_examples.into_iter().map(Into::into).collect(),
            changed: changed_examples.into_iter().map(change).collect(),
        },
    })
}

/// Integers are of one type for clients, however large.
fn retyped(Retyped { name, old, new }: Retyped) -> Option<RetypedColumn> {
    let (before, after) = (old.into(), new.into());
    (before != after).then_some(RetypedColumn { name, before, after })
}
