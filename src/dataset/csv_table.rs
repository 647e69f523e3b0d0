//! CSV tables with line numbers, read row by row.

use super::problem::{self, Problem};
use crate::bounded::{self, Allowance, Bounded};
use crate::error::{Error, Result};
use csv::{Position, Reader, ReaderBuilder, StringRecord};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Largest row. The rows of ImageNet's solutions take 10 kB at most, those of ten thousand boxes
/// half a megabyte; a file without line ends would be one row.
const ROW_BYTES_MAX: u64 = 16 << 20;
/// Columns that the message lists if one is missing.
const COLUMNS_LISTED_MAX: usize = 30;

/// A CSV file whose rows are read one by one.
pub struct CsvTable {
    /// Empty where the file has no header.
    pub header: StringRecord,
    reader: BoundedCsv,
    file: PathBuf,
    what: String,
}

/// A CSV reader that fails at a row over the limit.
pub struct BoundedCsv {
    reader: Reader<Bounded<File>>,
    allowance: Allowance,
}

impl BoundedCsv {
    /// Opens a regular file.
    pub fn open(builder: &ReaderBuilder, file: &Path) -> std::io::Result<Self> {
        let allowance = Allowance::new("a row", ROW_BYTES_MAX);
        let opened = Bounded::new(bounded::open(file)?, &allowance);
        Ok(Self {
            reader: builder.from_reader(opened),
            allowance,
        })
    }

    pub fn headers(&mut self) -> csv::Result<&StringRecord> {
        self.reader.headers()
    }

    /// The next row; nothing after one that cannot be read from the file.
    pub fn next(&mut self) -> Option<csv::Result<StringRecord>> {
        self.allowance.renew();
        let mut record = StringRecord::new();
        match self.reader.read_record(&mut record) {
            Ok(true) => Some(Ok(record)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
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

/// Opens a file with a header. `key` of the pipeline names it.
pub fn open(file: &Path, key: &str) -> Result<CsvTable> {
    open_with(ReaderBuilder::new().has_headers(true), file, key)
}

/// The same for a file without a header, whose rows may differ in length.
pub fn open_headless(file: &Path, key: &str) -> Result<CsvTable> {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true);
    open_with(&builder, file, key)
}

fn open_with(builder: &ReaderBuilder, file: &Path, key: &str) -> Result<CsvTable> {
    let what = format!("read {key} {}", file.display());
    let mut reader = BoundedCsv::open(builder, file).map_err(Error::cause(&what))?;
    let header = if reader.reader.has_headers() {
        reader.headers().map_err(Error::cause(&what))?.clone()
    } else {
        StringRecord::new()
    };
    Ok(CsvTable {
        header,
        reader,
        file: file.to_path_buf(),
        what,
    })
}

impl CsvTable {
    /// The next row that can be parsed; the others become problems.
    ///
    /// # Errors
    /// When the file cannot be read further.
    pub fn next(&mut self, problems: &mut Vec<Problem>) -> Result<Option<CsvRow>> {
        loop {
            match self.reader.next() {
                None => return Ok(None),
                Some(Ok(record)) => {
                    let line = line_of(record.position());
                    return Ok(Some(CsvRow { record, line }));
                }
                Some(Err(error)) if error.is_io_error() => {
                    let line = line_of(Some(self.reader.reader.position()));
                    let what = format!("{}:{line}", self.what);
                    return Err(Error::cause(what)(error));
                }
                Some(Err(error)) => problem::add(problems, bad_row(&self.file, &error)),
            }
        }
    }
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
    let found = header.iter().take(COLUMNS_LISTED_MAX);
    let mut columns = found.collect::<Vec<_>>().join(", ");
    if header.len() > COLUMNS_LISTED_MAX {
        columns += &format!(" and {} more", header.len() - COLUMNS_LISTED_MAX);
    }
    Err(Error::new(format!(
        "{}:1: there is no column `{name}` (found: {columns})",
        file.display()
    )))
}
