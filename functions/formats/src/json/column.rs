//! A typed column in the making.

use super::scan::{Kind, Value, unescape};
use super::types::Type;
use crate::error::{Error, Result};
use crate::text::TextColumn;
use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, UInt64Builder};
use arrow_array::{Array, ArrayRef};
use std::str::FromStr;
use std::sync::Arc;

pub(super) enum Column {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    UInt(UInt64Builder),
    Double(Float64Builder),
    Text(TextColumn),
    Json(TextColumn),
}

impl Column {
    pub(super) fn new(kind: Type) -> Self {
        match kind {
            Type::Bool => Column::Bool(BooleanBuilder::new()),
            Type::Int => Column::Int(Int64Builder::new()),
            Type::UInt => Column::UInt(UInt64Builder::new()),
            Type::Double => Column::Double(Float64Builder::new()),
            Type::Text => Column::Text(TextColumn::new()),
            Type::Json => Column::Json(TextColumn::new()),
        }
    }

    pub(super) fn push(&mut self, value: &Value<'_>) -> Result<()> {
        if value.is_null() {
            self.push_null();
            return Ok(());
        }
        match (self, value.kind) {
            (Column::Bool(column), Kind::Bool(value)) => column.append_value(value),
            (Column::Int(column), Kind::Number) => column.append_value(parse(value.raw)?),
            (Column::UInt(column), Kind::Number) => column.append_value(parse(value.raw)?),
            (Column::Double(column), Kind::Number) => column.append_value(parse(value.raw)?),
            (Column::Text(column), Kind::String { escaped: false }) => {
                column.push(&value.raw[1..value.raw.len() - 1]);
            }
            (Column::Text(column), Kind::String { escaped: true }) => {
                unescape(value.raw, column.cell());
                column.end_cell();
            }
            (Column::Json(column), _) => column.push(value.raw),
            _ => return Err(super::changed()),
        }
        Ok(())
    }

    /// Fills up with nulls to so many cells.
    pub(super) fn pad(&mut self, cells: usize) {
        for _ in self.len()..cells {
            self.push_null();
        }
    }

    fn push_null(&mut self) {
        match self {
            Column::Bool(column) => column.append_null(),
            Column::Int(column) => column.append_null(),
            Column::UInt(column) => column.append_null(),
            Column::Double(column) => column.append_null(),
            Column::Text(column) | Column::Json(column) => column.push_null(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Column::Bool(column) => arrow_array::builder::ArrayBuilder::len(column),
            Column::Int(column) => column.values_slice().len(),
            Column::UInt(column) => column.values_slice().len(),
            Column::Double(column) => column.values_slice().len(),
            Column::Text(column) | Column::Json(column) => column.len(),
        }
    }

    pub(super) fn text(&self) -> Option<&TextColumn> {
        match self {
            Column::Text(column) | Column::Json(column) => Some(column),
            _ => None,
        }
    }

    /// The cells as an array; the column starts anew.
    pub(super) fn finish(&mut self) -> Result<ArrayRef> {
        Ok(match self {
            Column::Bool(column) => Arc::new(column.finish()) as Arc<dyn Array>,
            Column::Int(column) => Arc::new(column.finish()),
            Column::UInt(column) => Arc::new(column.finish()),
            Column::Double(column) => Arc::new(column.finish()),
            Column::Text(column) | Column::Json(column) => Arc::new(column.finish()?),
        })
    }
}

fn parse<T: FromStr>(raw: &[u8]) -> Result<T, Error> {
    std::str::from_utf8(raw).ok().and_then(|text| text.parse().ok()).ok_or_else(super::changed)
}
