//! Schemas of what the domain checks, made of what it says.

use dataset_core::upload::{Format, MAX_FILE_NAME_CHARS};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

pub(super) fn file_name() -> Object {
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
