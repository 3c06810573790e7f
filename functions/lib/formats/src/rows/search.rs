//! Searches rows for a text.

use super::batch::{Column, Texts, Values};
use super::cell::{CellRef, unreadable};
use super::reader::Ranges;
use super::table::Table;
use super::taken::Taken;
use crate::error::Result;
use crate::json::unescape;
use dataset_types::rows::CellValue;
use futures::TryStreamExt;
use regex::bytes::{Regex, RegexBuilder};
use std::iter;

/// What a search looks for, and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    pub text: &'a str,
    /// So many rows are left out at the start.
    pub after_row: u64,
    /// So many matches are left out.
    pub offset: u64,
    pub limit: usize,
    /// For the rows together.
    pub max_bytes: usize,
}

/// The rows that a search found.
#[derive(Clone, Debug)]
pub struct Matches {
    /// A cell for each column of each row.
    pub rows: Vec<Vec<CellValue>>,
    /// The number of all matches in the rows that were searched.
    pub total: u64,
    /// The last row that was searched, counted from 1.
    pub searched_to_row: u64,
}

impl<F: Ranges + 'static> Table<F> {
    /// Reads a page of the rows that have `text` in some cell, in any case. A number is searched as it is
    /// shown. It may stop before the end, but not before it has searched some rows, when `is_late` says so.
    ///
    /// # Errors
    /// [`Error::PageTooLarge`](crate::Error::PageTooLarge) if there are too many cells, even where long ones are
    /// cut.
    pub async fn search(&self, search: &Search<'_>, is_late: impl Fn() -> bool) -> Result<Matches> {
        let Search { text, after_row, offset, limit, max_bytes } = *search;
        let wanted = offset..offset.saturating_add(limit as u64);
        let searched = Wanted::new(text)?;
        let after_row = after_row.min(self.row_count());
        let mut batches = self.scan(after_row);
        let (mut total, mut searched_to_row, mut taken) = (0, after_row, Taken::new(max_bytes));
        while let Some(batch) = batches.try_next().await? {
            // Every row has a text of no characters.
            let mut has_it = vec![text.is_empty(); batch.rows];
            let looked_at = if text.is_empty() { &[] } else { &batch.columns[..] };
            looked_at.iter().try_for_each(|column| searched.mark(column, &mut has_it))?;
            for row in (0..has_it.len()).filter(|row| has_it[*row]) {
                if wanted.contains(&total) {
                    taken.row(&batch.columns, row)?;
                }
                total += 1;
            }
            searched_to_row += batch.rows as u64;
            if is_late() {
                break;
            }
        }
        Ok(Matches { rows: taken.rows, total, searched_to_row })
    }
}

/// What is searched for.
struct Wanted {
    pattern: Regex,
    /// No match is shorter, in any case.
    least_bytes: usize,
}

impl Wanted {
    fn new(text: &str) -> Result<Self> {
        let pattern = RegexBuilder::new(&regex::escape(text)).case_insensitive(true).build().map_err(unreadable)?;
        let bytes = |c: char| {
            let cases = iter::once(c).chain(c.to_lowercase()).chain(c.to_uppercase());
            cases.map(char::len_utf8).min().unwrap_or(1)
        };
        Ok(Self { pattern, least_bytes: text.chars().map(bytes).sum() })
    }

    /// Notes the rows that have a match in this column.
    fn mark(&self, column: &Column, has_it: &mut [bool]) -> Result<()> {
        match &column.values {
            Values::Text(texts) => self.mark_texts(texts, has_it),
            Values::Json(texts) if memchr::memchr(b'\\', texts.all.as_bytes()).is_none() => {
                self.mark_texts(texts, has_it);
            }
            Values::Json(texts) => self.mark_texts(&unescaped(texts), has_it),
            _ => {
                let mut shown = Vec::new();
                for (row, has_it) in has_it.iter_mut().enumerate() {
                    let cell = column.cell(row);
                    if !*has_it && !matches!(cell, CellRef::Null) {
                        shown.clear();
                        cell.write_json(&mut shown)?;
                        *has_it = self.pattern.is_match(&shown);
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks through the texts of a column as through one, since they lie one
    /// after another: most cells need no look of their own.
    fn mark_texts(&self, Texts { all, ends }: &Texts, has_it: &mut [bool]) {
        let (mut at, mut row) = (0, 0);
        while let Some(found) = self.pattern.find_at(all.as_bytes(), at) {
            row += ends[row..].partition_point(|end| *end <= found.start());
            let end = ends[row];
            if found.end() <= end {
                has_it[row] = true;
                at = end;
            } else {
                // It runs into the next cell, as all do that begin later in this one, up to the difference that
                // case makes to lengths.
                let has_room = found.start() + 1 + self.least_bytes <= end;
                at = if has_room { found.start() + 1 } else { end };
            }
        }
    }
}

/// The values as they are read, without the escapes in their strings.
fn unescaped(texts: &Texts) -> Texts {
    let mut all = Vec::with_capacity(texts.all.len());
    let mut start = 0;
    let ends = texts.ends.iter().map(|end| {
        let add = |piece: &[u8], start: usize, end: usize| all.extend_from_slice(&piece[start..end]);
        unescape(texts.all.as_bytes(), start, *end, add);
        start = *end;
        all.len()
    });
    let ends = ends.collect();
    Texts { all: String::from_utf8_lossy(&all).into_owned(), ends }
}
