//! Writes a Parquet file: pages, then the footer.

use super::cells::{Cells, ColumnType};
use super::column::{self, Page, PageKind};
use super::footer::Footer;
use super::statistics::Bounds;
use crate::error::Result;
use crate::thrift::write_struct;
use bytes::Bytes;
use parquet::basic::Encoding;
use std::io::{BufWriter, Write};

/// A column to be written.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: ColumnType,
    /// Its first value may give it another type: so far there were only nulls.
    pub(crate) is_open: bool,
    pub(crate) is_nullable: bool,
    /// Whether some of its integers are not [`is_short`](super::delta::is_short).
    pub(crate) has_long: bool,
}

pub(super) struct ParquetFile<W: Write> {
    out: BufWriter<W>,
    /// Bytes written.
    position: u64,
    footer: Footer,
    page_header: Vec<u8>,
}

/// A column chunk as it was written.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) rows: usize,
    pub(super) nulls: usize,
    /// Where the column has numbers.
    pub(super) bounds: Option<Bounds>,
    pub(super) encodings: Vec<Encoding>,
    pub(super) uncompressed_bytes: u64,
    pub(super) compressed_bytes: u64,
    pub(super) dictionary_at: Option<u64>,
    pub(super) pages: Vec<PageLocation>,
}

pub(super) struct PageLocation {
    pub(super) offset: u64,
    /// Its header included.
    pub(super) bytes: u32,
    /// Counted from the start of the row group.
    pub(super) first_row: usize,
}

impl<W: Write> ParquetFile<W> {
    pub(super) fn new(out: W, fields: &[Field<'_>]) -> Result<Self> {
        let (out, footer, page_header) = (BufWriter::new(out), Footer::new(fields), vec![]);
        let mut file = Self { out, position: 0, footer, page_header };
        file.write_bytes(MAGIC)?;
        Ok(file)
    }

    /// The column chunks so far.
    pub(super) fn chunks(&self) -> usize {
        self.footer.chunks()
    }

    /// Writes a row group: the pages of each column, which are within `bytes`.
    pub(super) fn write<'c>(
        &mut self,
        columns: impl Iterator<Item = (column::Chunk, &'c Cells)>,
        bytes: &Bytes,
        rows: usize,
    ) -> Result<()> {
        self.footer.begin_group(self.position, rows as u64);
        for (chunk, cells) in columns {
            let chunk = self.write_chunk(chunk, cells, bytes)?;
            self.footer.add_chunk(&chunk);
        }
        Ok(())
    }

    fn write_chunk(&mut self, chunk: column::Chunk, cells: &Cells, bytes: &Bytes) -> Result<Chunk> {
        let start = self.position;
        let mut written = Chunk { nulls: chunk.nulls, bounds: chunk.ranges.bounds(cells), ..Chunk::default() };
        for page in chunk.dictionary.into_iter().chain(chunk.pages) {
            let offset = self.position;
            self.write_page(&page, &bytes[page.compressed.clone()])?;
            written.encodings.push(page.encoding);
            written.uncompressed_bytes += (self.page_header.len() + page.uncompressed_bytes) as u64;
            match page.kind {
                PageKind::Dictionary { .. } => written.dictionary_at = Some(offset),
                PageKind::Data { rows } => {
                    let (bytes, first_row) = ((self.position - offset) as u32, written.rows);
                    written.pages.push(PageLocation { offset, bytes, first_row });
                    written.rows += rows;
                }
            }
        }
        written.compressed_bytes = self.position - start;
        Ok(written)
    }

    fn write_page(&mut self, page: &Page, compressed: &[u8]) -> Result<()> {
        // The type of the page, the field of its header, and how many values it has.
        let (page_type, field, values) = match page.kind {
            PageKind::Data { rows } => (0, 5, rows),
            PageKind::Dictionary { entries } => (2, 7, entries),
        };
        let mut header = std::mem::take(&mut self.page_header);
        header.clear();
        write_struct(&mut header, |header| {
            header.i32(1, page_type);
            header.i32(2, page.uncompressed_bytes as i32);
            header.i32(3, compressed.len() as i32);
            header.inner(field, |header| {
                header.i32(1, values as i32);
                header.i32(2, page.encoding as i32);
                if matches!(page.kind, PageKind::Data { .. }) {
                    // The encodings of definition levels and of repetition levels, which there are none of.
                    header.i32(3, Encoding::RLE as i32);
                    header.i32(4, Encoding::RLE as i32);
                }
            });
        });
        self.page_header = header;
        self.out.write_all(&self.page_header)?;
        self.position += self.page_header.len() as u64;
        self.write_bytes(compressed)
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Writes the footer, with the type of each column.
    pub(super) fn close(mut self, kinds: Vec<ColumnType>) -> Result<()> {
        let end = self.footer.encode(self.position, kinds);
        self.write_bytes(&end)?;
        self.write_bytes(MAGIC)?;
        Ok(self.out.flush()?)
    }
}

/// What every Parquet file starts and ends with.
const MAGIC: &[u8] = b"PAR1";
