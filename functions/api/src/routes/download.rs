//! A version as one file, which storage serves by a presigned URL.

use super::paging::Query;
use super::stored::{self, Scan};
use crate::Api;
use crate::auth::{Owned, Version};
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use dataset_core::blobs::{Blobs, MIN_PART_BYTES, Object};
use dataset_core::{Error, ErrorCode, Kind};
use dataset_formats::{Export, Table};
use dataset_types::upload::{Download, DownloadFormat, Link};
use futures::TryStreamExt;
use jiff::tz::TimeZone;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How long the URL is valid. Clients follow it at once.
const URL_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Download a version
///
/// Redirects to a URL that serves the file for 15 minutes. CSV and JSON Lines are made when they are asked for.
#[utoipa::path(
    get,
    path = "/api/public/v2/datasets/{dataset_id}/download",
    operation_id = "downloadDataset",
    params(Download),
    responses(
        (status = 200, description = "With `redirect=false`: where the file is", body = Link),
        (status = 302, description = "Where the file is", headers(("Location" = String))),
    ),
)]
pub(super) async fn download(
    State(api): State<Arc<Api>>,
    Owned(version): Owned<Version>,
    Query(Download { format, redirect }): Query<Download>,
) -> Result<Response, ApiError> {
    let Version(dataset) = &version;
    let name = dataset.file_name.as_str();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let (object, name, media_type) = match format {
        DownloadFormat::Source => (dataset.upload(), name.to_owned(), dataset.file_name.format().media_type()),
        DownloadFormat::Parquet => (dataset.rows(), format!("{stem}.parquet"), "application/vnd.apache.parquet"),
        DownloadFormat::Csv => (export(&api, &version, Export::Csv, "csv").await?, format!("{stem}.csv"), CSV),
        DownloadFormat::Jsonl => {
            (export(&api, &version, Export::JsonLines, "jsonl").await?, format!("{stem}.jsonl"), JSON_LINES)
        }
    };
    let url = api.ports.blobs.download_url(object, &name, media_type, URL_LIFETIME).await?;
    let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !redirect {
        let link = Link { success: true, message: "Dataset can be downloaded".into(), url };
        return Ok(([no_store], Json(link)).into_response());
    }
    let url = HeaderValue::try_from(url).map_err(|e| Error::internal("the URL fits in no header").because(e))?;
    Ok((StatusCode::FOUND, [(LOCATION, url), no_store]).into_response())
}

const CSV: &str = "text/csv; charset=utf-8";
const JSON_LINES: &str = "application/jsonl";

/// The version in this format, made unless it was made today.
async fn export(api: &Api, version: &Version, format: Export, extension: &'static str) -> Result<Object, ApiError> {
    let made_on = TimeZone::UTC.to_datetime(api.ports.clock.now()).date();
    let object = Object::Export { made_on, dataset_id: version.0.id, extension };
    if api.ports.blobs.size(object).await?.is_some() {
        return Ok(object);
    }
    let scan = Scan::new(api);
    let table = scan.open(api, version).await?;
    if table.least_export_bytes(format) > stored::MAX_EXPORT_BYTES {
        return Err(too_large());
    }
    let (blobs, media_type) = (Arc::clone(&api.ports.blobs), if format == Export::Csv { CSV } else { JSON_LINES });
    scan.run(async move {
        write(&*blobs, object, media_type, &table, format).await?;
        Ok(object)
    })
    .await
}

fn too_large() -> ApiError {
    let message = "the version is more than 1 GiB in this format; download it as Parquet, or the file it was made of";
    ApiError::new(ErrorCode::ExportTooLarge, message)
}

async fn write(
    blobs: &dyn Blobs,
    object: Object,
    media_type: &str,
    table: &Table<stored::Stored>,
    format: Export,
) -> Result<(), ApiError> {
    let mut writer = blobs.write_new(object, media_type).await?;
    let written = async {
        let mut parts = pin!(table.export(format, MIN_PART_BYTES).map_err(stored::unreadable)?);
        let mut bytes = 0;
        while let Some(part) = parts.try_next().await.map_err(stored::unreadable)? {
            bytes += part.len() as u64;
            if bytes > stored::MAX_EXPORT_BYTES {
                return Err(too_large());
            }
            writer.write(part).await?;
        }
        Ok::<_, ApiError>(())
    };
    if let Err(error) = written.await {
        // If the abort fails, the lifecycle rule removes the parts.
        let _ = writer.abort().await;
        return Err(error);
    }
    match writer.finish().await {
        // Another request has written the same export.
        Err(error) if error.kind() == Kind::AlreadyExists => Ok(()),
        ended => Ok(ended?),
    }
}
