//! What a Parquet file that we wrote says for ourselves, in its footer, under a key that other readers pass
//! over: which columns are JSON, and where in the footer the metadata of each row group is. So it can be read
//! without that of the others: of 4,096 columns, each row group has a fifth of a megabyte.
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

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The outline of a footer that has been read.
    pub(crate) fn of(footer: &FileMetaData) -> Option<Self> {
        let pair = footer.key_value_metadata()?.iter().find(|pair| pair.key == Self::KEY)?;
        serde_json::from_str(pair.value.as_deref()?).ok()
    }

    /// Finds the outline in the last bytes of a footer of so many, if it has one.
    pub(crate) fn find(footer_end: &[u8], footer_bytes: u64) -> Option<Self> {
        // A column may be called like the key, but its name comes before.
        let key = memmem::rfind(footer_end, Self::KEY.as_bytes())?;
        let value = thrift::read_binary_field(&footer_end[key + Self::KEY.len()..])?;
        let outline: Self = serde_json::from_slice(value).ok()?;
        // In a file of a release that wrote none, it may be a name all the same.
        let mut end = outline.schema_end;
        let is_sound = outline.groups.iter().all(|group| {
            let is_behind = group.bytes.start >= end && group.bytes.end > group.bytes.start;
            end = group.bytes.end;
            is_behind
        });
        (is_sound && !outline.groups.is_empty() && end as u64 <= footer_bytes).then_some(outline)
    }

    /// A footer of some of the row groups: the bytes of the schema, and those
    /// of the metadata of each of these groups.
    pub(crate) fn excerpt(schema: &[u8], rows: u64, groups: &[&[u8]]) -> Vec<u8> {
        let mut footer = schema.to_vec();
        thrift::write_open_struct(&mut footer, 2, |file| {
            file.i64(3, rows.cast_signed());
            file.list(4, Type::Struct, groups.iter(), |out, group| out.extend_from_slice(group));
        });
        footer.push(0);
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
