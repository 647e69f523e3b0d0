//! CSV tables with line numbers.

use super::problem::Problem;
use crate::error::{Error, Result};
use csv::{Position, ReaderBuilder, StringRecord};
use std::path::Path;

/// The rows of a CSV file.
pub struct CsvTable {
    /// Empty where the file has no header.
    pub header: StringRecord,
    pub rows: Vec<CsvRow>,
}

pub struct CsvRow {
    pub record: StringRecord,
    pub line: u64,
}

impl CsvRow {
    /// The text of a cell; empty where the row is too short.
    pub fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    /// The number in a cell; NaN where there is none.
    pub fn number(&self, column: usize) -> f64 {
        self.text(column).trim().parse().unwrap_or(f64::NAN)
    }
}

/// Reads a file with a header. `key` of the pipeline names it; rows that cannot be parsed become
/// problems.
pub fn read(file: &Path, key: &str, problems: &mut Vec<Problem>) -> Result<CsvTable> {
    read_with(ReaderBuilder::new().has_headers(true), file, key, problems)
}

/// The same for a file without a header, whose rows may differ in length.
pub fn read_headless(file: &Path, key: &str, problems: &mut Vec<Problem>) -> Result<CsvTable> {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true);
    read_with(&builder, file, key, problems)
}

fn read_with(
    builder: &ReaderBuilder,
    file: &Path,
    key: &str,
    problems: &mut Vec<Problem>,
) -> Result<CsvTable> {
    let what = format!("read {key} {}", file.display());
    let mut reader = builder.from_path(file).map_err(Error::cause(&what))?;
    let header = if reader.has_headers() {
        reader.headers().map_err(Error::cause(&what))?.clone()
    } else {
        StringRecord::new()
    };

    let mut rows = Vec::new();
    for record in reader.into_records() {
        match record {
            Ok(record) => rows.push(CsvRow {
                line: line_of(record.position()),
                record,
            }),
            Err(error) => problems.push(bad_row(file, &error)),
        }
    }
    Ok(CsvTable { header, rows })
}

/// The problem of a row that cannot be parsed.
pub fn bad_row(file: &Path, error: &csv::Error) -> Problem {
    Problem::at_line(
        "bad_row",
        file,
        line_of(error.position()),
        error.to_string(),
    )
}

/// The line of a record, from 1; 0 where it is unknown.
pub fn line_of(position: Option<&Position>) -> u64 {
    position.map_or(0, Position::line)
}

/// Position of an optional column.
pub fn find_column(header: &StringRecord, name: &str) -> Option<usize> {
    header.iter().position(|title| title.trim() == name)
}

/// Position of a required column.
///
/// # Errors
/// When there is none; names the columns that there are.
pub fn column(header: &StringRecord, name: &str, file: &Path) -> Result<usize> {
    if let Some(column) = find_column(header, name) {
        return Ok(column);
    }
    let columns = header.iter().collect::<Vec<_>>().join(", ");
    Err(Error::new(format!(
        "{}:1: there is no column `{name}` (found: {columns})",
        file.display()
    )))
}
