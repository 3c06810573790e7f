//! A version as one file, which storage serves itself: its size does not
//! matter here.

use super::paging::{Path, Query};
use super::stored;
use crate::Api;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorResponse};
use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use dataset_core::blobs::{Blobs, MIN_PART_BYTES};
use dataset_core::dataset::Dataset;
use dataset_core::{Error, Kind};
use dataset_formats::{Export, Table};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// How long the URL is good: it is followed at once.
const URL_LIFETIME: Duration = Duration::from_secs(15 * 60);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    #[serde(default)]
    #[param(inline, required = false)]
    format: Format,
    /// With `false` the URL is told in the answer, for programs that would follow a redirect with the key.
    #[serde(default = "yes")]
    #[param(default = true, required = false)]
    redirect: bool,
}

fn yes() -> bool {
    true
}

#[derive(Serialize, ToSchema)]
struct Link {
    success: bool,
    message: &'static str,
    /// Serves the file for 15 minutes.
    url: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Parquet,
    /// The file as it was uploaded.
    Source,
    Csv,
    Jsonl,
}

/// Download a version
///
/// Redirects to a URL that serves the file for 15 minutes. CSV and JSON Lines are made when they are asked for.
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets/{dataset_id}/download",
    operation_id = "downloadDataset",
    tag = "datasets",
    params(("dataset_id" = u64, Path, minimum = 1, maximum = 9007199254740991u64), Wanted),
    responses(
        (status = 200, description = "With `redirect=false`: where the file is", body = Link),
        (status = 302, description = "Where the file is", headers(("Location" = String))),
        (status = 404, description = "There is no such dataset", body = ErrorResponse),
        (status = 409, description = "The dataset is a draft, failed or is deleted", body = ErrorResponse),
    ),
)]
pub(super) async fn download(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path,
    Query(Wanted { format, redirect }): Query<Wanted>,
) -> Result<Response, ApiError> {
    let version = caller.version(&api, &id).await?;
    let name = version.file_name.as_str();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let (key, name, media_type) = match format {
        Format::Source => (version.upload_key(), name.to_owned(), version.file_name.format().media_type()),
        Format::Parquet => (version.rows_key(), format!("{stem}.parquet"), "application/vnd.apache.parquet"),
        Format::Csv => (export(&api, &version, Export::Csv, "csv").await?, format!("{stem}.csv"), CSV),
        Format::Jsonl => {
            (export(&api, &version, Export::JsonLines, "jsonl").await?, format!("{stem}.jsonl"), JSON_LINES)
        }
    };
    let url = api.ports.blobs.download_url(&key, &name, media_type, URL_LIFETIME).await?;
    let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !redirect {
        let link = Link { success: true, message: "Dataset can be downloaded", url };
        return Ok(([no_store], Json(link)).into_response());
    }
    let url = HeaderValue::try_from(url).map_err(|e| Error::internal("the URL fits in no header").because(e))?;
    Ok((StatusCode::FOUND, [(LOCATION, url), no_store]).into_response())
}

const CSV: &str = "text/csv; charset=utf-8";
const JSON_LINES: &str = "application/jsonl";

/// The key of the version in this format, made unless it was made today.
async fn export(api: &Api, version: &Dataset, format: Export, extension: &str) -> Result<String, ApiError> {
    let key = version.export_key(api.ports.clock.now(), extension);
    if api.ports.blobs.size(&key).await?.is_some() {
        return Ok(key);
    }
    let table = stored::open(api, version).await?;
    let (blobs, media_type) = (Arc::clone(&api.ports.blobs), if format == Export::Csv { CSV } else { JSON_LINES });
    stored::aside(async move {
        write(&*blobs, &key, media_type, &table, format).await?;
        Ok(key)
    })
    .await
}

async fn write(
    blobs: &dyn Blobs,
    key: &str,
    media_type: &str,
    table: &Table<stored::Object>,
    format: Export,
) -> Result<(), ApiError> {
    let mut writer = blobs.write_new(key, media_type).await?;
    let written = async {
        let mut parts = pin!(table.export(format, MIN_PART_BYTES).map_err(stored::refused)?);
        while let Some(part) = parts.try_next().await.map_err(stored::refused)? {
            writer.write(part).await?;
        }
        Ok::<_, ApiError>(())
    };
    if let Err(error) = written.await {
        // The lifecycle rule takes what can't be aborted now.
        let _ = writer.abort().await;
        return Err(error);
    }
    match writer.finish().await {
        // Another request was faster, with the same rows.
        Err(error) if error.kind() == Kind::Conflict => Ok(()),
        ended => Ok(ended?),
    }
}
