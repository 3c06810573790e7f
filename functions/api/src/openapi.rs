//! The description of the API, made of the types that it is about.

use crate::error::ErrorResponse;
use serde_json::Value;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Info, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

const SCHEME: &str = "apiKey";

/// `routes`' own description, and what holds for all of them.
pub(crate) fn describe(mut routes: OpenApi) -> OpenApi {
    routes.info = Info::builder()
        .title("dataset-versions")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Immutable, numbered dataset versions from CSV and JSON files. Every answer that is no success has the \
             schema ErrorResponse.",
        ))
        .build();
    let key = ApiKeyValue::with_description("X-API-KEY", "A key of the workspace that is worked in");
    let components = routes.components.get_or_insert_default();
    components.add_security_scheme(SCHEME, SecurityScheme::ApiKey(ApiKey::Header(key)));
    components.schemas.insert(ErrorResponse::name().into_owned(), ErrorResponse::schema());
    routes.security = Some(vec![SecurityRequirement::new(SCHEME, Vec::<String>::new())]);
    for path in routes.paths.paths.values_mut() {
        add_common_failures(path.get.as_mut(), false);
        for operation in [&mut path.post, &mut path.patch, &mut path.delete] {
            add_common_failures(operation.as_mut(), true);
        }
    }
    routes
}

/// What any route may answer that wants a key, a parameter or a body, or writes.
fn add_common_failures(operation: Option<&mut Operation>, writes: bool) {
    let Some(operation) = operation else { return };
    // The original has no such status.
    let may_be_full = writes && operation.operation_id.as_deref() != Some("createDatasetVersionFromFile");
    let is_open = operation.security.is_some();
    let has_body = operation.request_body.is_some();
    let has_input = has_body || operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    let failures = [
        (has_input, "400", "The request breaks a rule"),
        (!is_open, "401", "The API key is missing or not valid"),
        (has_body, "413", "The body is too large"),
        (has_body, "415", "The body is not JSON"),
        (!is_open, "429", "Too many requests; the header Retry-After says how many seconds to wait"),
        (!is_open, "500", "A fault on the server"),
        (may_be_full, "507", "The disk of a service on one machine is full; what is stored can be read"),
    ];
    let responses = &mut operation.responses.responses;
    for (_, status, description) in failures.into_iter().filter(|(applies, ..)| *applies) {
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(failure(description)));
    }
}

fn failure(description: &str) -> Response {
    let schema = Ref::from_schema_name(ErrorResponse::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/json", content).build()
}

/// The description is kept as a file, so that every change of the API is seen
/// in its review. `UPDATE_OPENAPI=1 cargo test` writes it anew.
#[test]
fn the_description_is_that_of_the_routes() {
    let described = describe(crate::routes::describe());
    let text = described.to_pretty_json().expect("it is JSON") + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write("openapi.json", text).expect("the file can be written");
        return;
    }
    assert!(text == crate::docs::DESCRIPTION, "openapi.json is not current: UPDATE_OPENAPI=1 cargo test writes it");
}

/// Whoever reads the original's description finds all of it in ours.
#[test]
fn the_original_operation_is_described_field_by_field() {
    let described: Value = serde_json::from_str(crate::docs::DESCRIPTION).expect("it is JSON");
    let original: Value = serde_json::from_str(include_str!("openapi/original.json")).expect("it is JSON");
    assert_has(&described, &original, &described, "");
}

/// `ours` has every field of `theirs`, and every item of a list in some place.
fn assert_has(ours: &Value, theirs: &Value, root: &Value, at: &str) {
    let ours = match ours["$ref"].as_str() {
        Some(place) => root.pointer(&place[1..]).expect("a reference leads somewhere"),
        None => ours,
    };
    match theirs {
        Value::Object(fields) => {
            for (name, field) in fields {
                assert_has(&ours[name], field, root, &format!("{at}/{name}"));
            }
        }
        Value::Array(items) => {
            let ours = ours.as_array().unwrap_or_else(|| panic!("{at} is no list"));
            for item in items {
                let named = ours
                    .iter()
                    .find(|ours| *ours == item || (ours["name"].is_string() && ours["name"] == item["name"]));
                assert_has(named.unwrap_or_else(|| panic!("{at} lacks {item}")), item, root, at);
            }
        }
        _ => assert_eq!(ours, theirs, "{at}"),
    }
}
