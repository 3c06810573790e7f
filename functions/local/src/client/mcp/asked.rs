//! What the tools are asked.

use dataset_types::dataset::StatusFilter;
use rmcp::schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use strum::VariantNames;

/// A name or an id, which may be sent as a number.
#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(from = "TextOrNumber")]
pub(super) struct Named(pub(super) String);

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Number(u64),
}

impl From<TextOrNumber> for Named {
    fn from(name: TextOrNumber) -> Self {
        Self(match name {
            TextOrNumber::Text(text) => text,
            TextOrNumber::Number(number) => number.to_string(),
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct GroupsAsked {
    /// Groups that have this in their name, in any case.
    pub(super) name: Option<String>,
    /// To go on: `next_after` of the answer before.
    pub(super) after: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct VersionsAsked {
    /// The id or the name of a group; without it, those of all groups.
    pub(super) group: Option<Named>,
    /// `active` (versions and drafts, which is the default), `draft`, `ready`, `failed`, `deleted` or `all`.
    #[schemars(extend("enum" = StatusFilter::VARIANTS))]
    pub(super) status: Option<String>,
    /// Those that have this tag.
    pub(super) tag: Option<String>,
    /// Those whose metadata has all of this.
    pub(super) metadata: Option<Map<String, Value>>,
    /// To go on: `next_up_to_id` of the answer before.
    pub(super) up_to_id: Option<u64>,
    /// How many, at most 100; 20 without it.
    #[schemars(range(min = 1, max = 100))]
    pub(super) per_page: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct VersionAsked {
    /// A dataset id, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
    pub(super) version: Named,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct RowsAsked {
    /// A dataset id, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
    pub(super) version: Named,
    /// Counts from 1.
    #[schemars(range(min = 1))]
    pub(super) page: Option<u64>,
    /// How many, at most 100; 10 without it.
    #[schemars(range(min = 1, max = 100))]
    pub(super) per_page: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct SearchAsked {
    /// A dataset id, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
    pub(super) version: Named,
    /// What rows must have in some cell, in any case.
    pub(super) text: String,
    /// To go on where a search stopped: `searched_to_row` of an answer that is not complete.
    pub(super) after_row: Option<u64>,
    /// Counts from 1.
    #[schemars(range(min = 1))]
    pub(super) page: Option<u64>,
    /// How many, at most 100; 10 without it.
    #[schemars(range(min = 1, max = 100))]
    pub(super) per_page: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct VersionsCompared {
    /// The older one: a dataset id, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
    pub(super) old: Named,
    /// The newer one.
    pub(super) new: Named,
    /// A column that tells rows apart, such as an id; without it a changed row is one removed and one added.
    pub(super) key: Option<String>,
    /// How many rows of each sort to show, at most 100; 10 without it.
    #[schemars(range(max = 100))]
    pub(super) examples: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct FileChecked {
    /// A CSV or JSON file on this machine, from the directory that the server was given.
    pub(super) path: String,
    /// The id or the name of a group by whose schema its rows are checked.
    pub(super) group: Option<Named>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct FilePushed {
    /// A CSV or JSON file on this machine, from the directory that the server was given.
    pub(super) path: String,
    /// The id or the name of the group that gets the version.
    pub(super) group: Named,
    /// Text for people, of at most 1,000 characters.
    pub(super) description: Option<String>,
    /// Words to find it by; 20 at most.
    pub(super) tags: Option<Vec<String>>,
    /// Of at most 4,096 bytes as JSON.
    pub(super) metadata: Option<Map<String, Value>>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct LabelMoved {
    /// A lower-case word such as `prod`.
    pub(super) label: String,
    /// The version that gets it: a dataset id, or GROUP@NUMBER, GROUP@LABEL or GROUP@latest.
    pub(super) version: Named,
    /// Only if it is at the version of this number; 0 if it is to be at none.
    pub(super) expected: Option<u64>,
}
