//! The types of the API: what is asked, what is answered, and what webhooks tell.
//!
//! The handlers serve them, the client reads them, and the description of the API is made of them. So a
//! field, an error code, a limit or the name of an event stands here, once.

#![allow(unused_qualifications, reason = "the derive of schemas writes them")]

pub mod address;
pub mod annotations;
mod bounded;
mod canonical;
pub mod dataset;
pub mod delivery;
pub mod dialect;
mod error;
pub mod event;
mod format;
pub mod group;
pub mod id;
pub mod label;
pub mod limits;
pub mod notice;
pub mod preview;
pub mod rows;
pub mod schema;
mod time;
pub mod upload;
pub mod webhook;
mod words;

pub use bounded::{PageNumber, PerPage};
pub use canonical::canonical;
pub use error::{ErrorCode, ErrorResponse, FailureCode};
pub use format::Format;
pub use time::Time;
pub use words::in_words;

/// The schemas that parameters and other schemas refer to by name.
pub fn shared_schemas() -> Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)> {
    use utoipa::{PartialSchema, ToSchema};
    fn named<T: ToSchema>() -> (String, utoipa::openapi::RefOr<utoipa::openapi::Schema>) {
        (T::name().into_owned(), <T as PartialSchema>::schema())
    }
    vec![
        named::<id::DatasetId>(),
        named::<id::GroupId>(),
        named::<id::WorkspaceId>(),
        named::<id::UserId>(),
        named::<id::WebhookId>(),
        named::<id::DeliveryId>(),
        named::<address::VersionName>(),
        named::<label::LabelName>(),
        named::<annotations::Description>(),
        named::<annotations::Tag>(),
        named::<ErrorResponse>(),
    ]
}
