//! The metadata of a stored Parquet file, read as needed.
//!
//! A small footer is read at once. Of a large one, the schema is read first, and the
//! metadata of a row group when its rows are wanted.

use super::cell;
use super::reader::{Ranges, Reader, unreadable};
use crate::error::{Error, Result};
use crate::outline::{GroupOutline, Outline};
use crate::writer::ColumnType;
use bytes::Bytes;
use parquet::basic::{ConvertedType, Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a file's end that are read first: more than nearly all footers have.
const TAIL_BYTES: u64 = 128 << 10;

/// Behind the footer: its length, and what every Parquet file ends with.
const END_BYTES: u64 = 8;

#[derive(Debug)]
pub(super) struct Stored<F> {
    file: Arc<F>,
    fields: Vec<Field>,
    rows: u64,
    sections: Vec<Section>,
    /// The bytes of the schema, where sections are to be read yet.
    schema: Bytes,
}

/// What a column is.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: ColumnType,
    pub(super) is_nullable: bool,
}

/// Row groups one after another, whose metadata is read together.
#[derive(Clone, Debug)]
struct Section {
    rows: Range<u64>,
    metadata: Metadata,
}

#[derive(Clone, Debug)]
enum Metadata {
    Read(Arc<ParquetMetaData>),
    /// In these bytes of the file.
    At(Range<u64>),
}

/// A section whose metadata has been read.
pub(super) struct Opened<F> {
    /// Its rows, counted from the start of the file.
    pub(super) rows: Range<u64>,
    pub(super) reader: Reader<F>,
}

impl<F: Ranges> Stored<F> {
    pub(super) async fn open(file: F) -> Result<Self> {
        let (tail, length) = file.read_tail(TAIL_BYTES).await?;
        let (end, footer_bytes) = footer_bytes(&tail, length)?;
        if footer_bytes > end.len() as u64
            && let Some(outline) = Outline::find(end, footer_bytes)
        {
            return Self::open_in_parts(file, length - END_BYTES - footer_bytes, &outline).await;
        }
        let metadata = read_whole(&file, tail, length).await?;
        let about = metadata.file_metadata();
        let rows = u64::try_from(about.num_rows()).unwrap_or(0);
        let json_columns = Outline::of(about).map_or(vec![], |outline| outline.json_columns);
        let fields = fields(about.schema_descr(), &json_columns)?;
        let sections = vec![Section { rows: 0..rows, metadata: Metadata::Read(Arc::new(metadata)) }];
        Ok(Self { file: Arc::new(file), fields, rows, sections, schema: Bytes::new() })
    }

    /// Reads the schema alone of a footer that starts at `footer_at`.
    async fn open_in_parts(file: F, footer_at: u64, outline: &Outline) -> Result<Self> {
        let place = |bytes: &Range<usize>| footer_at + bytes.start as u64..footer_at + bytes.end as u64;
        let schema = file.read(place(&(0..outline.schema_end))).await?;
        let metadata = ParquetMetaDataReader::decode_metadata(&Outline::excerpt(&schema, 0, &[]))?;
        let described = metadata.file_metadata().schema_descr();
        let mut rows = 0_u64;
        let section = |group: &GroupOutline| {
            let first = rows;
            rows = rows.saturating_add(group.rows);
            Section { rows: first..rows, metadata: Metadata::At(place(&group.bytes)) }
        };
        let sections = outline.groups.iter().map(section).collect();
        let fields = fields(described, &outline.json_columns)?;
        Ok(Self { file: Arc::new(file), fields, rows, sections, schema })
    }

    /// The columns, in order.
    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The sections that have rows of this range.
    pub(super) fn sections_of(&self, rows: &Range<u64>) -> Range<usize> {
        let first = self.sections.partition_point(|section| section.rows.end <= rows.start);
        let end = self.sections.partition_point(|section| section.rows.start < rows.end);
        first..end.max(first)
    }

    pub(super) async fn section(&self, number: usize) -> Result<Opened<F>> {
        let Section { rows, metadata } = &self.sections[number];
        let metadata = match metadata {
            Metadata::Read(metadata) => Arc::clone(metadata),
            Metadata::At(place) => {
                let group = self.file.read(place.clone()).await?;
                let footer = Outline::excerpt(&self.schema, rows.end - rows.start, &[&group]);
                Arc::new(self.with_offset_index(ParquetMetaDataReader::decode_metadata(&footer)?).await?)
            }
        };
        Ok(Opened { rows: rows.clone(), reader: Reader::new(Arc::clone(&self.file), metadata) })
    }

    /// The metadata of row groups with where their pages are, if the file says.
    async fn with_offset_index(&self, metadata: ParquetMetaData) -> Result<ParquetMetaData> {
        let chunks = metadata.row_groups().iter().flat_map(|group| group.columns());
        let places = chunks.filter_map(|chunk| {
            let start = u64::try_from(chunk.offset_index_offset()?).ok()?;
            Some(start..start + u64::try_from(chunk.offset_index_length()?).ok()?)
        });
        let Some(place) = places.reduce(|all, next| all.start.min(next.start)..all.end.max(next.end)) else {
            return Ok(metadata);
        };
        let index = self.file.read(place.clone()).await?;
        let mut reader = ParquetMetaDataReader::new_with_metadata(metadata)
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Required);
        // As of a file that ends with the index.
        reader.read_page_indexes_sized(&index, place.end)?;
        Ok(reader.finish()?)
    }
}

/// The columns, with these as JSON. In older files, they are so already by their type in Parquet.
fn fields(described: &SchemaDescriptor, json_columns: &[u32]) -> Result<Vec<Field>> {
    let field = |(index, column): (u32, &ColumnDescPtr)| {
        if column.max_rep_level() > 0 || column.max_def_level() > 1 {
            return Err(unreadable_column(column));
        }
        let kind = match (column.physical_type(), column.converted_type()) {
            (Type::BOOLEAN, _) => ColumnType::Bool,
            (Type::INT64, ConvertedType::NONE | ConvertedType::INT_64) => ColumnType::Int,
            (Type::INT64, ConvertedType::UINT_64) => ColumnType::UInt,
            (Type::DOUBLE, _) => ColumnType::Double,
            (Type::BYTE_ARRAY, ConvertedType::JSON) => ColumnType::Json,
            (Type::BYTE_ARRAY, ConvertedType::UTF8) if json_columns.contains(&index) => ColumnType::Json,
            (Type::BYTE_ARRAY, ConvertedType::UTF8) => ColumnType::Text,
            _ => return Err(unreadable_column(column)),
        };
        Ok(Field { name: column.name().to_owned(), kind, is_nullable: column.max_def_level() > 0 })
    };
    (0..).zip(described.columns()).map(field).collect()
}

fn unreadable_column(column: &ColumnDescPtr) -> Error {
    let (physical, converted) = (column.physical_type(), column.converted_type());
    cell::unreadable(format!("a column of type {physical} and {converted}"))
}

/// The end of the footer, and how long all of it is.
fn footer_bytes(tail: &Bytes, length: u64) -> Result<(&[u8], u64)> {
    let not_parquet = || Error::from(ParquetError::General("the file does not end as Parquet does".into()));
    let (footer, end) = tail.split_last_chunk::<{ END_BYTES as usize }>().ok_or_else(not_parquet)?;
    let [a, b, c, d, magic @ ..] = *end;
    let bytes = u64::from(u32::from_le_bytes([a, b, c, d]));
    if magic != *b"PAR1" || bytes + END_BYTES > length {
        return Err(not_parquet());
    }
    Ok((footer, bytes))
}

/// All that a file says of itself, of which `tail` has the end.
async fn read_whole<F: Ranges>(file: &F, mut tail: Bytes, length: u64) -> Result<ParquetMetaData, ParquetError> {
    loop {
        let mut reader = ParquetMetaDataReader::new()
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        match reader.try_parse_sized(&tail, length) {
            Ok(()) => return reader.finish(),
            Err(ParquetError::NeedMoreData(needed)) => {
                // What is needed tells of chunks; the index of their pages lies
                // before it, and is far smaller where there are many chunks.
                let needed = needed as u64;
                let wanted = (needed + needed / 4).max(2 * tail.len() as u64).min(length);
                tail = file.read(length - wanted..length).await.map_err(unreadable)?;
            }
            Err(error) => return Err(error),
        }
    }
}
