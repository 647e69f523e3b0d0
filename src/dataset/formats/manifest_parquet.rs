//! Manifests in Parquet.

use super::manifest_row::{
    ManifestRow, RequiredColumns, RowError, RowResult, is_true, no_split_column,
};
use crate::dataset::parquet::frames;
use crate::dataset::problem::Problem;
use crate::error::{Error, Result, guarded};
use polars::prelude::{Column, DataFrame};
use std::path::{Path, PathBuf};

/// Rows that are read at once.
const ROWS_PER_FRAME: usize = 65_536;
/// Longest path, label, split or group: the longest path of Linux.
const CELL_BYTES_MAX: usize = 4096;
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
                let file = self.file.display();
                let message = format!("{file} cannot be read further: {error}");
                Some(vec![Err(RowError::End(message))])
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
        let [path, label, split, group] = COLUMNS.map(|name| frames::column(frame, name));
        let mut presence = Vec::new();
        for name in &self.presence {
            presence.push((name, frames::column(frame, name)));
        }

        let row = |i: usize| -> Result<ManifestRow, String> {
            let mut flags = Vec::new();
            for (name, column) in &presence {
                if cell(*column, i)?.is_some_and(|text| is_true(&text)) {
                    flags.push((*name).clone());
                }
            }
            Ok(ManifestRow {
                path: cell(path, i)?.unwrap_or_default(),
                label: cell(label, i)?.unwrap_or_default(),
                split: cell(split, i)?,
                group: cell(group, i)?,
                flags,
                line: self.line(i),
            })
        };
        let bad_row = |i, message| {
            let problem = Problem::at_line("bad_row", &self.file, self.line(i), message);
            RowError::Row(problem)
        };
        let rows = 0..frame.height();
        rows.map(|i| row(i).map_err(|message: String| bad_row(i, message)))
            .collect()
    }

    fn line(&self, row: usize) -> u64 {
        (self.start + row + 1) as u64
    }
}

/// The text of a cell; `None` where it is null or empty, an error where it is too long.
fn cell(column: Option<&Column>, row: usize) -> Result<Option<String>, String> {
    let Some(column) = column else {
        return Ok(None);
    };
    let value = column.get(row).map_err(|error| error.to_string())?;
    let text = match value.get_str() {
        // A dictionary repeats a long text at no cost, so its length comes first.
        Some(text) if text.len() > CELL_BYTES_MAX => {
            return Err(format!(
                "`{}` is a text of {} bytes, more than {CELL_BYTES_MAX}",
                column.name(),
                text.len()
            ));
        }
        Some(text) => text.to_owned(),
        None if value.is_null() => return Ok(None),
        None => value.to_string(),
    };
    Ok((!text.is_empty()).then_some(text))
}
