//! Pages of lists.

use crate::body::shortened;
use crate::error::ApiError;
use dataset_core::ErrorCode;
use dataset_types::{PageNumber, PerPage};
use serde::de::DeserializeOwned;

/// A list looks at so many items, however many there are.
pub(crate) const LOOKED_AT: usize = 10_000;

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paging {
    page: u64,
    per_page: u64,
}

impl Paging {
    pub(super) fn new(page: PageNumber, per_page: PerPage) -> Self {
        Self { page: page.get(), per_page: per_page.get() }
    }

    /// Items before the page.
    pub(super) fn offset(self) -> u64 {
        (self.page - 1).saturating_mul(self.per_page)
    }

    /// Items up to the end of the page, if it begins among those that a list looks at.
    pub(super) fn end(self) -> Option<usize> {
        let offset = usize::try_from(self.offset()).ok().filter(|offset| *offset < LOOKED_AT)?;
        Some(offset + usize::try_from(self.per_page).ok()?)
    }

    pub(super) fn pages(self, total: u64) -> u64 {
        total.div_ceil(self.per_page)
    }

    pub(super) fn cut<T>(self, items: Vec<T>) -> Vec<T> {
        let skip = usize::try_from(self.offset()).unwrap_or(usize::MAX);
        let take = usize::try_from(self.per_page).unwrap_or(usize::MAX);
        items.into_iter().skip(skip).take(take).collect()
    }
}

/// The parameters of a path, as text.
pub(crate) struct Path<T = String>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> axum::extract::FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        // A path that is not UTF-8 names nothing.
        path.map(|path| Self(path.0)).map_err(|_| ApiError::no_such_route())
    }
}

/// Query parameters, rejected in the envelope of errors.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> axum::extract::FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|query| Self(query.0)).map_err(|rejection| {
            let text = rejection.body_text();
            let what = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            let what = &what.replace("invalid digit found in string", "it must be a whole number");
            ApiError::new(ErrorCode::InvalidParameter, format!("a query parameter is wrong: {}", shortened(what)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataset_types::limits::MAX_SAFE_INTEGER;

    #[test]
    fn pages_beyond_the_end_are_empty() {
        let paging = |page: u64, per_page: u64| Paging::new(page.try_into().unwrap(), per_page.try_into().unwrap());
        assert_eq!(paging(3, 2).cut(vec![1, 2, 3, 4, 5]), [5]);
        assert_eq!(paging(3, 2).pages(5), 3);
        assert!(paging(MAX_SAFE_INTEGER, 100).cut(vec![1]).is_empty());
        assert!(PageNumber::try_from(MAX_SAFE_INTEGER + 1).is_err());
        assert!(PageNumber::try_from(0).is_err());
        assert!(PerPage::try_from(101).is_err());
    }
}
