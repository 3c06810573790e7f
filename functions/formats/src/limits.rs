//! The bounds that keep memory independent of the file.

/// What a file may ask for, and how its rows are laid out.
#[derive(Clone, Debug)]
pub struct Limits {
    /// More columns than this are refused.
    pub max_columns: usize,
    /// All column names together may have this many bytes, written as JSON.
    pub max_names_bytes: usize,
    /// A row longer than this, as it stands in the file, is refused.
    pub max_row_bytes: usize,
    /// Deeper nesting in a JSON value is refused.
    pub max_depth: usize,
    /// How much of a file is read at once.
    pub chunk_bytes: usize,
    /// How much of cells is gathered before it is encoded.
    pub batch_bytes: usize,
    /// A row group ends when its cells have this many bytes.
    pub row_group_bytes: usize,
    /// A page ends when its values have about this many bytes.
    pub page_bytes: usize,
}

impl Limits {
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
            max_row_bytes: 16 << 20,
            max_depth: 64,
            chunk_bytes: 512 << 10,
            batch_bytes: 1 << 20,
            row_group_bytes: 8 << 20,
            page_bytes: 64 << 10,
        }
    }
}
