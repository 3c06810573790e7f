//! Compiles JSON Schemas (2020-12).
//!
//! It is a crate of its own so that it is optimized like `jsonschema`, and shares the code of the keywords with it:
//! another crate that compiled a schema would have each keyword once more, a megabyte of them.

use jsonschema::{Draft, PatternOptions, ValidationError, ValidationOptions, Validator, ValidatorMap};
use serde_json::Value;

/// How large a pattern may be once it is compiled, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Compiles a schema. Nothing is fetched.
///
/// # Errors
/// What is no schema in it.
pub fn compile(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    options().build(schema)
}

/// Compiles a schema, and each that is within it.
///
/// # Errors
/// What is no schema in it.
pub fn compile_each(schema: &Value) -> Result<ValidatorMap, ValidationError<'static>> {
    options().build_map(schema)
}

fn options() -> ValidationOptions<'static> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN_BYTES))
}
