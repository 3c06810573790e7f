//! The events that webhooks tell of.
//!
//! A new kind of event is a line in the catalogue and the type of its details.

use crate::dataset::{Column, Failure};
use crate::id::{DatasetId, GroupId, UserId, WorkspaceId};
use crate::label::LabelName;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Makes the enums of the catalogue, which API, command line and console read.
macro_rules! catalogue {
    ($($(#[doc = $doc:literal])+ $kind:ident($details:ty) { name: $name:literal, one: $one:literal, many: $many:literal, is_offered: $is_offered:literal })+) => {
        /// The kinds of events that there are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventType {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $kind,)+
        }

        impl EventType {
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// As `event_type` has it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }

            /// One of them in words.
            pub fn one(self) -> &'static str {
                match self { $(Self::$kind => $one),+ }
            }

            /// All of them in words.
            pub fn many(self) -> &'static str {
                match self { $(Self::$kind => $many),+ }
            }

            /// Whether a webhook can ask for it.
            pub fn is_offered(self) -> bool {
                match self { $(Self::$kind => $is_offered),+ }
            }

            pub fn description(self) -> String {
                match self { $(Self::$kind => concat!($($doc),+).trim().to_owned()),+ }
            }

            pub fn details_schema(self) -> RefOr<Schema> {
                match self { $(Self::$kind => <$details>::schema()),+ }
            }
        }

        /// What an event tells, as it is sent.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Details {
            $($kind($details),)+
        }

        impl Details {
            pub fn event_type(&self) -> EventType {
                match self { $(Self::$kind(_) => EventType::$kind),+ }
            }
        }

        $(impl From<$details> for Details {
            fn from(details: $details) -> Self {
                Self::$kind(details)
            }
        })+
    };
}

catalogue! {
    /// A file has become a version.
    VersionCreated(VersionCreated) {
        name: "dataset_version_created_by_file",
        one: "a version is ready",
        many: "versions that are ready",
        is_offered: true
    }
    /// A file has been refused.
    VersionFailed(VersionFailed) {
        name: "dataset_version_created_by_file_failed",
        one: "a file was refused",
        many: "files that were refused",
        is_offered: true
    }
    /// A label of a dataset group has been put, moved or taken away.
    LabelMoved(LabelMoved) {
        name: "dataset_label_moved",
        one: "a label was moved",
        many: "labels that are moved",
        is_offered: true
    }
    /// Someone tries a webhook. Sent to that one, whatever it asks for.
    Test(Test) { name: "webhook_test", one: "a test", many: "tests", is_offered: false }
}

/// Clients must take a type that they do not know, so the schema names none.
impl PartialSchema for EventType {
    fn schema() -> RefOr<Schema> {
        let names: Vec<_> = Self::ALL.iter().map(|event_type| format!("`{}`", event_type.name())).collect();
        let description = format!("What an event tells of; there may be more one day. {}", names.join(", "));
        ObjectBuilder::new().schema_type(Type::String).description(Some(description)).into()
    }
}

impl ToSchema for EventType {}

/// What a webhook asks for: a type, or `*` for every one that there is and will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EventFilter {
    Every,
    Type(EventType),
}

/// How a webhook asks for every event.
pub const EVERY: &str = "*";

impl EventFilter {
    pub fn name(self) -> &'static str {
        match self {
            Self::Every => EVERY,
            Self::Type(kind) => kind.name(),
        }
    }

    /// What can be asked for.
    pub fn offered() -> impl Iterator<Item = Self> {
        EventType::offered().map(Self::Type).chain([Self::Every])
    }

    /// Whether a webhook that asks for these is told of an event. Who asks for none is told of what the original tells.
    pub fn any_takes(filters: &[Self], event_type: EventType) -> bool {
        let is_asked = |filter: &Self| *filter == Self::Every || *filter == Self::Type(event_type);
        if filters.is_empty() { event_type.is_of_original() } else { filters.iter().any(is_asked) }
    }
}

impl TryFrom<String> for EventFilter {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let kind = EventType::ALL.iter().find(|kind| kind.name() == name);
        match kind {
            _ if name == EVERY => Ok(Self::Every),
            Some(kind) => Ok(Self::Type(*kind)),
            None => Err(format!("unknown event type `{name}`")),
        }
    }
}

impl From<EventFilter> for String {
    fn from(filter: EventFilter) -> Self {
        filter.name().to_owned()
    }
}

impl EventType {
    /// Whether the original tells of it, so that receivers who ask for nothing expect it.
    pub fn is_of_original(self) -> bool {
        matches!(self, Self::VersionCreated | Self::VersionFailed)
    }

    /// What a webhook can ask for.
    pub fn offered() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|kind| kind.is_offered())
    }
}

// The fields of what is signed stand in the alphabetical order of their names: serialization keeps it.

/// The version that a file has become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct VersionCreated {
    pub dataset_id: DatasetId,
    pub dataset_version_number: u64,
}

/// Where a label is now, if it is anywhere, and where it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LabelMoved {
    pub dataset_group_id: GroupId,
    #[schema(required)]
    pub dataset_id: Option<DatasetId>,
    #[schema(required)]
    pub dataset_version_number: Option<u64>,
    pub label: LabelName,
    #[schema(required)]
    pub previous_version_number: Option<u64>,
}

/// Why a file was refused, and where in it. Text is in ASCII, without quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct VersionFailed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<Column>,
    pub dataset_id: DatasetId,
    pub error_code: String,
    pub error_message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
}

impl VersionFailed {
    /// A failure as every verifier can take it.
    pub fn new(dataset_id: DatasetId, failure: &Failure) -> Self {
        Self {
            column: failure.column.clone().map(plain_column),
            dataset_id,
            error_code: failure.code.clone(),
            error_message: plain(&failure.message),
            line: failure.line,
            row: failure.row,
        }
    }
}

/// PromptLayer's published JavaScript verifier rebuilds the body with a
/// regular expression that a quote, `,[` or `,{` inside a string would break.
fn plain(message: &str) -> String {
    let ascii: String = message
        .chars()
        .map(|c| match c {
            '"' | '\\' => '\'',
            ' '..='~' => c,
            _ => '?',
        })
        .collect();
    ascii.replace(",[", ", [").replace(",{", ", {")
}

/// A column's name is the caller's text, so it is told only where it cannot
/// upset a verifier; `failure.column` of the dataset has it in full.
fn plain_column(column: Column) -> Column {
    match column {
        // It also takes what is after or before a quote for its own.
        Column::Name(name) if plain(&name) != name || name.starts_with(':') || name.ends_with(',') => {
            Column::Name("(see the dataset's failure)".into())
        }
        other => other,
    }
}

/// Nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Test {}

/// The body of a webhook.
#[derive(Serialize, ToSchema)]
pub struct Payload<'a> {
    #[schema(value_type = Object)]
    pub details: &'a Details,
    pub event_type: EventType,
    /// UTC, without an offset.
    pub timestamp: String,
    /// Always null: keys have no address.
    #[schema(required)]
    pub user_email: Option<&'a str>,
    pub user_id: UserId,
    /// Always null: keys have no name.
    #[schema(required)]
    pub user_name: Option<&'a str>,
    pub workspace_id: WorkspaceId,
}
