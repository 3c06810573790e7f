//! Searches rows for a text.

use super::cell::{CellRef, Column, unreadable};
use super::reader::Ranges;
use super::table::{RowPage, Table, Taken};
use crate::error::Result;
use arrow_array::{Array, StringArray};
use futures::TryStreamExt;
use regex::bytes::{Regex, RegexBuilder};

impl<F: Ranges + 'static> Table<F> {
    /// Reads a page of the rows that have `text` in some cell, in any case. A number is searched as it is
    /// shown.
    ///
    /// # Errors
    /// [`Error::PageTooLarge`](crate::Error::PageTooLarge) if the rows take more than `max_bytes`.
    pub async fn search(&self, text: &str, offset: u64, limit: usize, max_bytes: usize) -> Result<RowPage> {
        if text.is_empty() {
            return self.page(offset, limit, max_bytes).await;
        }
        let wanted = offset..offset.saturating_add(limit as u64);
        let pattern = RegexBuilder::new(&regex::escape(text)).case_insensitive(true).build();
        let pattern = pattern.map_err(unreadable)?;
        let mut batches = self.scan();
        let (mut total, mut rows, mut taken) = (0, Vec::new(), Taken::new(max_bytes));
        while let Some(batch) = batches.try_next().await? {
            let columns = Column::all(&batch)?;
            let mut has_it = vec![false; batch.num_rows()];
            columns.iter().try_for_each(|column| mark(*column, &pattern, &mut has_it))?;
            for row in (0..has_it.len()).filter(|row| has_it[*row]) {
                if wanted.contains(&total) {
                    rows.push(taken.row(&columns, row)?);
                }
                total += 1;
            }
        }
        Ok(RowPage { rows, total })
    }
}

/// Notes the rows that have a match in this column.
fn mark(column: Column<'_>, pattern: &Regex, has_it: &mut [bool]) -> Result<()> {
    if let Column::Text(array) | Column::Json(array) = column {
        mark_texts(array, pattern, has_it);
        return Ok(());
    }
    let mut shown = Vec::new();
    for (row, has_it) in has_it.iter_mut().enumerate() {
        let cell = column.cell(row);
        if !*has_it && !matches!(cell, CellRef::Null) {
            shown.clear();
            cell.write_json(&mut shown)?;
            *has_it = pattern.is_match(&shown);
        }
    }
    Ok(())
}

/// Looks through the texts of a column as through one, since they lie one
/// after another: most cells need no look of their own.
fn mark_texts(array: &StringArray, pattern: &Regex, has_it: &mut [bool]) {
    let ends: Vec<usize> = array.value_offsets().iter().skip(1).map(|end| *end as usize).collect();
    let (text, mut at) = (array.value_data(), array.value_offsets()[0] as usize);
    let mut row = 0;
    // No match begins behind the last cell of a slice.
    let all = &text[..ends.last().copied().unwrap_or(at)];
    while let Some(found) = pattern.find_at(all, at) {
        row += ends[row..].partition_point(|end| *end <= found.start());
        if found.end() <= ends[row] {
            has_it[row] |= array.is_valid(row);
            at = ends[row];
        } else {
            // It runs into the next cell.
            at = found.start() + 1;
        }
    }
}
