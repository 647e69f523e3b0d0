//! Manifests in Parquet.

use super::manifest_row::{ManifestRow, RowResult, UsedColumns, no_split_column};
use crate::dataset::csv_table::{BadRow, RowError};
use crate::dataset::parquet::frames;
use crate::dataset::problem::Problem;
use crate::error::{Error, Result, guarded};
use crate::plan::Columns;
use polars::prelude::{AnyValue, Column, DataFrame};
use std::path::{Path, PathBuf};

/// Rows that are read at once.
const ROWS_PER_FRAME: usize = 65_536;
/// Longest path, label, split or group: the longest path of Linux.
const CELL_BYTES_MAX: usize = 4096;

/// Streams the rows of a file.
///
/// # Errors
/// When the first rows cannot be read, or a column is missing.
pub fn rows(
    manifest: &Path,
    used: &UsedColumns<'_>,
) -> Result<impl Iterator<Item = RowResult> + Send + use<>> {
    let (columns, kept) = columns_to_read(manifest, used)?;
    let first = frames::read(manifest, Some(columns.clone()), 0, ROWS_PER_FRAME)?;
    let frames = Frames {
        file: manifest.to_path_buf(),
        columns,
        names: used.names.clone(),
        presence: used.presence.to_vec(),
        kept,
        first: Some(first),
        start: 0,
        is_broken: false,
    };
    Ok(frames.flatten())
}

/// The columns to read, and those of them whose cells are kept.
fn columns_to_read(manifest: &Path, used: &UsedColumns<'_>) -> Result<(Vec<String>, Vec<String>)> {
    let metadata = frames::metadata(manifest)?;
    let existing = frames::columns(&metadata);
    let names = used.names;
    let presence = used.presence.iter().map(String::as_str);
    for name in [names.path(), names.label()].into_iter().chain(presence) {
        if !existing.iter().any(|column| column == name) {
            return Err(Error::new(format!(
                "{}: there is no column `{name}` (found: {})",
                manifest.display(),
                existing.join(", ")
            )));
        }
    }
    if used.needs_split && !existing.iter().any(|column| column == names.split()) {
        return Err(no_split_column(manifest, names.split()));
    }

    let known = [names.path(), names.label(), names.split(), names.group()];
    let kept = plain_columns(manifest, &existing, used)?;
    let mut columns = existing;
    columns.retain(|name| {
        known.contains(&name.as_str()) || used.presence.contains(name) || kept.contains(name)
    });
    Ok((columns, kept))
}

/// The columns of text, numbers and flags whose cells are kept; others may hold pictures.
fn plain_columns(
    manifest: &Path,
    existing: &[String],
    used: &UsedColumns<'_>,
) -> Result<Vec<String>> {
    let mut kept = existing.to_vec();
    kept.retain(|name| used.keeps(name));
    if kept.is_empty() {
        return Ok(kept);
    }
    let first = frames::read(manifest, Some(kept.clone()), 0, 1)?;
    kept.retain(|name| {
        let kind = frames::column(&first, name).map(Column::dtype);
        kind.is_some_and(|kind| kind.is_primitive_numeric() || kind.is_string() || kind.is_bool())
    });
    Ok(kept)
}

/// The rows of a file, frame by frame.
struct Frames {
    file: PathBuf,
    columns: Vec<String>,
    names: Columns,
    presence: Vec<String>,
    kept: Vec<String>,
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
        let columns = RowColumns::find(frame, &self.names, &self.presence, &self.kept);
        let mut rows = Vec::with_capacity(frame.height());
        for i in 0..frame.height() {
            let line = (self.start + i + 1) as u64;
            let row = columns.row(i, line).map_err(|message| {
                let problem = Problem::at_line("bad_row", &self.file, line, message);
                RowError::Bad(BadRow { problem, lines: 1 })
            });
            rows.push(row);
        }
        rows
    }
}

/// The columns of a frame.
struct RowColumns<'f> {
    path: Option<&'f Column>,
    label: Option<&'f Column>,
    split: Option<&'f Column>,
    group: Option<&'f Column>,
    presence: Vec<(&'f str, Option<&'f Column>)>,
    kept: Vec<(&'f str, Option<&'f Column>)>,
}

impl<'f> RowColumns<'f> {
    fn find(
        frame: &'f DataFrame,
        names: &Columns,
        presence: &'f [String],
        kept: &'f [String],
    ) -> Self {
        let named = |names: &'f [String]| {
            let columns = names.iter();
            columns
                .map(|name| (name.as_str(), frames::column(frame, name)))
                .collect()
        };
        Self {
            path: frames::column(frame, names.path()),
            label: frames::column(frame, names.label()),
            split: frames::column(frame, names.split()),
            group: frames::column(frame, names.group()),
            presence: named(presence),
            kept: named(kept),
        }
    }

    fn row(&self, i: usize, line: u64) -> Result<ManifestRow, String> {
        let mut row = ManifestRow {
            path: cell(self.path, i)?.unwrap_or_default(),
            label: cell(self.label, i)?.unwrap_or_default(),
            split: cell(self.split, i)?,
            group: cell(self.group, i)?,
            line,
            ..ManifestRow::default()
        };
        for (name, column) in &self.presence {
            row.add_flag(name, &cell(*column, i)?.unwrap_or_default());
        }
        for (name, column) in &self.kept {
            let cell = cell(*column, i)?;
            row.cells
                .extend(cell.map(|cell| ((*name).to_owned(), cell)));
        }
        Ok(row)
    }
}

/// The text of a cell; `None` where it is null, NaN or empty, an error where it is too long.
fn cell(column: Option<&Column>, row: usize) -> Result<Option<String>, String> {
    let Some(column) = column else {
        return Ok(None);
    };
    let value = column.get(row).map_err(|error| error.to_string())?;
    // A dictionary repeats a long text at no cost, so its length comes first.
    let length = match &value {
        AnyValue::Binary(bytes) => bytes.len(),
        value => value.get_str().map_or(0, str::len),
    };
    if length > CELL_BYTES_MAX {
        return Err(format!(
            "`{}` is a text of {length} bytes, more than {CELL_BYTES_MAX}",
            column.name()
        ));
    }
    Ok(cell_text(&value).filter(|text| !text.is_empty()))
}

/// A value as text; `None` for null, NaN and bytes that are no text.
fn cell_text(value: &AnyValue<'_>) -> Option<String> {
    match value {
        AnyValue::Null => None,
        AnyValue::Float32(number) if number.is_nan() => None,
        AnyValue::Float64(number) if number.is_nan() => None,
        AnyValue::Binary(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        AnyValue::BinaryOwned(bytes) => String::from_utf8(bytes.clone()).ok(),
        _ => match value.get_str() {
            Some(text) => Some(text.to_owned()),
            None => Some(value.to_string()),
        },
    }
}
