//! The routes, one file a resource.

#![allow(unused_qualifications, reason = "the macro that describes a route writes them")]

mod columns;
mod datasets;
mod dialect;
mod diff;
mod download;
pub(crate) mod from_file;
mod from_upload;
mod groups;
mod health;
pub(crate) mod idempotency;
mod kept;
mod labels;
mod paging;
mod preview;
mod rows;
mod schemas;
mod stored;
mod webhooks;

pub(crate) use paging::{LOOKED_AT, Path};

use crate::Api;
use axum::Router;
use axum::routing::{MethodFilter, on};
use datasets::list as lists;
use std::sync::Arc;
use utoipa::openapi::path::HttpMethod;
use utoipa_axum::{PathItemExt, paste};
use webhooks::{again, deliveries};

/// Whatever has the first in its path has the second, too: a version by its number in its group.
pub(crate) const DATASET: &str = "/datasets/{dataset_id}";
pub(crate) const VERSION: &str = "/dataset-groups/{dataset_group_id}/versions/{version}";

/// Defines `routes`, the router, and `describe`, the OpenAPI description. They are two functions because
/// building the description took a quarter of a Lambda's start.
macro_rules! routes {
    ($($module:ident { $($handler:ident),+ })+) => {
        pub(crate) fn routes() -> Router<Arc<Api>> {
            use utoipa::Path as _;
            let mut router = Router::new();
            paste! {
                $($(
                    let path = $module::[<__path_ $handler>]::path();
                    let methods = any_of(&$module::[<__path_ $handler>]::methods());
                    if path.contains(DATASET) {
                        router = router.route(&path.replace(DATASET, VERSION), on(methods, $module::$handler));
                    }
                    router = router.route(&path, on(methods, $module::$handler));
                )+)+
            }
            router
        }

        #[cfg(test)]
        pub(crate) fn describe() -> utoipa::openapi::OpenApi {
            utoipa_axum::router::OpenApiRouter::<Arc<Api>>::new()
            $($( .routes(utoipa_axum::routes!($module::$handler)) )+)+
            .into_openapi()
        }
    };
}

routes! {
    from_file { create }
    from_upload { create }
    preview { preview }
    groups { create, list, read, update, delete }
    schemas { read, put, delete, propose }
    labels { list, read, put, delete }
    lists { list }
    datasets { read, annotate, delete, restore }
    columns { list }
    rows { list }
    download { download }
    diff { compare }
    webhooks { register, list, read, update, delete, rotate_secret }
    again { test, redeliver, recover }
    deliveries { list, read }
    health { check }
}

/// Never empty: a handler without a method has no description.
fn any_of(methods: &[HttpMethod]) -> MethodFilter {
    let filters = methods.iter().map(PathItemExt::to_method_filter);
    filters.reduce(MethodFilter::or).unwrap_or(MethodFilter::GET)
}
