//! Two versions side by side.

use super::paging::{Path, Query};
use super::stored;
use crate::Api;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorResponse};
use axum::extract::State;
use axum::response::Response;
use dataset_core::id::DatasetId;
use dataset_formats::{Change, Difference, Examples, diff};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

const MAX_EXAMPLES: usize = 100;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Comparison {
    /// The version to compare with, as a rule the older one.
    #[param(value_type = u64, minimum = 1, maximum = 9007199254740991u64)]
    against: DatasetId,
    /// A column that tells rows apart: rows with the same value in it are one row, before and after. Without it a
    /// row that was changed counts as one removed and one added.
    key: Option<String>,
    /// How many rows of each sort are shown.
    #[serde(default = "some")]
    #[param(minimum = 0, maximum = 100, default = 10)]
    examples: usize,
}

fn some() -> usize {
    10
}

#[derive(Serialize, ToSchema)]
#[schema(as = DatasetComparison)]
pub(super) struct Answer {
    success: bool,
    message: &'static str,
    #[schema(value_type = u64, minimum = 1)]
    dataset_id: DatasetId,
    #[schema(value_type = u64, minimum = 1)]
    against_dataset_id: DatasetId,
    #[schema(required)]
    key: Option<String>,
    columns: Columns,
    rows: Counts,
    examples: Shown,
}

/// Rows are compared by the columns that both versions have.
#[derive(Serialize, ToSchema)]
#[schema(as = ComparedColumns)]
struct Columns {
    added: Vec<String>,
    removed: Vec<String>,
}

/// How many rows.
#[derive(Serialize, ToSchema)]
#[schema(as = ComparedRows)]
struct Counts {
    added: u64,
    removed: u64,
    /// 0 without a key.
    changed: u64,
    unchanged: u64,
}

/// The first rows of each sort.
#[derive(Serialize, ToSchema)]
#[schema(as = ComparedExamples)]
struct Shown {
    /// What the cells of rows added, and of rows after a change, are of.
    columns: Vec<String>,
    /// What the cells of rows removed, and of rows before a change, are of.
    against_columns: Vec<String>,
    added: Vec<stored::Row>,
    removed: Vec<stored::Row>,
    changed: Vec<Changed>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChangedRow)]
struct Changed {
    before: stored::Row,
    after: stored::Row,
}

/// Compare two versions
///
/// Columns and rows that the version has and the other has not, and the other way round.
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets/{dataset_id}/diff",
    operation_id = "compareDatasets",
    tag = "datasets",
    params(("dataset_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64), Comparison),
    responses(
        (status = 200, description = "What is not the same", body = Answer),
        (status = 404, description = "There is no such dataset", body = ErrorResponse),
        (status = 409, description = "One of them is a draft, failed or is deleted", body = ErrorResponse),
    ),
)]
pub(super) async fn compare(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
    Query(comparison): Query<Comparison>,
) -> Result<Response, ApiError> {
    if comparison.examples > MAX_EXAMPLES {
        return Err(ApiError::bad_request("invalid_parameter", "examples must be from 0 to 100"));
    }
    let new = caller.version(&api, &id).await?;
    let old = caller.version(&api, &comparison.against.to_string()).await?;
    let (after, before) = tokio::try_join!(stored::open(&api, &new), stored::open(&api, &old))?;
    let names = |columns: &mut dyn Iterator<Item = &str>| columns.map(str::to_owned).collect::<Vec<_>>();
    let (columns, against_columns) = (names(&mut after.columns()), names(&mut before.columns()));
    let (key, examples) = (comparison.key.clone(), comparison.examples);
    let Difference {
        columns_added,
        columns_removed,
        added,
        removed,
        changed,
        unchanged,
        added_examples,
        removed_examples,
        changed_examples,
    } = stored::aside(async move {
        let examples = Examples { rows: examples, max_bytes: stored::MAX_BYTES };
        diff(&before, &after, key.as_deref(), examples).await.map_err(stored::refused)
    })
    .await?;
    let change = |Change { before, after }| Changed { before: stored::row(before), after: stored::row(after) };
    stored::answer(&Answer {
        success: true,
        message: "Datasets compared successfully",
        dataset_id: new.id,
        against_dataset_id: old.id,
        key: comparison.key,
        columns: Columns { added: columns_added, removed: columns_removed },
        rows: Counts { added, removed, changed, unchanged },
        examples: Shown {
            columns,
            against_columns,
            added: stored::rows(added_examples),
            removed: stored::rows(removed_examples),
            changed: changed_examples.into_iter().map(change).collect(),
        },
    })
}
