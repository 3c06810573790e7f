//! A Parquet file's metadata: its schema, and where its row groups, column chunks and pages are.
//!
//! It is written here, not by the `parquet` crate, for two reasons. The crate gives a column of doubles the
//! column order `IEEE_754_TOTAL_ORDER`, and readers that are older than it can't open such a file. And a
//! reader of a page of rows needs the metadata of one row group, which it can fetch alone only if it is known
//! where in the footer that is: see [`Outline`].
//!
//! Numbers of fields are those of `parquet.thrift`.

use super::cells::ColumnType;
use super::file::{Chunk, Field};
use super::statistics::Bounds;
use crate::outline::{GroupOutline, Outline};
use crate::thrift::{Struct, Type, write_binary, write_i32, write_open_struct, write_struct};
use parquet::basic::Encoding;

const CREATED_BY: &str = concat!("dataset-versions version ", env!("CARGO_PKG_VERSION"));

pub(super) struct Footer {
    /// Their names, and whether they may have nulls.
    columns: Vec<(String, bool)>,
    groups: Vec<Group>,
    /// The metadata of all chunks, one after another.
    metadata: Vec<u8>,
    /// The offset indexes of all chunks, one after another.
    indexes: Vec<u8>,
    chunks: Vec<Encoded>,
    /// A chunk of several pages has been added.
    has_pages: bool,
}

/// A chunk whose metadata, but for the type and the statistics, and whose offset index are
/// behind those of the chunk before.
struct Encoded {
    metadata_bytes: u32,
    index_bytes: u32,
    /// Of the metadata's fields so far.
    last_id: u8,
    nulls: u64,
    bounds: Option<Bounds>,
}

struct Group {
    rows: u64,
    offset: u64,
    uncompressed_bytes: u64,
    compressed_bytes: u64,
}

impl Footer {
    pub(super) fn new(fields: &[Field<'_>]) -> Self {
        let columns = fields.iter().map(|field| (field.name.to_owned(), field.is_nullable));
        Self {
            columns: columns.collect(),
            groups: vec![],
            metadata: vec![],
            indexes: vec![],
            chunks: vec![],
            has_pages: false,
        }
    }

    /// The column chunks so far.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// Adds the row group that starts at `offset`; its chunks follow.
    pub(super) fn begin_group(&mut self, offset: u64, rows: u64) {
        self.groups.push(Group { rows, offset, uncompressed_bytes: 0, compressed_bytes: 0 });
    }

    /// Adds the chunk of the row group's next column.
    pub(super) fn add_chunk(&mut self, chunk: &Chunk) {
        let (name, _) = &self.columns[self.chunks.len() % self.columns.len()];
        let (metadata_at, index_at) = (self.metadata.len(), self.indexes.len());
        let last_id = write_open_struct(&mut self.metadata, TYPE_ID, |metadata| write_metadata(metadata, name, chunk));
        write_struct(&mut self.indexes, |index| write_offset_index(index, chunk));
        let length = |bytes: &[u8], start| (bytes.len() - start) as u32;
        self.chunks.push(Encoded {
            metadata_bytes: length(&self.metadata, metadata_at),
            index_bytes: length(&self.indexes, index_at),
            last_id,
            nulls: chunk.nulls as u64,
            bounds: chunk.bounds,
        });
        self.has_pages |= chunk.pages.len() > 1;
        if let Some(group) = self.groups.last_mut() {
            group.uncompressed_bytes += chunk.uncompressed_bytes;
            group.compressed_bytes += chunk.compressed_bytes;
        }
    }

    /// What comes behind the row groups, the first byte of it at `offset`: the
    /// offset indexes, the footer, and its length.
    ///
    /// Some readers fail where some row groups have an offset index and others
    /// have none, so there is one for all or, if each chunk is a page, for none.
    pub(super) fn encode(&self, offset: u64, kinds: Vec<ColumnType>) -> Vec<u8> {
        let mut out = if self.has_pages { self.indexes.clone() } else { vec![] };
        let footer_at = out.len();
        write_struct(&mut out, |file| self.write_file(file, footer_at, offset, kinds));
        let length = (out.len() - footer_at) as u32;
        out.extend_from_slice(&length.to_le_bytes());
        out
    }

    fn write_file(&self, file: &mut Struct<'_>, footer_at: usize, indexes_at: u64, kinds: Vec<ColumnType>) {
        file.i32(1, 1);
        file.list(2, Type::Struct, 0..self.columns.len() + 1, |out, index| {
            write_struct(out, |element| match index.checked_sub(1) {
                None => self.write_root(element),
                Some(column) => write_column(element, &self.columns[column], kinds[column]),
            });
        });
        let json = kinds.iter().zip(0..).filter(|(kind, _)| **kind == ColumnType::Json);
        let json_columns = json.map(|(_, index)| index).collect();
        let mut outline = Outline { json_columns, schema_end: file.position() - footer_at, groups: vec![] };
        file.i64(3, self.groups.iter().map(|group| group.rows).sum::<u64>().cast_signed());
        let (index_at, is_bounded) = (indexes_at, self.bounded_columns());
        let mut rest = Rest { metadata: &self.metadata, index_at, is_bounded, kinds };
        let groups = self.groups.iter().zip(self.chunks.chunks(self.columns.len())).enumerate();
        file.list(4, Type::Struct, groups, |out, (ordinal, (group, chunks))| {
            let start = out.len() - footer_at;
            write_struct(out, |out| self.write_group(out, ordinal, group, chunks, &mut rest));
            outline.groups.push(GroupOutline { rows: group.rows, bytes: start..out.len() - footer_at });
        });
        // In every file, so that no column's name can be taken for it.
        file.list(5, Type::Struct, std::iter::once(outline), |out, outline| {
            write_struct(out, |pair| {
                pair.binary(1, Outline::KEY.as_bytes());
                pair.binary(2, outline.to_json().as_bytes());
            });
        });
        file.binary(6, CREATED_BY.as_bytes());
        // The only order that all readers know: that of the column's type.
        file.list(7, Type::Struct, self.columns.iter(), |out, _| write_struct(out, |order| order.empty(1)));
    }

    /// Which columns have bounds in their statistics: in all row groups or in none, since DataFusion takes
    /// those of some for those of the file. None where they reach an end of the type: DataFusion before 51
    /// fails on any filter where they span all integers.
    fn bounded_columns(&self) -> Vec<bool> {
        let mut is_bounded = vec![true; self.columns.len()];
        for (index, chunk) in self.chunks.iter().enumerate() {
            is_bounded[index % self.columns.len()] &= !chunk.bounds.is_some_and(|bounds| bounds.reach_an_end);
        }
        is_bounded
    }

    fn write_root(&self, element: &mut Struct<'_>) {
        element.binary(4, b"schema");
        element.i32(5, self.columns.len() as i32);
    }

    fn write_group(
        &self,
        out: &mut Struct<'_>,
        ordinal: usize,
        group: &Group,
        chunks: &[Encoded],
        rest: &mut Rest<'_>,
    ) {
        out.list(1, Type::Struct, chunks.iter().enumerate(), |out, (column, chunk)| {
            let (metadata, behind) = rest.metadata.split_at(chunk.metadata_bytes as usize);
            rest.metadata = behind;
            let bounds = chunk.bounds.filter(|_| rest.is_bounded[column]);
            write_struct(out, |out| {
                out.i64(2, group.offset.cast_signed());
                out.inner(3, |out| {
                    out.i32(TYPE_ID, physical(rest.kinds[column]));
                    out.go_on(metadata, chunk.last_id);
                    write_statistics(out, chunk.nulls, bounds);
                });
                if self.has_pages {
                    out.i64(4, rest.index_at.cast_signed());
                    out.i32(5, chunk.index_bytes.cast_signed());
                    rest.index_at += u64::from(chunk.index_bytes);
                }
            });
        });
        out.i64(2, group.uncompressed_bytes.cast_signed());
        out.i64(3, group.rows.cast_signed());
        out.i64(5, group.offset.cast_signed());
        out.i64(6, group.compressed_bytes.cast_signed());
        // The format has 16 bits for it, and none is better than a wrong one.
        if let Ok(ordinal) = i16::try_from(ordinal) {
            out.i16(7, ordinal);
        }
    }
}

/// What has not been written of the chunks.
struct Rest<'a> {
    metadata: &'a [u8],
    /// Where in the file the next offset index is.
    index_at: u64,
    /// For each column.
    is_bounded: Vec<bool>,
    kinds: Vec<ColumnType>,
}

/// Parquet's physical type.
fn physical(kind: ColumnType) -> i32 {
    match kind {
        ColumnType::Bool => 0,
        ColumnType::Int | ColumnType::UInt => 2,
        ColumnType::Double => 5,
        ColumnType::Text | ColumnType::Json => 6,
    }
}

fn write_column(element: &mut Struct<'_>, (name, is_nullable): &(String, bool), kind: ColumnType) {
    element.i32(1, physical(kind));
    element.i32(3, i32::from(*is_nullable));
    element.binary(4, name.as_bytes());
    // First the converted type, for readers that know no logical types.
    match kind {
        ColumnType::Bool | ColumnType::Int | ColumnType::Double => {}
        ColumnType::UInt => {
            element.i32(6, 14);
            element.inner(10, |logical| {
                logical.inner(10, |integer| {
                    integer.byte(1, 64);
                    integer.bool(2, false);
                });
            });
        }
        // Parquet has a type for JSON, too, but of that some readers make bytes,
        // and ClickHouse refuses whatever is no object. The outline says which it is.
        ColumnType::Text | ColumnType::Json => {
            element.i32(6, 0);
            element.inner(10, |logical| logical.empty(1));
        }
    }
}

/// The first field of a chunk's metadata, which is known for certain only at the end.
const TYPE_ID: u8 = 1;

/// What follows the type.
fn write_metadata(out: &mut Struct<'_>, name: &str, chunk: &Chunk) {
    const ZSTD: i32 = 6;
    let mut encodings = vec![Encoding::RLE];
    for encoding in &chunk.encodings {
        if !encodings.contains(encoding) {
            encodings.push(*encoding);
        }
    }
    out.list(2, Type::I32, encodings.iter(), |out, encoding| write_i32(out, *encoding as i32));
    out.list(3, Type::Binary, std::iter::once(name), |out, name| write_binary(out, name.as_bytes()));
    out.i32(4, ZSTD);
    out.i64(5, chunk.rows as i64);
    out.i64(6, chunk.uncompressed_bytes.cast_signed());
    out.i64(7, chunk.compressed_bytes.cast_signed());
    out.i64(9, chunk.pages.first().map_or(0, |page| page.offset).cast_signed());
    if let Some(offset) = chunk.dictionary_at {
        out.i64(11, offset.cast_signed());
    }
}

fn write_statistics(out: &mut Struct<'_>, nulls: u64, bounds: Option<Bounds>) {
    out.inner(12, |statistics| {
        statistics.i64(3, nulls.cast_signed());
        if let Some(Bounds { least, greatest, .. }) = bounds {
            statistics.binary(5, &greatest);
            statistics.binary(6, &least);
        }
    });
}

fn write_offset_index(out: &mut Struct<'_>, chunk: &Chunk) {
    out.list(1, Type::Struct, chunk.pages.iter(), |out, page| {
        write_struct(out, |location| {
            location.i64(1, page.offset.cast_signed());
            location.i32(2, page.bytes.cast_signed());
            location.i64(3, page.first_row as i64);
        });
    });
}
