//! Exports all rows as a file.

use super::batch::Batch;
use super::cell::{CellRef, unreadable};
use super::reader::Ranges;
use super::table::Table;
use crate::error::Result;
use bytes::Bytes;
use csv::{QuoteStyle, Terminator, WriterBuilder};
use futures::TryStreamExt;
use futures::stream::{self, BoxStream, Stream};

/// A format that rows are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// By RFC 4180, with a header. Null is an empty cell, and what is nested is in JSON. In quotes is also what a
    /// reader that looks for the dialect, as ours does, might take for another delimiter or a mark.
    Csv,
    /// A JSON object a line, all columns in each.
    JsonLines,
}

impl<F: Ranges + 'static> Table<F> {
    /// What an export has at least, which is known without a look at the rows: of each cell a separator, and as
    /// JSON its name and a character.
    pub fn least_export_bytes(&self, format: Export) -> u64 {
        let of_cell = |name: &str| match format {
            Export::Csv => 1,
            Export::JsonLines => name.len() as u64 + 5,
        };
        self.row_count().saturating_mul(self.columns().map(of_cell).sum())
    }

    /// The whole file, in parts of `part_bytes` or a little more, but for the last.
    ///
    /// # Errors
    /// The stream ends with an error if the table can't be read on.
    pub fn export(
        &self,
        format: Export,
        part_bytes: usize,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<F>> {
        let names: Vec<String> = self.columns().map(str::to_owned).collect();
        let (mut encoder, mut part) = (Encoder::new(format, &names)?, Vec::with_capacity(part_bytes + part_bytes / 8));
        encoder.header(&names, &mut part)?;
        let state = Parts { batches: Some(self.scan(0)), encoder, part, part_bytes };
        Ok(stream::try_unfold(state, |mut parts| async move {
            let part = parts.next().await?;
            Ok(part.map(|part| (part, parts)))
        }))
    }
}

struct Parts {
    batches: Option<BoxStream<'static, Result<Batch>>>,
    encoder: Encoder,
    part: Vec<u8>,
    part_bytes: usize,
}

impl Parts {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(batches) = &mut self.batches {
            match batches.try_next().await? {
                Some(batch) => self.encoder.rows(&batch, &mut self.part)?,
                None => self.batches = None,
            }
            if self.part.len() >= self.part_bytes {
                let next = Vec::with_capacity(self.part.capacity());
                return Ok(Some(std::mem::replace(&mut self.part, next).into()));
            }
        }
        let last = std::mem::take(&mut self.part);
        Ok(Some(last).filter(|last| !last.is_empty()).map(Bytes::from))
    }
}

enum Encoder {
    Csv,
    /// What stands before each column's value.
    JsonLines(Vec<Vec<u8>>),
}

impl Encoder {
    fn new(format: Export, names: &[String]) -> Result<Self> {
        Ok(match format {
            Export::Csv => Self::Csv,
            Export::JsonLines => {
                let before = |(index, name): (usize, &String)| {
                    let mut before = vec![if index == 0 { b'{' } else { b',' }];
                    CellRef::Text(name).write_json(&mut before)?;
                    before.push(b':');
                    Ok(before)
                };
                Self::JsonLines(names.iter().enumerate().map(before).collect::<Result<_>>()?)
            }
        })
    }

    fn header(&mut self, names: &[String], out: &mut Vec<u8>) -> Result<()> {
        if matches!(self, Self::Csv) {
            let (mut writer, mut quoted) = (csv_writer(out), Vec::new());
            for name in names {
                writer.write_field(in_quotes(name.as_bytes(), names.len() == 1, &mut quoted)).map_err(unreadable)?;
            }
            writer.write_record(None::<&[u8]>).map_err(unreadable)?;
        }
        Ok(())
    }

    fn rows(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Csv => csv_rows(batch, out),
            Self::JsonLines(before) => (0..batch.rows).try_for_each(|row| {
                for (before, column) in before.iter().zip(&batch.columns) {
                    out.extend_from_slice(before);
                    column.cell(row).write_json(out)?;
                }
                out.extend_from_slice(b"}\n");
                Ok(())
            }),
        }
    }
}

fn csv_writer(out: &mut Vec<u8>) -> csv::Writer<&mut Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).quote_style(QuoteStyle::Never).from_writer(out)
}

fn csv_rows(Batch { rows, columns }: &Batch, out: &mut Vec<u8>) -> Result<()> {
    let mut writer = csv_writer(out);
    let (mut shown, mut quoted) = (Vec::new(), Vec::new());
    for row in 0..*rows {
        for column in columns {
            let field = match column.cell(row) {
                CellRef::Text(text) => text.as_bytes(),
                other => {
                    shown.clear();
                    other.write_csv(&mut shown)?;
                    &shown[..]
                }
            };
            let field = in_quotes(field, columns.len() == 1, &mut quoted);
            writer.write_field(field).map_err(unreadable)?;
        }
        writer.write_record(None::<&[u8]>).map_err(unreadable)?;
    }
    writer.flush()?;
    Ok(())
}

/// A field as it stands in the file. One that is alone in its row is no blank line.
fn in_quotes<'a>(field: &'a [u8], is_alone: bool, quoted: &'a mut Vec<u8>) -> &'a [u8] {
    let is_plain = |byte: &u8| !matches!(*byte, b',' | b'"' | b'\r' | b'\n' | b';' | b'|' | b'\t' | CONTROL_Z);
    let has_mark = field.starts_with(BYTE_ORDER_MARK) || field.starts_with(b"sep=");
    let is_blank = is_alone && field.trim_ascii().is_empty();
    if field.iter().all(is_plain) && !has_mark && !is_blank {
        return field;
    }
    quoted.clear();
    quoted.push(b'"');
    for piece in field.split_inclusive(|byte| *byte == b'"') {
        quoted.extend_from_slice(piece);
        if piece.ends_with(b"\"") {
            quoted.push(b'"');
        }
    }
    quoted.push(b'"');
    quoted
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What ends a file of CP/M.
const CONTROL_Z: u8 = 0x1a;
