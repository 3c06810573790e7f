//! The routes, one file a resource.

mod datasets;
mod fresh;
pub(crate) mod from_file;
mod groups;
mod paging;
mod rows;
mod webhooks;

use crate::Api;
use axum::Router;
use axum::routing::{get, post};
use serde::Serialize;
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/public/v2/dataset-versions/from-file", post(from_file::create))
        .route("/api/public/v2/dataset-groups", post(groups::create).get(groups::list))
        .route("/api/public/v2/datasets", get(datasets::list))
        .route("/api/public/v2/datasets/{dataset_id}", get(datasets::read))
        .route("/api/public/v2/datasets/{dataset_id}/rows", get(rows::list))
        .route("/api/public/v2/webhooks", post(webhooks::register).get(webhooks::list))
        .route("/healthz", get(|| async { axum::Json(Health { status: "ok" }) }))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}
