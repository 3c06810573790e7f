//! The console at `/`: a page that uses nothing but the public API. The key stays in
//! the browser's tab, so the page is the same for everyone.

use crate::error::ApiError;
use crate::routes::Path;
use crate::{Api, Base};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Extension, Router};
use dataset_core::event::EventType;
use dataset_core::{Error, Result};
use dataset_types::Format;
use dataset_types::limits::{MAX_FILE_BYTES, MAX_INLINE_BYTES, MAX_PER_PAGE};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::{Arc, LazyLock};

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    /// The path before ours, as the browser sees it.
    base: &'a str,
    /// Where the scripts and styles are.
    assets: &'a str,
    /// Modules that are needed first, preloaded together.
    modules: &'a [&'a str],
    /// How names of files may end, as `.csv,.json`.
    extensions: &'a str,
    /// As JSON, for the scripts.
    limits: &'a str,
}

struct Asset {
    name: &'static str,
    contents: &'static str,
}

macro_rules! assets {
    ($($name:literal)+) => {
        &[$(Asset { name: $name, contents: include_str!(concat!("console/", $name)) }),+]
    };
}

const ASSETS: &[Asset] = assets! {
    "styles.css"
    "icon.svg"
    "script/annotations.js"
    "script/api.js"
    "script/cells.js"
    "script/chart.js"
    "script/dialect.js"
    "script/dom.js"
    "script/fault.js"
    "script/file.js"
    "script/limits.js"
    "script/main.js"
    "script/marks.js"
    "script/notices.js"
    "script/place.js"
    "script/places.js"
    "script/session.js"
    "script/text.js"
    "script/uploads.js"
    "script/view_code.js"
    "script/view_columns.js"
    "script/view_compare.js"
    "script/view_group.js"
    "script/view_groups.js"
    "script/violations.js"
    "script/group_schema.js"
    "script/view_by_number.js"
    "script/view_rows.js"
    "script/view_sign_in.js"
    "script/view_upload.js"
    "script/view_version.js"
    "script/view_webhook.js"
    "script/view_webhooks.js"
    "script/words.js"
};

/// What `main.js` imports.
const FIRST_MODULES: &[&str] = &[
    "script/api.js",
    "script/dom.js",
    "script/file.js",
    "script/limits.js",
    "script/place.js",
    "script/session.js",
    "script/text.js",
    "script/uploads.js",
    "script/view_sign_in.js",
];

/// The hash of all assets, by which browsers may cache each for ever.
static REVISION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in ASSETS {
        hash.update(asset.name);
        hash.update(asset.contents);
    }
    hex::encode(&hash.finalize()[..8])
});

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/", get(page)).route("/console/{revision}/{*name}", get(asset))
}

async fn page(State(api): State<Arc<Api>>, base: Option<Extension<Base>>) -> Result<impl IntoResponse, ApiError> {
    let Base(base) = base.map(|Extension(base)| base).unwrap_or_default();
    let extensions: Vec<_> = Format::ALL.iter().map(|format| format!(".{}", format.extension())).collect();
    let limits = json!({
        "extensions": extensions,
        "maxFileBytes": MAX_FILE_BYTES,
        "maxInlineBytes": MAX_INLINE_BYTES,
        "maxPerPage": MAX_PER_PAGE,
    });
    let page = Page {
        base: &base,
        assets: &format!("{base}/console/{}", *REVISION),
        modules: FIRST_MODULES,
        extensions: &extensions.join(","),
        limits: &limits.to_string(),
    };
    let page = page.render().map_err(|e| Error::internal("the page could not be made").because(e))?;
    let headers = [
        (CONTENT_SECURITY_POLICY, policy(&api.ports.blobs.origin().await?)),
        (CACHE_CONTROL, "no-cache".to_owned()),
        (REFERRER_POLICY, "no-referrer".to_owned()),
        (OPENER_POLICY, "same-origin".to_owned()),
    ];
    Ok((headers, Html(page)))
}

/// Content-Security-Policy: only the page's own scripts run, none makes HTML of
/// text, and only the API and storage are called.
fn policy(storage: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {storage}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'"
    )
}

async fn asset(Path((revision, name)): Path<(String, String)>) -> Result<impl IntoResponse, ApiError> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(ApiError::no_such_route)?;
    let media_type = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    };
    // While two releases are live, one may be asked for the other's assets.
    let caching = if revision == *REVISION { "max-age=31536000, immutable" } else { "no-store" };
    let headers = [(CONTENT_TYPE, media_type), (CACHE_CONTROL, caching)];
    Ok((headers, asset.contents))
}
