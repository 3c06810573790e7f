//! The value of one row in one column.

use crate::error::{Error, Result};
use dataset_types::rows::CellValue;
use serde_json::value::RawValue;
use std::cmp::Ordering;

/// A [`CellValue`] where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) enum CellRef<'a> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    Text(&'a str),
    Json(&'a str),
}

impl CellRef<'_> {
    pub(super) fn to_cell(self) -> Result<CellValue> {
        Ok(match self {
            Self::Null => CellValue::Null,
            Self::Bool(value) => CellValue::Bool(value),
            Self::Int(value) => CellValue::Int(value),
            Self::UInt(value) => CellValue::UInt(value),
            Self::Double(value) => CellValue::Double(value),
            Self::Text(text) => CellValue::Text(text.to_owned()),
            Self::Json(text) => CellValue::Json(RawValue::from_string(text.to_owned()).map_err(unreadable)?),
        })
    }

    /// Appends the value as JSON on one line.
    pub(super) fn write_json(self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
            Self::Int(value) => serde_json::to_writer(out, &value).map_err(unreadable)?,
            Self::UInt(value) => serde_json::to_writer(out, &value).map_err(unreadable)?,
            Self::Double(value) => serde_json::to_writer(out, &value).map_err(unreadable)?,
            Self::Text(text) => serde_json::to_writer(out, text).map_err(unreadable)?,
            // A line break in JSON is never within a string.
            Self::Json(text) => {
                out.extend(text.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
            }
        }
        Ok(())
    }

    /// Appends the value as a cell of CSV has it, without quotes: null is empty, and what is nested is in JSON.
    pub(super) fn write_csv(self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Null => Ok(()),
            Self::Text(text) | Self::Json(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            other => other.write_json(out),
        }
    }

    /// Whether it is the same value. What is nested is the same if it was written alike.
    pub(super) fn is(self, cell: &CellValue) -> bool {
        match (self, cell) {
            (Self::Null, CellValue::Null) => true,
            (Self::Bool(value), CellValue::Bool(other)) => value == *other,
            (Self::Int(value), CellValue::Int(other)) => value == *other,
            (Self::UInt(value), CellValue::UInt(other)) => value == *other,
            (Self::Double(value), CellValue::Double(other)) => value == *other,
            (Self::Text(text), CellValue::Text(other)) => text == other,
            (Self::Json(text), CellValue::Json(other)) => text == other.get(),
            _ => false,
        }
    }

    /// How it compares with another number of its column. Others compare with nothing.
    pub(super) fn compare(self, number: &CellValue) -> Option<Ordering> {
        match (self, number) {
            (Self::Int(value), CellValue::Int(other)) => Some(value.cmp(other)),
            (Self::UInt(value), CellValue::UInt(other)) => Some(value.cmp(other)),
            (Self::Double(value), CellValue::Double(other)) => value.partial_cmp(other),
            _ => None,
        }
    }

    /// The memory that it takes, more or less.
    pub(super) fn bytes(self) -> usize {
        let text = match self {
            Self::Text(text) | Self::Json(text) => text.len(),
            _ => 0,
        };
        size_of::<CellValue>() + text
    }
}

pub(super) fn unreadable(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Parquet(what.into())
}
