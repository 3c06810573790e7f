//! Files on their way in, and versions on their way out.

use crate::annotations::{Description, Metadata, Tags, or_nothing};
use crate::dialect::Dialect;
use crate::id::{DatasetId, GroupId, Whole};
use crate::limits::{MAX_FILE_BYTES, MAX_FILE_NAME_CHARS, MAX_IDEMPOTENCY_KEY_CHARS};
use crate::{Format, Time};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use strum::{IntoStaticStr, VariantNames};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::{IntoParams, ToSchema};

/// A file, and the group that it goes to.
// It is borrowed from the body: the file's text is never copied.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(expecting = "a JSON object")]
pub struct FromFile<'a> {
    /// ID of the dataset group where the new version will be created
    pub dataset_group_id: GroupId,
    #[serde(borrow)]
    #[schema(schema_with = file_name)]
    pub file_name: Cow<'a, str>,
    #[serde(borrow)]
    #[schema(schema_with = base64)]
    pub file_content_base64: &'a RawValue,
    /// How the file is written; what is not said is found out. It replaces all that the group says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub description: Option<Description>,
    #[serde(default, skip_serializing_if = "Tags::is_empty", deserialize_with = "or_nothing")]
    #[schema(required = false)]
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Metadata::is_empty", deserialize_with = "or_nothing")]
    #[schema(required = false)]
    pub metadata: Metadata,
}

pub(crate) fn file_name() -> Object {
    // No separators of paths, no control characters, and none that turn text around.
    let harmless = r"[^/\\\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]";
    let extensions = Format::extensions();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(format!("Name of the file being uploaded (must end with {extensions})")))
        .min_length(Some(1))
        .max_length(Some(MAX_FILE_NAME_CHARS))
        .pattern(Some(format!(r"^{harmless}+\.{}$", Format::pattern())))
        .build()
}

/// With a line break wherever an encoder may put one.
pub(crate) fn base64() -> Object {
    let symbol = r"[A-Za-z0-9+/][\r\n]*";
    let pad = r"=[\r\n]*";
    let one_byte = format!(r"{symbol}[AQgw][\r\n]*{pad}{pad}");
    let two_bytes = format!(r"({symbol}){{2}}[AEIMQUYcgkosw048][\r\n]*{pad}");
    let names = Format::names("and").replace(" and ", ", ");
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(format!(
            "Base64 encoded content of the file. Maximum file size: 100MB. Supported formats: {names}"
        )))
        .min_length(Some(1))
        .content_encoding("base64")
        .pattern(Some(format!(r"^[\r\n]*(({symbol}){{4}})*(({symbol}){{4}}|{one_byte}|{two_bytes})$")))
        .build()
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionQueued {
    pub success: bool,
    pub message: String,
    /// ID of the created draft dataset
    pub dataset_id: DatasetId,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct FromUpload {
    pub dataset_group_id: GroupId,
    #[schema(schema_with = file_name)]
    pub file_name: String,
    #[schema(schema_with = file_size)]
    pub file_size: Whole,
    /// The SHA-256 of the file in base64. Where it is given, no other file is stored.
    #[schema(min_length = 44, max_length = 44, pattern = "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
    pub checksum_sha256: Option<String>,
    /// How the file is written; what is not said is found out. It replaces all that the group says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub description: Option<Description>,
    #[serde(default, skip_serializing_if = "Tags::is_empty", deserialize_with = "or_nothing")]
    #[schema(required = false)]
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Metadata::is_empty", deserialize_with = "or_nothing")]
    #[schema(required = false)]
    pub metadata: Metadata,
}

fn file_size() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some("The length of the file in bytes: exactly as many can be sent to the URL."))
        .minimum(Some(1.0))
        .maximum(Some(MAX_FILE_BYTES as f64))
        .build()
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadAwaited {
    pub success: bool,
    pub message: String,
    /// The draft that waits for the file.
    pub dataset_id: DatasetId,
    pub upload: UploadRequest,
}

/// The request that stores the file, but for its body: the file as it is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadRequest {
    #[schema(value_type = String)]
    pub method: Cow<'static, str>,
    pub url: String,
    /// To be sent exactly as they are.
    pub headers: BTreeMap<String, String>,
    /// Until when the URL is good. Without a file by then the draft fails with `upload_expired`.
    pub expires_at: Time,
}

/// The header `Idempotency-Key` of a call that creates something.
pub struct IdempotencyKeyHeader;

impl IntoParams for IdempotencyKeyHeader {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let key = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX_IDEMPOTENCY_KEY_CHARS))
            .pattern(Some("^[!-~]+$"));
        let description =
            "For 24 hours the same key with the same body gives the first answer again and creates nothing.";
        let header = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(utoipa::openapi::Required::False)
            .description(Some(description))
            .schema(Some(key));
        vec![header.build()]
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Download {
    #[serde(default)]
    #[param(inline, required = false)]
    pub format: DownloadFormat,
    /// With `false` the URL is told in the answer, for programs that would follow a redirect with the key.
    #[serde(default = "yes")]
    #[param(default = true, required = false)]
    pub redirect: bool,
}

fn yes() -> bool {
    true
}

#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantNames,
    strum::EnumString,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DownloadFormat {
    #[default]
    Parquet,
    /// The file as it was uploaded.
    Source,
    Csv,
    Jsonl,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Link {
    pub success: bool,
    pub message: String,
    /// Serves the file for 15 minutes.
    pub url: String,
}
