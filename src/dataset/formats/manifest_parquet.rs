//! Manifests in Parquet.

use super::manifest_row::{ManifestRow, RequiredColumns, RowResult, is_true, no_split_column};
use crate::dataset::parquet::frames;
use crate::dataset::problem::Problem;
use crate::error::{Error, Result, guarded};
use polars::prelude::DataFrame;
use std::path::{Path, PathBuf};

/// Rows that are read at once.
const ROWS_PER_FRAME: usize = 65_536;
/// Columns that are read where they exist.
const COLUMNS: [&str; 4] = ["path", "label", "split", "group"];

/// Streams the rows of a file.
///
/// # Errors
/// When the first rows cannot be read, or a column is missing.
pub fn rows(
    manifest: &Path,
    required: &RequiredColumns<'_>,
) -> Result<impl Iterator<Item = RowResult> + Send + use<>> {
    let columns = used_columns(manifest, required)?;
    let first = frames::read(manifest, Some(columns.clone()), 0, ROWS_PER_FRAME)?;
    let frames = Frames {
        file: manifest.to_path_buf(),
        columns,
        presence: required.presence.to_vec(),
        first: Some(first),
        start: 0,
        is_broken: false,
    };
    Ok(frames.flatten())
}

/// The columns to read.
fn used_columns(manifest: &Path, required: &RequiredColumns<'_>) -> Result<Vec<String>> {
    let metadata = frames::metadata(manifest)?;
    let existing = frames::columns(&metadata);
    let presence = required.presence.iter().map(String::as_str);
    for name in ["path", "label"].into_iter().chain(presence) {
        if !existing.iter().any(|column| column == name) {
            return Err(Error::new(format!(
                "{}: there is no column `{name}` (found: {})",
                manifest.display(),
                existing.join(", ")
            )));
        }
    }
    if required.split && !existing.iter().any(|column| column == "split") {
        return Err(no_split_column(manifest));
    }

    let mut used = existing;
    used.retain(|name| COLUMNS.contains(&name.as_str()) || required.presence.contains(name));
    Ok(used)
}

/// The rows of a file, frame by frame.
struct Frames {
    file: PathBuf,
    columns: Vec<String>,
    presence: Vec<String>,
    /// Read before, so that a file that cannot be read is an error.
    first: Option<DataFrame>,
    /// The first row that is not read yet.
    start: usize,
    is_broken: bool,
}

impl Iterator for Frames {
    type Item = Vec<RowResult>;

    fn next(&mut self) -> Option<Vec<RowResult>> {
        if self.is_broken {
            return None;
        }
        match self.read_rows() {
            Ok(rows) if rows.is_empty() => None,
            Ok(rows) => {
                self.start += ROWS_PER_FRAME;
                Some(rows)
            }
            Err(error) => {
                self.is_broken = true;
                let message = format!("cannot be read further: {error}");
                let problem = Problem::in_file("bad_file", &self.file, message);
                Some(vec![Err(problem)])
            }
        }
    }
}

impl Frames {
    fn read_rows(&mut self) -> Result<Vec<RowResult>> {
        let frame = match self.first.take() {
            Some(first) => first,
            None => {
                let columns = Some(self.columns.clone());
                frames::read(&self.file, columns, self.start, ROWS_PER_FRAME)?
            }
        };
        // polars panics on some column types.
        guarded(|| self.rows_of(&frame))
            .ok_or_else(|| Error::new("it holds types that cannot be read"))
    }

    fn rows_of(&self, frame: &DataFrame) -> Vec<RowResult> {
        let mut rows = Vec::with_capacity(frame.height());
        for i in 0..frame.height() {
            rows.push(Ok(self.row(frame, i)));
        }
        rows
    }

    fn row(&self, frame: &DataFrame, i: usize) -> ManifestRow {
        let mut flags = Vec::new();
        for name in &self.presence {
            if cell(frame, name, i).is_some_and(|text| is_true(&text)) {
                flags.push(name.clone());
            }
        }
        ManifestRow {
            path: cell(frame, "path", i).unwrap_or_default(),
            label: cell(frame, "label", i).unwrap_or_default(),
            split: cell(frame, "split", i),
            group: cell(frame, "group", i),
            flags,
            line: (self.start + i + 1) as u64,
        }
    }
}

/// The text of a cell; `None` where it is null or empty.
fn cell(frame: &DataFrame, column: &str, row: usize) -> Option<String> {
    let value = frame.column(column).ok()?.get(row).ok()?;
    if value.is_null() {
        return None;
    }
    let text = match value.get_str() {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    };
    (!text.is_empty()).then_some(text)
}
