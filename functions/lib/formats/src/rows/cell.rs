//! The value of one row in one column.

use crate::error::{Error, Result};
use crate::writer::ColumnType;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::extension::{EXTENSION_TYPE_NAME_KEY, ExtensionType, Json};
use arrow_schema::{DataType, Field};
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

/// A column of some rows.
#[derive(Clone, Copy)]
pub(super) enum Column<'a> {
    Bool(&'a BooleanArray),
    Int(&'a Int64Array),
    UInt(&'a UInt64Array),
    Double(&'a Float64Array),
    Text(&'a StringArray),
    Json(&'a StringArray),
}

impl<'a> Column<'a> {
    /// The columns of a batch, in order.
    pub(super) fn all(batch: &'a RecordBatch) -> Result<Vec<Self>> {
        let fields = batch.schema_ref().fields();
        batch.columns().iter().zip(fields).map(|(array, field)| Self::of(array, field)).collect()
    }

    fn of(array: &'a dyn Array, field: &Field) -> Result<Self> {
        Ok(match kind_of(field)? {
            ColumnType::Bool => Self::Bool(array.as_boolean()),
            ColumnType::Int => Self::Int(array.as_primitive::<Int64Type>()),
            ColumnType::UInt => Self::UInt(array.as_primitive::<UInt64Type>()),
            ColumnType::Double => Self::Double(array.as_primitive::<Float64Type>()),
            ColumnType::Text => Self::Text(array.as_string()),
            ColumnType::Json => Self::Json(array.as_string()),
        })
    }

    pub(super) fn cell(self, row: usize) -> CellRef<'a> {
        let array: &dyn Array = match self {
            Self::Bool(array) => array,
            Self::Int(array) => array,
            Self::UInt(array) => array,
            Self::Double(array) => array,
            Self::Text(array) | Self::Json(array) => array,
        };
        if array.is_null(row) {
            return CellRef::Null;
        }
        match self {
            Self::Bool(array) => CellRef::Bool(array.value(row)),
            Self::Int(array) => CellRef::Int(array.value(row)),
            Self::UInt(array) => CellRef::UInt(array.value(row)),
            Self::Double(array) => CellRef::Double(array.value(row)),
            Self::Text(array) => CellRef::Text(array.value(row)),
            Self::Json(array) => CellRef::Json(array.value(row)),
        }
    }
}

/// The type of a column.
pub(super) fn kind_of(field: &Field) -> Result<ColumnType> {
    let is_json = field.metadata().get(EXTENSION_TYPE_NAME_KEY).is_some_and(|name| name == Json::NAME);
    Ok(match field.data_type() {
        DataType::Boolean => ColumnType::Bool,
        DataType::Int64 => ColumnType::Int,
        DataType::UInt64 => ColumnType::UInt,
        DataType::Float64 => ColumnType::Double,
        DataType::Utf8 if is_json => ColumnType::Json,
        DataType::Utf8 => ColumnType::Text,
        other => return Err(unreadable(format!("a column of type {other}"))),
    })
}

pub(super) fn unreadable(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Parquet(what.into())
}
