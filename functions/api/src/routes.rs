//! The routes, one file a resource.

#![expect(unused_qualifications, reason = "the macro that describes a route writes them")]

mod datasets;
mod diff;
mod download;
pub(crate) mod drafts;
mod fresh;
pub(crate) mod from_file;
mod from_upload;
mod groups;
mod health;
mod paging;
mod rows;
mod stored;
mod webhooks;

use crate::Api;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(from_file::create))
        .routes(routes!(from_upload::create))
        .routes(routes!(groups::create, groups::list))
        .routes(routes!(groups::delete))
        .routes(routes!(datasets::list::list))
        .routes(routes!(datasets::read, datasets::delete))
        .routes(routes!(datasets::restore))
        .routes(routes!(rows::list))
        .routes(routes!(download::download))
        .routes(routes!(diff::compare))
        .routes(routes!(webhooks::register, webhooks::list))
        .routes(routes!(webhooks::read, webhooks::update, webhooks::delete))
        .routes(routes!(webhooks::rotate_secret))
        .routes(routes!(webhooks::again::test))
        .routes(routes!(webhooks::deliveries::list))
        .routes(routes!(webhooks::deliveries::read))
        .routes(routes!(webhooks::again::redeliver))
        .routes(routes!(webhooks::again::recover))
        .routes(routes!(health::check))
}
