//! Manifests in CSV and TSV.

use super::manifest_row::{
    ManifestRow, RequiredColumns, RowError, RowResult, is_true, no_split_column,
};
use crate::dataset::csv_table::{BoundedCsv, bad_row, column, find_column, line_of};
use crate::error::{Error, Result};
use csv::{ReaderBuilder, StringRecord};
use std::path::Path;

/// Positions of the columns that are used.
struct Columns {
    path: usize,
    label: usize,
    split: Option<usize>,
    group: Option<usize>,
    presence: Vec<(usize, String)>,
}

/// Streams the rows of a file.
///
/// # Errors
/// When the file cannot be opened, or lacks a column.
pub fn rows(
    manifest: &Path,
    delimiter: u8,
    required: &RequiredColumns<'_>,
) -> Result<impl Iterator<Item = RowResult> + Send + use<>> {
    let what = format!("read the manifest {}", manifest.display());
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter);
    let mut reader = BoundedCsv::open(&builder, manifest).map_err(Error::cause(&what))?;
    let header = reader.headers().map_err(Error::cause(&what))?;
    let columns = Columns::find(header, required, manifest)?;

    let file = manifest.to_path_buf();
    let records = std::iter::from_fn(move || reader.next());
    Ok(records.map(move |record| match record {
        Ok(record) => Ok(columns.row(&record)),
        Err(error) if error.is_io_error() => {
            let file = file.display();
            Err(RowError::End(format!(
                "{file} cannot be read further: {error}"
            )))
        }
        Err(error) => Err(RowError::Row(bad_row(&file, &error))),
    }))
}

impl Columns {
    fn find(
        header: &StringRecord,
        required: &RequiredColumns<'_>,
        manifest: &Path,
    ) -> Result<Self> {
        let path = column(header, "path", manifest)?;
        let label = column(header, "label", manifest)?;
        let split = find_column(header, "split");
        if required.split && split.is_none() {
            return Err(no_split_column(manifest));
        }

        let mut presence = Vec::new();
        for name in required.presence {
            presence.push((column(header, name, manifest)?, name.clone()));
        }
        Ok(Self {
            path,
            label,
            split,
            group: find_column(header, "group"),
            presence,
        })
    }

    fn row(&self, record: &StringRecord) -> ManifestRow {
        let mut flags = Vec::new();
        for (column, name) in &self.presence {
            if is_true(cell(record, *column)) {
                flags.push(name.clone());
            }
        }
        ManifestRow {
            path: cell(record, self.path).to_owned(),
            label: cell(record, self.label).to_owned(),
            split: optional_cell(record, self.split),
            group: optional_cell(record, self.group),
            flags,
            line: line_of(record.position()),
        }
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
