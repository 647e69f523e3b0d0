//! Manifests in CSV and TSV.

use super::manifest_row::{ManifestRow, RowResult, UsedColumns, no_split_column};
use crate::dataset::csv_table::{CsvRow, CsvRows, LineBreaks, column, find_column};
use crate::error::{Error, Result};
use csv::{ReaderBuilder, StringRecord};
use std::path::Path;

/// Positions of the columns that are used.
struct Positions {
    path: usize,
    label: usize,
    split: Option<usize>,
    group: Option<usize>,
    presence: Vec<(usize, String)>,
    kept: Vec<(usize, String)>,
}

/// Streams the rows of a file.
///
/// # Errors
/// When the file cannot be opened, or lacks a column.
pub fn rows(
    manifest: &Path,
    delimiter: u8,
    line_breaks: LineBreaks,
    used: &UsedColumns<'_>,
) -> Result<impl Iterator<Item = RowResult> + Send + use<>> {
    let what = format!("read the manifest {}", manifest.display());
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter);
    let rows = CsvRows::open(&builder, manifest, line_breaks);
    let mut rows = rows.map_err(Error::cause(&what))?;
    let header = rows.header().map_err(Error::cause(&what))?;
    let positions = Positions::find(header, used, manifest)?;

    Ok(rows.map(move |row| Ok(positions.row(&row?))))
}

impl Positions {
    fn find(header: &StringRecord, used: &UsedColumns<'_>, manifest: &Path) -> Result<Self> {
        let names = used.names;
        let path = column(header, names.path(), manifest)?;
        let label = column(header, names.label(), manifest)?;
        let split = find_column(header, names.split());
        if used.needs_split && split.is_none() {
            return Err(no_split_column(manifest, names.split()));
        }

        let mut presence = Vec::new();
        for name in used.presence {
            presence.push((column(header, name, manifest)?, name.clone()));
        }
        let columns = header.iter().map(str::trim).enumerate();
        let kept = columns.filter(|(_, name)| used.keeps(name));
        Ok(Self {
            path,
            label,
            split,
            group: find_column(header, names.group()),
            presence,
            kept: kept.map(|(i, name)| (i, name.to_owned())).collect(),
        })
    }

    fn row(&self, row: &CsvRow) -> ManifestRow {
        let record = &row.record;
        let mut found = ManifestRow {
            path: cell(record, self.path).to_owned(),
            label: cell(record, self.label).to_owned(),
            split: optional_cell(record, self.split),
            group: optional_cell(record, self.group),
            line: row.line,
            ..ManifestRow::default()
        };
        for (column, name) in &self.presence {
            found.add_flag(name, cell(record, *column));
        }
        for (column, name) in &self.kept {
            let cell = optional_cell(record, Some(*column));
            found.cells.extend(cell.map(|cell| (name.clone(), cell)));
        }
        found
    }
}

fn cell(record: &StringRecord, column: usize) -> &str {
    record.get(column).unwrap_or_default().trim()
}

/// The text of an optional column; `None` where it is empty.
fn optional_cell(record: &StringRecord, column: Option<usize>) -> Option<String> {
    let text = cell(record, column?);
    (!text.is_empty()).then(|| text.to_owned())
}
