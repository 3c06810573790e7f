//! Statistics of the columns.

use super::cell::CellRef;
use super::reader::Ranges;
use super::table::Table;
use crate::error::Result;
use crate::writer::ColumnType;
use dataset_types::rows::CellValue;
use futures::TryStreamExt;
use std::cmp::Ordering;

/// Values that are shown of a column.
const MAX_SAMPLE: usize = 5;

/// A longer value is not shown.
const MAX_SAMPLE_BYTES: usize = 200;

/// A column, summed up.
#[derive(Clone, Debug)]
pub struct ColumnStats {
    pub name: String,
    pub kind: ColumnType,
    /// Cells that are null or a text of no characters.
    pub empty: u64,
    /// Characters of the shortest and the longest text, or of what is nested
    /// as it was written, where the column has such and they are not empty.
    pub lengths: Option<(u64, u64)>,
    /// The least and the greatest number, where the column has numbers.
    pub range: Option<(CellValue, CellValue)>,
    /// The first values, each once.
    pub sample: Vec<CellValue>,
    /// Whether there are values that are not in the sample.
    pub has_more: bool,
}

impl<F: Ranges + 'static> Table<F> {
    /// Goes through all rows, a row group in memory at a time.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn column_stats(&self) -> Result<Vec<ColumnStats>> {
        let kinds = self.columns().zip(self.kinds());
        let mut all: Vec<ColumnStats> = kinds.map(|(name, kind)| ColumnStats::of_none(name, kind)).collect();
        let mut batches = self.scan(0);
        while let Some(batch) = batches.try_next().await? {
            for (column_stats, column) in all.iter_mut().zip(&batch.columns) {
                (0..batch.rows).try_for_each(|row| column_stats.see(column.cell(row)))?;
            }
        }
        Ok(all)
    }
}

impl ColumnStats {
    fn of_none(name: &str, kind: ColumnType) -> Self {
        Self { name: name.to_owned(), kind, empty: 0, lengths: None, range: None, sample: vec![], has_more: false }
    }

    fn see(&mut self, cell: CellRef<'_>) -> Result<()> {
        match cell {
            CellRef::Null | CellRef::Text("") => {
                self.empty += 1;
                return Ok(());
            }
            CellRef::Text(text) | CellRef::Json(text) => {
                let length = text.chars().count() as u64;
                let (least, most) = self.lengths.unwrap_or((length, length));
                self.lengths = Some((least.min(length), most.max(length)));
            }
            CellRef::Int(_) | CellRef::UInt(_) | CellRef::Double(_) => self.stretch(cell)?,
            CellRef::Bool(_) => {}
        }
        let is_full = self.sample.len() == MAX_SAMPLE;
        if is_full && self.has_more || self.sample.iter().any(|seen| cell.is(seen)) {
            return Ok(());
        }
        if !is_full && cell.bytes() <= size_of::<CellValue>() + MAX_SAMPLE_BYTES {
            self.sample.push(cell.to_cell()?);
        } else {
            self.has_more = true;
        }
        Ok(())
    }

    fn stretch(&mut self, number: CellRef<'_>) -> Result<()> {
        match &mut self.range {
            None => self.range = Some((number.to_cell()?, number.to_cell()?)),
            Some((least, most)) => {
                if number.compare(least) == Some(Ordering::Less) {
                    *least = number.to_cell()?;
                } else if number.compare(most) == Some(Ordering::Greater) {
                    *most = number.to_cell()?;
                }
            }
        }
        Ok(())
    }
}
