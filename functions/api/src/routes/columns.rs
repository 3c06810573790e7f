//! The columns of a version, summed up.

use super::paging::Path;
use super::stored;
use crate::Api;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorResponse};
use axum::extract::State;
use axum::response::Response;
use dataset_formats::{Cell, Figures, Kind};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(super) struct Columns {
    success: bool,
    message: &'static str,
    /// In the order of the file.
    columns: Vec<ColumnView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Column)]
struct ColumnView {
    name: String,
    #[schema(inline)]
    r#type: Type,
    /// Cells that are null or a text of no characters.
    empty: u64,
    /// Characters of the shortest text that is not empty, or of what is nested as it was written. Null for other types.
    #[schema(required)]
    shortest: Option<u64>,
    /// Characters of the longest.
    #[schema(required)]
    longest: Option<u64>,
    /// The least number, to the last digit. Null for other types.
    #[schema(value_type = Option<f64>, required)]
    least: Option<Cell>,
    /// The greatest.
    #[schema(value_type = Option<f64>, required)]
    greatest: Option<Cell>,
    /// The first values that are not empty, each once, five at most, and none of more than 200 bytes.
    #[schema(value_type = Vec<serde_json::Value>)]
    sample: Vec<Cell>,
    /// Whether there are others.
    has_more: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Type {
    Boolean,
    Integer,
    Number,
    Text,
    Json,
}

/// Sum up the columns of a version
///
/// The type of each column and what is in it. All rows are gone through.
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets/{dataset_id}/columns",
    operation_id = "listDatasetColumns",
    tag = "datasets",
    params(("dataset_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64)),
    responses(
        (status = 200, description = "The columns", body = Columns),
        (status = 404, description = "There is no such dataset", body = ErrorResponse),
        (status = 409, description = "The dataset is a draft, failed or is deleted", body = ErrorResponse),
    ),
)]
pub(super) async fn list(State(api): State<Arc<Api>>, caller: Caller, Path(id): Path) -> Result<Response, ApiError> {
    let version = caller.version(&api, &id).await?;
    let table = stored::open(&api, &version).await?;
    let figures = stored::aside(async move { table.figures().await.map_err(stored::refused) }).await?;
    stored::answer(&Columns {
        success: true,
        message: "Dataset columns retrieved successfully",
        columns: figures.into_iter().map(ColumnView::new).collect(),
    })
}

impl ColumnView {
    fn new(Figures { name, kind, empty, lengths, range, sample, has_more }: Figures) -> Self {
        let (shortest, longest) = lengths.unzip();
        let (least, greatest) = range.unzip();
        Self { name, r#type: Type::of(kind), empty, shortest, longest, least, greatest, sample, has_more }
    }
}

impl Type {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Bool => Self::Boolean,
            Kind::Int | Kind::UInt => Self::Integer,
            Kind::Double => Self::Number,
            Kind::Text => Self::Text,
            Kind::Json => Self::Json,
        }
    }
}
