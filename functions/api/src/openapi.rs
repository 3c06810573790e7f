//! The description of the API, made of the types that it is about.

use crate::routes::{DATASET, VERSION};
use dataset_types::address::VersionName;
use dataset_types::event::{EventType, Payload};
use dataset_types::id::{DatasetId, DeliveryId, GroupId, WebhookId};
use dataset_types::label::LabelName;
use dataset_types::{ErrorResponse, Format, shared_schemas};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Info, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

/// As it is served.
const DESCRIPTION: &str = include_str!("../openapi.json");

const SCHEME: &str = "apiKey";

/// The description of the API, and of the calls that it makes itself.
#[derive(Serialize)]
struct Description {
    #[serde(flatten)]
    routes: OpenApi,
    /// OpenAPI 3.1's `webhooks`, which `utoipa` does not know.
    webhooks: BTreeMap<&'static str, Value>,
}

/// The routes' own description, and what all of them have in common.
fn describe(mut routes: OpenApi) -> Description {
    routes.info = Info::builder()
        .title("dataset-versions")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(format!(
            "Immutable, numbered dataset versions from {} files. Every answer that is no success has the schema \
             ErrorResponse.",
            Format::names("and")
        )))
        .build();
    let key = ApiKeyValue::with_description("X-API-KEY", "A key of the workspace that is worked in");
    let components = routes.components.get_or_insert_default();
    components.add_security_scheme(SCHEME, SecurityScheme::ApiKey(ApiKey::Header(key)));
    components.schemas.extend(shared_schemas());
    components.schemas.insert("Event".to_owned(), Payload::schema());
    routes.security = Some(vec![SecurityRequirement::new(SCHEME, Vec::<String>::new())]);
    let by_number: Vec<_> =
        routes.paths.paths.iter().filter(|(path, _)| path.contains(DATASET)).map(of_group).collect();
    routes.paths.paths.extend(by_number);
    for (path, item) in &mut routes.paths.paths {
        for (operation, writes) in operations(item) {
            operation.tags = Some(vec![tag_of(path).to_owned()]);
            add_path_parameters(path, operation);
            add_common_failures(path, operation, writes);
        }
    }
    let webhooks = EventType::ALL.iter().map(|event_type| (event_type.name(), webhook(*event_type))).collect();
    Description { routes, webhooks }
}

/// The same calls, of a version that is named by its group and its number.
fn of_group((path, item): (&String, &PathItem)) -> (String, PathItem) {
    let mut item = item.clone();
    for (operation, _) in operations(&mut item) {
        operation.operation_id = operation.operation_id.take().map(|id| format!("{id}OfGroup"));
        operation.summary = operation.summary.take().map(|summary| format!("{summary}, by its group and number"));
    }
    (path.replace(DATASET, VERSION), item)
}

/// Each operation, and whether it may write.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&mut Operation, bool)> {
    let reading = item.get.iter_mut().map(|operation| (operation, false));
    let writing = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
    reading.chain(writing.into_iter().flatten().map(|operation| (operation, true)))
}

fn tag_of(path: &str) -> &'static str {
    match path.split('/').nth(4) {
        _ if path.contains(VERSION) => "datasets",
        Some("datasets" | "dataset-versions") => "datasets",
        Some("dataset-groups") => "dataset groups",
        Some("webhooks") => "webhooks",
        _ => "service",
    }
}

/// The parameters in paths have the same names and types in all routes.
fn add_path_parameters(path: &str, operation: &mut Operation) {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameters = names.map(|name| {
        let schema = match name {
            "dataset_id" => DatasetId::name(),
            "dataset_group_id" => GroupId::name(),
            "webhook_id" => WebhookId::name(),
            "delivery_id" => DeliveryId::name(),
            "version" => VersionName::name(),
            "label" => LabelName::name(),
            other => panic!("{path} has the parameter {other}, which no one has described"),
        };
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(Ref::from_schema_name(schema)))
            .build()
    });
    let parameters: Vec<_> = parameters.collect();
    if !parameters.is_empty() {
        operation.parameters.get_or_insert_default().splice(0..0, parameters);
    }
}

/// The errors that follow from what an operation has: a key, parameters, a body, a resource in its path.
fn add_common_failures(path: &str, operation: &mut Operation, writes: bool) {
    // The original has no such status.
    let may_be_full = writes && operation.operation_id.as_deref() != Some("createDatasetVersionFromFile");
    let is_open = operation.security.is_some();
    let has_body = operation.request_body.is_some();
    let has_input = has_body || operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    let ends_with = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
    // What is below a dataset is of a version.
    let is_of_dataset = path.contains(DATASET) || path.contains(VERSION);
    let reads_version = !writes && (path.contains("{dataset_id}/") || path.contains("{version}/"));
    let sends = ends_with(&["/test", "/redeliver", "/recover"]);
    let may_repeat = operation.parameters.iter().flatten().any(|parameter| parameter.name == "Idempotency-Key");
    let failures = [
        (has_input, "400", "The request breaks a rule"),
        (!is_open, "401", "The API key is missing or not valid"),
        (path.contains("{dataset_group_id}"), "403", "The dataset group belongs to another workspace"),
        (path.contains("{dataset_group_id}") && !is_of_dataset, "404", "There is no such dataset group"),
        (is_of_dataset, "404", "There is no such dataset"),
        (path.contains("{delivery_id}"), "404", "There is no such webhook or delivery"),
        (path.contains("{webhook_id}"), "404", "There is no such webhook"),
        (reads_version, "409", "A dataset is a draft, failed or is deleted"),
        (is_of_dataset && writes, "409", "The dataset is no version"),
        (sends, "409", "The webhook is disabled"),
        (may_repeat, "409", "The first call with this Idempotency-Key is still running"),
        (may_repeat, "422", "The Idempotency-Key was sent with another body"),
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

/// The call that delivers an event.
fn webhook(event_type: EventType) -> Value {
    let header = |name: &str, description: &str| json!({"name": name, "in": "header", "required": true, "description": description, "schema": {"type": "string"}});
    let details =
        json!({"properties": {"event_type": {"const": event_type.name()}, "details": event_type.details_schema()}});
    json!({"post": {
        "summary": event_type.one(),
        "description": event_type.description(),
        "operationId": event_type.name(),
        "tags": ["events"],
        "security": [],
        "parameters": [
            header("webhook-id", "The id of the delivery: the same for every attempt."),
            header("webhook-timestamp", "When the attempt was made, in seconds."),
            header("webhook-signature", "As Standard Webhooks has it: `v1,` and a signature, for each secret that signs."),
            header("X-PromptLayer-Signature", "The HMAC-SHA256 of the body in hexadecimal, by the newest secret."),
        ],
        "requestBody": {"required": true, "content": {"application/json": {
            "schema": {"allOf": [{"$ref": "#/components/schemas/Event"}, details]},
        }}},
        "responses": {
            "2XX": {"description": "The delivery has been taken"},
            "410": {"description": "The webhook is disabled from now on"},
            "default": {"description": "The delivery is tried again, ten times in all within three days"},
        },
    }})
}

/// The description is kept as a file, so that every change of the API is seen
/// in its review. `UPDATE_OPENAPI=1 cargo test` writes it anew.
#[test]
fn the_description_is_that_of_the_routes() {
    let described = describe(crate::routes::describe());
    let text = serde_json::to_string_pretty(&described).expect("it is JSON") + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write("openapi.json", text).expect("the file can be written");
        return;
    }
    assert!(text == DESCRIPTION, "openapi.json is not current: UPDATE_OPENAPI=1 cargo test writes it");
}

/// The original's description is part of ours.
#[test]
fn the_original_operation_is_described_field_by_field() {
    let described: Value = serde_json::from_str(DESCRIPTION).expect("it is JSON");
    let original: Value = serde_json::from_str(include_str!("openapi/original.json")).expect("it is JSON");
    assert_has(&described, &original, &described, "");
}

/// Calls with query parameters are those that may have some, but for two of the original.
#[test]
fn the_calls_that_take_parameters_are_those_that_describe_some() {
    let described: Value = serde_json::from_str(DESCRIPTION).expect("it is JSON");
    let mut taking = Vec::new();
    for (path, methods) in described["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            if parameters.any(|parameter| parameter["in"] == "query") && !path.contains(VERSION) {
                taking.push((method.to_uppercase(), path.trim_start_matches(crate::query::API).to_owned()));
            }
        }
    }
    let of_the_original = ["/dataset-versions/from-file", "/dataset-groups"].map(|path| ("POST".into(), path.into()));
    taking.extend(of_the_original);
    taking.sort();
    let mut free = crate::query::FREE.map(|(method, path)| (method.to_owned(), path.to_owned()));
    free.sort();
    assert_eq!(taking, free);
}

/// `ours` has every field of `theirs`, and every item of a list in some place.
fn assert_has(ours: &Value, theirs: &Value, root: &Value, at: &str) {
    // A reference may have a description beside it.
    let referred = ours["$ref"].as_str().map(|place| root.pointer(&place[1..]).expect("a reference leads somewhere"));
    match theirs {
        Value::Object(fields) => {
            for (name, field) in fields {
                let ours = ours.get(name).or(referred.and_then(|schema| schema.get(name))).unwrap_or(&Value::Null);
                assert_has(ours, field, root, &format!("{at}/{name}"));
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
