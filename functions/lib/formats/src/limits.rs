//! Limits that bound memory, whatever the file.

use std::num::NonZero;

/// One thread parses, and keeps about three others busy with compression.
const MAX_THREADS: usize = 4;

/// Pages are not made smaller than this for there being many columns.
const MIN_PAGE_BYTES: usize = 16 << 10;

/// Limits of files, and the layout of row groups and pages.
#[derive(Clone, Debug)]
pub struct Limits {
    /// More columns than this are refused.
    pub max_columns: usize,
    /// All column names together may have this many bytes, written as JSON.
    pub max_names_bytes: usize,
    /// Rows times columns of a JSON file, keys that an object does not have included. A CSV file has a byte for each.
    pub max_cells: u64,
    /// A row longer than this, as it stands in the file, is refused.
    pub max_row_bytes: usize,
    /// Deeper nesting in a JSON value is refused.
    pub max_depth: usize,
    /// How much of a file is read at once.
    pub chunk_bytes: usize,
    /// How much of a JSON file is looked at before its first row is written.
    pub look_ahead_bytes: usize,
    /// A row group ends when its rows had about this many bytes.
    pub row_group_bytes: usize,
    /// A column's page ends when its values have this many bytes, or sooner, so that the pages of all columns
    /// that hold a row have not much more than [`Limits::row_pages_bytes`].
    pub page_bytes: usize,
    /// Bytes that must be read to read one row.
    pub row_pages_bytes: usize,
    /// Threads that parse and compress, the calling one included.
    pub threads: usize,
}

impl Limits {
    /// The defaults, on as many of the machine's processors as there is work for.
    pub fn on_all_processors() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { threads: threads.min(MAX_THREADS), ..Self::default() }
    }

    /// How many bytes a page has in a table of so many columns. Pages that are
    /// smaller still would not compress.
    pub(crate) fn page_bytes_of(&self, columns: usize) -> usize {
        let share = self.row_pages_bytes / columns;
        share.max(MIN_PAGE_BYTES).min(self.page_bytes)
    }

    /// What a column's name counts for [`Limits::max_names_bytes`]: whoever
    /// keeps names keeps them as JSON, where a character can take six bytes.
    pub(crate) fn name_bytes(name: &str) -> usize {
        serde_json::to_string(name).map_or(usize::MAX, |text| text.len() + 1)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_columns: 4_096,
            max_names_bytes: 256 << 10,
            max_cells: 250_000_000,
            max_row_bytes: 16 << 20,
            max_depth: 64,
            chunk_bytes: 128 << 10,
            look_ahead_bytes: 1 << 20,
            row_group_bytes: 8 << 20,
            page_bytes: 512 << 10,
            row_pages_bytes: 3 << 20,
            threads: 1,
        }
    }
}
