//! `POST /api/public/v2/dataset-versions/preview`: what a file would be, by its start.

use super::{dialect, schemas, stored};
use crate::Api;
use crate::auth::Caller;
use crate::body;
use crate::decode;
use crate::error::ApiError;
use axum::Json;
use axum::extract::{Request, State};
use bytes::{Bytes, BytesMut};
use dataset_core::upload::FileName;
use dataset_core::{Error, ErrorCode};
use dataset_formats::{Error as FormatError, Head, Limits, Summary, Table, convert};
use dataset_types::dialect::Dialect;
use dataset_types::id::GroupId;
use dataset_types::limits::MAX_HEAD_BYTES;
use dataset_types::preview::{Preview, PreviewColumn, PreviewFile};
use std::sync::Arc;

const MAX_ROWS: usize = 20;

/// The base64 of the longest head, with escaped line breaks, and room for the rest.
const MAX_BODY_BYTES: usize = MAX_HEAD_BYTES / 3 * 4 / 76 * 80 + (64 << 10);

/// Preview a file
///
/// Says what a file would be as a version, by up to 1 MiB of its start: its columns, its first rows, in which dialect it
/// is read and what is unusual in it; or why it would be refused, and what would work. Nothing is stored.
#[utoipa::path(
    post,
    path = "/api/public/v2/dataset-versions/preview",
    operation_id = "previewFile",
    request_body = PreviewFile,
    responses(
        (status = 200, description = "What the file would be", body = Preview),
        (status = 403, description = "The dataset group belongs to another workspace"),
        (status = 404, description = "There is no such dataset group"),
    ),
)]
pub(super) async fn preview(
    State(api): State<Arc<Api>>,
    caller: Caller,
    request: Request,
) -> Result<Json<Preview>, ApiError> {
    let too_large = || {
        let message = format!("the head has more than {MAX_HEAD_BYTES} bytes; send less of the file");
        ApiError::new(ErrorCode::BodyTooLarge, message)
    };
    let body = body::read(request, MAX_BODY_BYTES).await?.ok_or_else(too_large)?;
    let Asked { file_name, group_id, said, head, is_whole } = unpack(body)?;
    if head.len() > MAX_HEAD_BYTES {
        return Err(too_large());
    }
    let format = file_name.format();
    let (of_group, schema) = match group_id {
        Some(id) => (caller.group(&api, id).await?.dialect, schemas::in_force(&api, id).await?),
        None => (Dialect::default(), None),
    };
    let said = dialect::of(said, &of_group, format)?;
    let reading = tokio::task::spawn_blocking(move || {
        let (mut source, mut parquet) = (Head { bytes: &head, is_whole }, vec![]);
        let read = convert(format, &said, &mut source, &mut parquet, &Limits::default(), schema.as_ref());
        read.map(|summary| (summary, Bytes::from(parquet)))
    });
    let read = reading.await.map_err(|e| Error::internal("the head could not be read").because(e))?;
    let (success, message) = (true, "File previewed successfully".to_owned());
    Ok(Json(match read {
        Ok((summary, parquet)) => Preview { success, message, ..table(summary, parquet).await? },
        Err(FormatError::Data(error)) => {
            Preview { success, message, failure: Some((*error).into()), ..Preview::default() }
        }
        Err(error) => return Err(stored::refused(error, "head_base64")),
    }))
}

async fn table(summary: Summary, parquet: Bytes) -> Result<Preview, ApiError> {
    let refused = |error| stored::refused(error, "head_base64");
    let table = Table::open(parquet).await.map_err(refused)?;
    let page = table.page(0, MAX_ROWS, stored::MAX_BYTES).await.map_err(refused)?;
    let columns = summary.columns.into_iter();
    let columns: Vec<PreviewColumn> =
        columns.map(|column| PreviewColumn { name: column.name, r#type: column.kind.into() }).collect();
    Ok(Preview {
        column_names: Some(columns.iter().map(|column| column.name.clone()).collect()),
        columns: Some(columns),
        rows: Some(page.rows.into_iter().map(Into::into).collect()),
        dialect: Some(summary.dialect),
        notices: Some(summary.notices),
        ..Preview::default()
    })
}

struct Asked {
    file_name: FileName,
    group_id: Option<GroupId>,
    said: Option<Dialect>,
    head: Bytes,
    is_whole: bool,
}

fn unpack(body: Bytes) -> Result<Asked, ApiError> {
    let mut body = body.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    let parsed: PreviewFile<'_> = body::parse(&body)?;
    let (group_id, said, is_whole) = (parsed.dataset_group_id, parsed.dialect, parsed.is_whole);
    let file_name = FileName::parse(&parsed.file_name)?;
    let string = body::base64_in(&body, "head_base64", parsed.head_base64)?;
    let head = decode::decode(&mut body, string, "head_base64")?;
    Ok(Asked { file_name, group_id, said, head: body.freeze().slice(head), is_whole })
}
