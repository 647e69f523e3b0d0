//! Rows of a manifest, whatever kind of file they come from.

use crate::dataset::problem::Problem;
use crate::error::{Error, Result};
use std::path::Path;

/// One image of a manifest. Empty text stands for a missing path or label.
pub struct ManifestRow {
    pub path: String,
    pub label: String,
    pub split: Option<String>,
    pub group: Option<String>,
    /// Presence columns that are true.
    pub flags: Vec<String>,
    pub line: u64,
}

/// Why a row cannot be read.
pub enum RowError {
    Row(Problem),
    /// Neither it nor those behind it.
    End(String),
}

/// A row, or why it cannot be read.
pub type RowResult = Result<ManifestRow, RowError>;

/// The optional columns that the pipeline needs.
pub struct RequiredColumns<'a> {
    pub split: bool,
    pub presence: &'a [String],
}

/// Whether the text of a presence column means that the region is present.
pub fn is_true(cell: &str) -> bool {
    ["1", "1.0", "true", "yes"].contains(&cell.to_lowercase().as_str())
}

pub fn no_split_column(manifest: &Path) -> Error {
    Error::new(format!(
        "{}: dataset.splits is set, but there is no column `split`",
        manifest.display()
    ))
}
