//! Pages of lists.

use crate::error::ApiError;
use serde::de::DeserializeOwned;

/// `page` counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paging {
    pub(super) page: u64,
    pub(super) per_page: u64,
}

pub(super) const MAX_PER_PAGE: u64 = 100;

/// The largest integer that every JSON client can hold.
const MAX_PAGE: u64 = (1 << 53) - 1;

impl Paging {
    pub(super) fn new(page: Option<u64>, per_page: Option<u64>) -> Result<Self, ApiError> {
        let (page, per_page) = (page.unwrap_or(1), per_page.unwrap_or(10));
        if !(1..=MAX_PAGE).contains(&page) {
            return Err(ApiError::bad_request("invalid_parameter", "page must be from 1 to 9007199254740991"));
        }
        if !(1..=MAX_PER_PAGE).contains(&per_page) {
            return Err(ApiError::bad_request("invalid_parameter", "per_page must be from 1 to 100"));
        }
        Ok(Self { page, per_page })
    }

    /// Items before the page.
    pub(super) fn offset(self) -> u64 {
        (self.page - 1).saturating_mul(self.per_page)
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

/// The parameters of a path, as texts: each route knows what they name.
pub(crate) struct Path<T = String>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> axum::extract::FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        // What is no text in UTF-8 names nothing that there is.
        path.map(|path| Self(path.0)).map_err(|_| ApiError::no_such_route())
    }
}

/// Query parameters whose rejection is in the envelope.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> axum::extract::FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|query| Self(query.0)).map_err(|rejection| {
            let text = rejection.body_text();
            let what = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            ApiError::bad_request("invalid_parameter", format!("a query parameter is wrong: {what}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_beyond_the_end_are_empty() {
        let paging = Paging::new(Some(3), Some(2)).unwrap();
        assert_eq!(paging.cut(vec![1, 2, 3, 4, 5]), [5]);
        assert_eq!(paging.pages(5), 3);
        assert!(Paging::new(Some(MAX_PAGE), Some(100)).unwrap().cut(vec![1]).is_empty());
        assert!(Paging::new(Some(MAX_PAGE + 1), None).is_err());
        assert!(Paging::new(Some(0), None).is_err());
        assert!(Paging::new(None, Some(101)).is_err());
    }
}
