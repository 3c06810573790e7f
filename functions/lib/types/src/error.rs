//! Error codes of answers and of failures.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Error response format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorResponse {
    /// Indicates that the request failed.
    #[schema(default = false)]
    pub success: bool,
    /// Error message explaining why the request failed.
    pub error: String,
    /// A stable word for programs.
    #[serde(default)]
    #[schema(schema_with = ErrorCode::schema, required = false)]
    pub code: String,
}

impl ErrorResponse {
    pub fn new(code: ErrorCode, message: String) -> Self {
        Self { success: false, error: message, code: code.name().to_owned() }
    }

    /// `None` for the code of a newer service.
    pub fn code(&self) -> Option<ErrorCode> {
        self.code.parse().ok()
    }
}

macro_rules! error_codes {
    ($($status:literal { $($code:ident)+ })+) => {
        /// Why a call was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
        #[strum(serialize_all = "snake_case")]
        pub enum ErrorCode {
            $($($code,)+)+
        }

        impl ErrorCode {
            /// The HTTP status that it goes with.
            pub fn status(self) -> u16 {
                match self { $($(Self::$code)|+ => $status,)+ }
            }
        }
    };
}

error_codes! {
    400 {
        EmptyFile
        ExportTooLarge
        FileTooLarge
        IncompleteBody
        InvalidBase64
        InvalidChecksum
        InvalidFileName
        InvalidIdempotencyKey
        InvalidJson
        InvalidName
        InvalidParameter
        InvalidRequest
        InvalidSchema
        InvalidUrl
        KeyNotFound
        KeyNotUnique
        // The original answers a name that is taken with 400.
        NameTaken
        PageTooFar
        PageTooLarge
        TooManyWebhooks
        UnsupportedFileType
    }
    401 { InvalidApiKey }
    403 { AccessDenied NotSigned OriginNotAllowed }
    404 { DatasetGroupNotFound DatasetNotFound DeliveryNotFound LabelNotFound RouteNotFound SchemaNotFound WebhookNotFound }
    405 { MethodNotAllowed }
    409 {
        DatasetDeleted
        DatasetFailed
        DatasetGroupDeleted
        DatasetLabelled
        DatasetNotReady
        IdempotencyInProgress
        LabelMoved
        NotAVersion
        SchemaChanged
        StatusChanged
        WebhookDisabled
    }
    413 { BodyTooLarge }
    415 { UnsupportedContentEncoding UnsupportedMediaType }
    421 { HostNotAllowed }
    422 { IdempotencyKeyReused }
    429 { TooManyRequests }
    500 { InternalError }
    504 { TakesTooLong }
    507 { StorageFull }
}

impl ErrorCode {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Clients must take a code that they do not know, so the schema names none.
impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        let names: Vec<_> = Self::VARIANTS.iter().map(|code| format!("`{}`", code.name())).collect();
        let description = format!("A stable word for programs; there may be more one day. {}", names.join(", "));
        ObjectBuilder::new().schema_type(Type::String).description(Some(description)).into()
    }
}

impl ToSchema for ErrorCode {}

/// Why a file did not become a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum FailureCode {
    AmbiguousDialect,
    #[strum(serialize = "base64_in_file")]
    Base64InFile,
    BareQuote,
    DuplicateKey,
    EmptyColumnName,
    EmptyFile,
    #[strum(serialize = "invalid_utf16")]
    InvalidUtf16,
    #[strum(serialize = "invalid_utf8")]
    InvalidUtf8,
    InvalidJson,
    JsonInCsv,
    LoneCr,
    LoneSurrogate,
    NoColumns,
    NoRows,
    NoSuchRows,
    NotAnArray,
    NotStrict,
    NulByte,
    ProcessingFailed,
    RowNotAnObject,
    RowTooLarge,
    SchemaViolation,
    SingleObject,
    TableByColumns,
    TextAfterArray,
    TextAfterQuote,
    TooDeep,
    TooFewFields,
    TooManyCells,
    TooManyColumns,
    TooManyFields,
    Truncated,
    UnsupportedContent,
    UnsupportedEncoding,
    UnterminatedQuote,
    UploadExpired,
    WebPage,
    Withdrawn,
}

impl FailureCode {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_names_that_clients_know() {
        assert_eq!(ErrorCode::InvalidBase64.name(), "invalid_base64");
        assert_eq!(ErrorCode::NotAVersion.name(), "not_a_version");
        assert_eq!(FailureCode::InvalidUtf8.name(), "invalid_utf8");
        assert_eq!("storage_full".parse(), Ok(ErrorCode::StorageFull));
        let answer: ErrorResponse = serde_json::from_str(r#"{"success":false,"error":"e","code":"newer"}"#).unwrap();
        assert_eq!((answer.code(), answer.code.as_str()), (None, "newer"));
    }
}
