//! Rows of a manifest, whatever kind of file they come from.

use crate::dataset::cells;
use crate::dataset::csv_table::RowError;
use crate::error::{Error, Result};
use crate::plan::Columns;
use std::path::Path;

/// One image of a manifest. Empty text stands for a missing path or label.
#[derive(Default)]
pub struct ManifestRow {
    pub path: String,
    pub label: String,
    pub split: Option<String>,
    pub group: Option<String>,
    /// Presence columns that are true.
    pub flags: Vec<String>,
    /// Cells that are not empty of the columns that no key names, and of the splits.
    pub cells: Vec<(String, String)>,
    /// Presence columns whose cell is no flag, with the cell.
    pub bad_flags: Vec<(String, String)>,
    pub line: u64,
}

impl ManifestRow {
    /// Adds the cell of a presence column. An empty cell stands for an absent region.
    pub fn add_flag(&mut self, column: &str, cell: &str) {
        match cells::flag(cell) {
            Some(true) => self.flags.push(column.to_owned()),
            Some(false) => {}
            None if cell.trim().is_empty() => {}
            None => self.bad_flags.push((column.to_owned(), cell.to_owned())),
        }
    }
}

/// A row, or why it cannot be read.
pub type RowResult = Result<ManifestRow, RowError>;

/// The columns that the pipeline names.
pub struct UsedColumns<'a> {
    pub names: &'a Columns,
    /// Whether the column of the splits has to exist.
    pub needs_split: bool,
    pub presence: &'a [String],
    /// Whether the cells of all other columns are kept.
    pub keeps_cells: bool,
}

impl UsedColumns<'_> {
    /// Whether the cells of a column are kept.
    pub fn keeps(&self, column: &str) -> bool {
        let names = self.names;
        let is_used = [names.path(), names.label(), names.group()].contains(&column);
        self.keeps_cells && !is_used && !self.presence.iter().any(|name| name == column)
    }
}

pub fn no_split_column(manifest: &Path, name: &str) -> Error {
    Error::new(format!(
        "{}: dataset.splits is set, but there is no column `{name}`",
        manifest.display()
    ))
}
