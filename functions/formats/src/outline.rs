//! What a Parquet file that we wrote says for ourselves, in its footer, under a
//! key that other readers pass over: which columns are JSON, and where in the
//! footer the metadata of each row group is. So it can be read without that of
//! the others: of 4,096 columns, each row group has a fifth of a megabyte.
//!
//! It comes behind the row groups, so that it is near the end of the file.

use crate::thrift::{self, Type};
use memchr::memmem;
use parquet::file::metadata::FileMetaData;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// All places are counted from the start of the footer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outline {
    /// Columns of text that is JSON, by their index.
    pub(crate) json_columns: Vec<u32>,
    /// The schema is in the bytes before this one.
    pub(crate) schema_end: usize,
    pub(crate) groups: Vec<GroupOutline>,
}

/// A row group: its rows, and where its metadata is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u64, usize, usize)", from = "(u64, usize, usize)")]
pub(crate) struct GroupOutline {
    pub(crate) rows: u64,
    pub(crate) bytes: Range<usize>,
}

impl Outline {
    pub(crate) const KEY: &str = "dataset-versions.outline";

    /// As it is kept, if it says anything that is not plain without it.
    pub(crate) fn to_json(&self) -> Option<String> {
        let says_something = !self.json_columns.is_empty() || self.groups.len() > 1;
        says_something.then(|| serde_json::to_string(self).ok()).flatten()
    }

    /// The outline of a footer that has been read.
    pub(crate) fn of(footer: &FileMetaData) -> Option<Self> {
        let pair = footer.key_value_metadata()?.iter().find(|pair| pair.key == Self::KEY)?;
        serde_json::from_str(pair.value.as_deref()?).ok()
    }

    /// Finds the outline in the last bytes of a footer, if it has one.
    pub(crate) fn find(footer_end: &[u8]) -> Option<Self> {
        // A column may be called like the key, but its name comes before.
        let key = memmem::rfind(footer_end, Self::KEY.as_bytes())?;
        let value = thrift::read_binary_field(&footer_end[key + Self::KEY.len()..])?;
        serde_json::from_slice(value).ok()
    }

    /// A footer of some of the row groups: the bytes of the schema, and those
    /// of the metadata of each of these groups.
    pub(crate) fn excerpt(schema: &[u8], rows: u64, groups: &[&[u8]]) -> Vec<u8> {
        let mut footer = schema.to_vec();
        thrift::write_fields_behind(&mut footer, 2, |file| {
            file.i64(3, rows.cast_signed());
            file.list(4, Type::Struct, groups.iter(), |out, group| out.extend_from_slice(group));
        });
        footer
    }
}

impl From<GroupOutline> for (u64, usize, usize) {
    fn from(GroupOutline { rows, bytes }: GroupOutline) -> Self {
        (rows, bytes.start, bytes.end)
    }
}

impl From<(u64, usize, usize)> for GroupOutline {
    fn from((rows, start, end): (u64, usize, usize)) -> Self {
        Self { rows, bytes: start..end }
    }
}
