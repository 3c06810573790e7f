//! What is said of how a file is written.

use crate::error::ApiError;
use dataset_core::ErrorCode;
use dataset_types::dialect::Dialect;
use dataset_types::{Format, in_words};

/// What holds for a file: what the request says, or else what the group says.
pub(super) fn of(said: Option<Dialect>, of_group: &Dialect, format: Format) -> Result<Dialect, ApiError> {
    let Some(said) = said else { return Ok(of_group.only_for(format)) };
    match &said.words_of_others(format)[..] {
        [] => Ok(said),
        words => {
            let words = in_words(words.iter().copied(), "and");
            let message = format!("dialect says {words}, which a {} file does not have; leave that out", format.name());
            Err(ApiError::new(ErrorCode::InvalidRequest, message))
        }
    }
}
