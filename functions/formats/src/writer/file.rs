//! A Parquet file in the making: pages one after another, then what is where.

use super::cells::{Cells, Kind};
use super::column::{Chunk, Page};
use super::press::LEVEL;
use crate::error::Result;
use arrow_schema::extension::Json;
use arrow_schema::{DataType, Field as ArrowField, Schema};
use bytes::Bytes;
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema};
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::column::page::{CompressedPage, Page as DataPage, PageWriter};
use parquet::file::metadata::page_index::PageIndexBuilder;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, OffsetIndexBuilder, ParquetMetaDataBuilder, ParquetMetaDataWriter,
    RowGroupMetaData,
};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, Type};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// A column to be written.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    pub(crate) is_nullable: bool,
}

pub(super) struct ParquetFile<W: Write + Send> {
    out: TrackedWrite<Watched<W>>,
    fault: Fault,
    schema: SchemaDescPtr,
    hints: Option<Vec<KeyValue>>,
    groups: Vec<RowGroupMetaData>,
    /// For each row group, where the pages of each column are.
    offsets: Vec<Vec<OffsetIndexMetaData>>,
    rows: i64,
}

impl<W: Write + Send> ParquetFile<W> {
    pub(super) fn new(out: W, fields: &[Field<'_>]) -> Result<Self> {
        let schema = Arc::new(SchemaDescriptor::new(Arc::new(schema(fields)?)));
        let fault = Fault::default();
        let mut out = TrackedWrite::new(Watched { out, fault: Arc::clone(&fault) });
        out.write_all(MAGIC)?;
        Ok(Self { out, fault, schema, hints: hints(fields), groups: vec![], offsets: vec![], rows: 0 })
    }

    /// The column chunks so far.
    pub(super) fn chunks(&self) -> usize {
        self.groups.len() * self.schema.num_columns()
    }

    /// Writes a row group: for each column its pages, which are somewhere
    /// among `bytes`, and the kind of its cells.
    pub(super) fn write<'c>(
        &mut self,
        columns: impl Iterator<Item = (Chunk, &'c Cells)>,
        bytes: &Bytes,
        rows: usize,
    ) -> Result<()> {
        let start = self.out.bytes_written() as i64;
        let (mut chunks, mut offsets, mut size) = (vec![], vec![], 0);
        for (index, (chunk, cells)) in columns.enumerate() {
            let (metadata, pages) = self.write_chunk(index, chunk, cells, bytes)?;
            size += metadata.uncompressed_size();
            chunks.push(metadata);
            offsets.push(pages);
        }
        // Where a chunk is a page, an index of pages tells nothing.
        if offsets.iter().all(|pages| pages.page_locations().len() == 1) {
            offsets.clear();
        }
        let mut group = RowGroupMetaData::builder(Arc::clone(&self.schema))
            .set_column_metadata(chunks)
            .set_total_byte_size(size)
            .set_num_rows(rows as i64)
            .set_file_offset(start);
        // The format has 16 bits for it, and none is better than a wrong one.
        if let Ok(ordinal) = i16::try_from(self.groups.len()) {
            group = group.set_ordinal(ordinal.into());
        }
        self.groups.push(group.build()?);
        self.offsets.push(offsets);
        self.rows += rows as i64;
        Ok(())
    }

    fn write_chunk(
        &mut self,
        column: usize,
        chunk: Chunk,
        cells: &Cells,
        bytes: &Bytes,
    ) -> Result<(ColumnChunkMetaData, OffsetIndexMetaData)> {
        let mut pages = SerializedPageWriter::new(&mut self.out);
        let mut offsets = OffsetIndexBuilder::new();
        let mut encodings = vec![Encoding::RLE];
        let (mut uncompressed_bytes, mut compressed_bytes) = (0, 0);
        let (mut dictionary_at, mut data_at) = (None, None);
        for page in chunk.dictionary.into_iter().chain(chunk.pages) {
            if !encodings.contains(&page.encoding) {
                encodings.push(page.encoding);
            }
            let rows = page.rows as i64;
            let written = pages.write_page(parquet_page(page, bytes))?;
            uncompressed_bytes += written.uncompressed_size as i64;
            compressed_bytes += written.compressed_size as i64;
            if rows > 0 {
                data_at.get_or_insert(written.offset as i64);
                offsets.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
                offsets.append_row_count(rows);
            } else {
                dictionary_at = Some(written.offset as i64);
            }
        }
        let metadata = ColumnChunkMetaData::builder(self.schema.column(column))
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_encodings(encodings)
            .set_num_values(chunk.rows as i64)
            .set_total_uncompressed_size(uncompressed_bytes)
            .set_total_compressed_size(compressed_bytes)
            .set_dictionary_page_offset(dictionary_at)
            .set_data_page_offset(data_at.unwrap_or(0))
            .set_statistics(chunk.ranges.statistics(cells, chunk.nulls))
            .build()?;
        Ok((metadata, offsets.build()))
    }

    /// Writes what is where.
    pub(super) fn close(mut self) -> Result<()> {
        let mut index = PageIndexBuilder::new(self.groups.len(), self.schema.num_columns());
        for (group, columns) in self.offsets.into_iter().enumerate() {
            for (column, offsets) in columns.into_iter().enumerate() {
                index.put_offset_index(offsets, group, column);
            }
        }
        let created_by = concat!("dataset-versions ", env!("CARGO_PKG_VERSION")).to_owned();
        let file = FileMetaData::new(1, self.rows, Some(created_by), self.hints, self.schema, None);
        let metadata = ParquetMetaDataBuilder::new(file)
            .set_row_groups(self.groups)
            .set_page_index(Some(Arc::new(index.build())))
            .build();
        self.out.flush()?;
        ParquetMetaDataWriter::new_with_tracked(self.out, &metadata).finish()?;
        // The writer buffers, and drops its buffer without a word.
        match self.fault.lock().ok().and_then(|mut fault| fault.take()) {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

/// What every Parquet file starts and ends with.
const MAGIC: &[u8] = b"PAR1";

/// The last error of a writer that has been given away.
type Fault = Arc<Mutex<Option<io::Error>>>;

struct Watched<W> {
    out: W,
    fault: Fault,
}

impl<W: Write> Watched<W> {
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let (Err(error), Ok(mut fault)) = (&result, self.fault.lock())
            && error.kind() != io::ErrorKind::Interrupted
        {
            *fault = Some(io::Error::new(error.kind(), error.to_string()));
        }
        result
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.out.write(bytes);
        self.note(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.out.flush();
        self.note(result)
    }
}

fn parquet_page(page: Page, bytes: &Bytes) -> CompressedPage {
    let (buf, num_values) = (bytes.slice(page.compressed), page.values as u32);
    let parquet = if page.rows == 0 {
        DataPage::DictionaryPage { buf, num_values, encoding: page.encoding, is_sorted: false }
    } else {
        DataPage::DataPage {
            buf,
            num_values,
            encoding: page.encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        }
    };
    CompressedPage::new(parquet, page.uncompressed_bytes)
}

/// Some readers take JSON for bytes unless Arrow's schema, too, says that it is text.
fn hints(fields: &[Field<'_>]) -> Option<Vec<KeyValue>> {
    fields.iter().any(|field| field.kind == Kind::Json).then(|| {
        let columns = fields.iter().map(|field| {
            let data_type = match field.kind {
                Kind::Bool => DataType::Boolean,
                Kind::Int => DataType::Int64,
                Kind::UInt => DataType::UInt64,
                Kind::Double => DataType::Float64,
                Kind::Text | Kind::Json => DataType::Utf8,
            };
            let column = ArrowField::new(field.name, data_type, field.is_nullable);
            if field.kind == Kind::Json { column.with_extension_type(Json::default()) } else { column }
        });
        let schema = encode_arrow_schema(&Schema::new(columns.collect::<Vec<_>>()));
        vec![KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), schema)]
    })
}

fn schema(fields: &[Field<'_>]) -> Result<Type> {
    let columns = fields.iter().map(|field| {
        let (physical, logical) = match field.kind {
            Kind::Bool => (Physical::BOOLEAN, None),
            Kind::Int => (Physical::INT64, None),
            Kind::UInt => (Physical::INT64, Some(LogicalType::integer(64, false))),
            Kind::Double => (Physical::DOUBLE, None),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        };
        let repetition = if field.is_nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let column = Type::primitive_type_builder(field.name, physical);
        Ok(Arc::new(column.with_logical_type(logical).with_repetition(repetition).build()?))
    });
    Ok(Type::group_type_builder("schema").with_fields(columns.collect::<Result<_>>()?).build()?)
}
