//! Whether the service answers at all.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    status: &'static str,
}

/// Check that the service answers
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "checkHealth",
    security(()),
    responses((status = 200, description = "It does", body = Health)),
)]
pub(super) async fn check() -> Json<Health> {
    Json(Health { status: "ok" })
}
