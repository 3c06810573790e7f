//! An open stored dataset.

use super::batch::{Batch, Batches};
use super::reader::Ranges;
use super::stored::{Field, Opened, Stored};
use super::taken::Taken;
use crate::error::{Error, Result};
use crate::writer::ColumnType;
use dataset_types::rows::CellValue;
use futures::future::ready;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use std::iter;
use std::ops::Range;
use std::slice;
use std::sync::Arc;

/// Rows of a page are decoded this many at a time, so that large ones are noticed early.
const ROWS_AT_ONCE: usize = 16;

/// Rows decoded at a time in a scan.
const ROWS_OF_A_SCAN: usize = 1024;

/// Row groups that are fetched at once in a scan: each takes as long as a call, whatever is in it.
const FETCHED_AHEAD: usize = 3;

/// An open stored Parquet file. The methods that read rows are here and in the modules beside.
#[derive(Debug)]
pub struct Table<F> {
    stored: Arc<Stored<F>>,
}

/// Some of the rows of a dataset.
#[derive(Clone, Debug)]
pub struct RowPage {
    /// A cell for each column of each row.
    pub rows: Vec<Vec<CellValue>>,
    /// The number of rows in the dataset.
    pub total: u64,
}

impl<F: Ranges + 'static> Table<F> {
    /// Reads the footer, or of a large one only the schema.
    ///
    /// # Errors
    /// If the file can't be read or is not Parquet.
    pub async fn open(file: F) -> Result<Self> {
        Ok(Self { stored: Arc::new(Stored::open(file).await?) })
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.stored.fields().iter().map(|field| field.name.as_str())
    }

    /// The types of the columns, in order.
    pub(super) fn kinds(&self) -> impl Iterator<Item = ColumnType> {
        self.stored.fields().iter().map(|field| field.kind)
    }

    /// Which columns are as a CSV file gives them: text alone, and never null.
    pub(super) fn are_of_csv(&self) -> Vec<bool> {
        let is_of_csv = |field: &Field| field.kind == ColumnType::Text && !field.is_nullable;
        self.stored.fields().iter().map(is_of_csv).collect()
    }

    pub fn row_count(&self) -> u64 {
        self.stored.rows()
    }

    /// Reads `limit` rows from row `offset` on, counting from 0; fewer or none where the dataset ends before.
    ///
    /// # Errors
    /// [`Error::PageTooLarge`] if there are too many cells, even where long ones are cut.
    pub async fn page(&self, offset: u64, limit: usize, max_bytes: usize) -> Result<RowPage> {
        let total = self.row_count();
        let end = offset.saturating_add(limit as u64).min(total);
        let mut taken = Taken::new(max_bytes);
        self.take(slice::from_ref(&(offset.min(end)..end)), &mut taken).await?;
        Ok(RowPage { rows: taken.rows, total })
    }

    /// The rows of these ranges, which are in order and within the table, by way of nothing but the pages
    /// that have them, those of a section all fetched at once.
    pub(super) async fn take(&self, ranges: &[Range<u64>], taken: &mut Taken) -> Result<()> {
        let mut next = 0;
        for range in ranges.iter().filter(|range| !range.is_empty()) {
            let sections = self.stored.sections_of(range);
            for number in sections.start.max(next)..sections.end {
                self.take_section(number, ranges, taken).await?;
                next = number + 1;
            }
        }
        Ok(())
    }

    /// The rows of these ranges that are in a section.
    async fn take_section(&self, number: usize, ranges: &[Range<u64>], taken: &mut Taken) -> Result<()> {
        let Opened { rows: own, reader } = self.stored.section(number).await?;
        for (group, place) in reader.groups().into_iter().enumerate() {
            let (start, end) = (own.start + place.start, own.start + place.end);
            let within = |range: &Range<u64>| range.start.max(start)..range.end.min(end);
            let chosen = ranges.iter().map(within).filter(|range| !range.is_empty());
            let chosen: Vec<_> = chosen.map(|range| range.start - start..range.end - start).collect();
            let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else {
                continue;
            };
            let fetched = reader.fetch(group, &(first.start..last.end)).await?;
            for batch in Batches::new(&fetched, self.stored.fields(), chosen.into_iter(), ROWS_AT_ONCE)? {
                let batch = batch?;
                (0..batch.rows).try_for_each(|row| taken.row(&batch.columns, row))?;
            }
        }
        Ok(())
    }

    /// All rows from row `first` on, in order. Row groups are fetched some ahead, and decoded one at a time.
    pub(super) fn scan(&self, first: u64) -> BoxStream<'static, Result<Batch>> {
        let (stored, decoding) = (Arc::clone(&self.stored), Arc::clone(&self.stored));
        let sections = self.stored.sections_of(&(first..u64::MAX));
        let fetches = stream::iter(sections).map(move |number| {
            let stored = Arc::clone(&stored);
            async move {
                let Opened { rows: own, reader } = stored.section(number).await?;
                let (groups, reader) = (reader.groups(), Arc::new(reader));
                let first = first.saturating_sub(own.start);
                let groups = groups.into_iter().enumerate().filter(move |(_, rows)| rows.end > first);
                let fetches = groups.map(move |(group, rows)| {
                    let reader = Arc::clone(&reader);
                    Ok::<_, Error>(async move {
                        let wanted = first.saturating_sub(rows.start)..rows.end - rows.start;
                        let fetched = reader.fetch(group, &wanted).await?;
                        Ok::<_, Error>((fetched, wanted))
                    })
                });
                Ok::<_, Error>(stream::iter(fetches))
            }
        });
        let fetched = fetches.buffered(FETCHED_AHEAD).try_flatten().try_buffered(FETCHED_AHEAD);
        let batches = fetched.and_then(move |(fetched, wanted)| {
            let batches = Batches::new(&fetched, decoding.fields(), iter::once(wanted), ROWS_OF_A_SCAN);
            ready(batches.map(stream::iter))
        });
        batches.try_flatten().boxed()
    }
}
