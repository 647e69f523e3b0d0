//! CSV tables with line numbers, read row by row.

use super::problem::{self, Problem};
use crate::bounded::{self, Allowance, Bounded};
use crate::error::{Error, Result};
use crate::plan::ProblemAction;
use crate::plan::problems::Policy;
use csv::{Position, Reader, ReaderBuilder, StringRecord};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The code of a row with a line break in a quoted field.
const NEWLINE_IN_FIELD: &str = "newline_in_field";
/// Largest row. The rows of ImageNet's solutions take 10 kB at most, those of ten thousand boxes
/// half a megabyte; a file without line ends would be one row.
const ROW_BYTES_MAX: u64 = 16 << 20;
/// Columns that the message lists if one is missing.
const COLUMNS_LISTED_MAX: usize = 30;

/// A CSV file whose rows are read one by one.
pub struct CsvTable {
    /// Empty where the file has no header.
    pub header: StringRecord,
    rows: CsvRows,
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
    let rows = CsvRows::open(builder, file, LineBreaks::Refused);
    let mut rows = rows.map_err(Error::cause(&what))?;
    let header = if rows.reader.has_headers() {
        rows.header().map_err(Error::cause(&what))?.clone()
    } else {
        StringRecord::new()
    };
    Ok(CsvTable { header, rows })
}

impl CsvTable {
    /// The next row that can be parsed; the others become problems.
    ///
    /// # Errors
    /// When the file cannot be read further.
    pub fn next(&mut self, problems: &mut Vec<Problem>) -> Result<Option<CsvRow>> {
        for row in &mut self.rows {
            match row {
                Ok(row) => return Ok(Some(row)),
                Err(RowError::Bad(bad)) => problem::add(problems, bad.problem),
                Err(RowError::End(message)) => return Err(Error::new(message)),
            }
        }
        Ok(None)
    }
}

/// Why there is no row.
pub enum RowError {
    Bad(BadRow),
    /// The file cannot be read further.
    End(String),
}

/// A part of a file that gives no row.
pub struct BadRow {
    pub problem: Problem,
    /// Lines of the file that are lost; each may have been a row.
    pub lines: u64,
}

/// What becomes of a row with a line break in a quoted field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineBreaks {
    /// It is no row. Where one quotation mark is missing or too many, such a field swallows the
    /// rows that follow.
    Refused,
    /// It is a problem, and a row.
    Accepted,
}

impl LineBreaks {
    /// By what the pipeline chose for the problem.
    pub fn of_policy(policy: &Policy) -> Self {
        match policy.severity(NEWLINE_IN_FIELD) {
            ProblemAction::Ignore => Self::Accepted,
            ProblemAction::Skip | ProblemAction::Error => Self::Refused,
        }
    }
}

/// The rows of a CSV file, one by one, each up to the limit.
pub struct CsvRows {
    reader: Reader<Bounded<File>>,
    allowance: Allowance,
    file: PathBuf,
    line_breaks: LineBreaks,
    /// A row that follows its problem.
    next: Option<CsvRow>,
    is_at_end: bool,
}

impl CsvRows {
    /// Opens a regular file.
    pub fn open(
        builder: &ReaderBuilder,
        file: &Path,
        line_breaks: LineBreaks,
    ) -> std::io::Result<Self> {
        let allowance = Allowance::new("a row", ROW_BYTES_MAX);
        let opened = Bounded::new(bounded::open(file)?, &allowance);
        Ok(Self {
            reader: builder.from_reader(opened),
            allowance,
            file: file.to_path_buf(),
            line_breaks,
            next: None,
            is_at_end: false,
        })
    }

    pub fn header(&mut self) -> csv::Result<&StringRecord> {
        self.reader.headers()
    }

    fn checked(&mut self, record: StringRecord) -> Result<CsvRow, BadRow> {
        let line = line_of(record.position());
        let breaks: usize = record.iter().map(|field| field.matches('\n').count()).sum();
        let row = CsvRow { record, line };
        if breaks == 0 {
            return Ok(row);
        }

        let message = format!(
            "a quoted field runs over {breaks} line breaks, so that up to {breaks} rows are lost \
             in it: a quotation mark is missing or too many"
        );
        let problem = Problem::at_line(NEWLINE_IN_FIELD, &self.file, line, message);
        let lines = match self.line_breaks {
            LineBreaks::Refused => 1 + breaks as u64,
            LineBreaks::Accepted => {
                self.next = Some(row);
                0
            }
        };
        Err(BadRow { problem, lines })
    }

    /// The problem of a row that cannot be parsed.
    fn bad_row(&self, error: &csv::Error) -> BadRow {
        let line = line_of(error.position());
        let lines = self.reader.position().line().saturating_sub(line).max(1);

        let mut message = error.to_string();
        if lines > 1 {
            message += &format!("; it runs over {lines} lines: a quotation mark is missing");
        }
        BadRow {
            problem: Problem::at_line("bad_row", &self.file, line, message),
            lines,
        }
    }
}

impl Iterator for CsvRows {
    type Item = Result<CsvRow, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.next.take() {
            return Some(Ok(row));
        }
        if self.is_at_end {
            return None;
        }

        self.allowance.renew();
        let mut record = StringRecord::new();
        match self.reader.read_record(&mut record) {
            Ok(true) => Some(self.checked(record).map_err(RowError::Bad)),
            Ok(false) => None,
            Err(error) if error.is_io_error() => {
                self.is_at_end = true;
                let line = line_of(Some(self.reader.position()));
                Some(Err(RowError::End(format!(
                    "{}:{line} cannot be read further: {error}",
                    self.file.display()
                ))))
            }
            Err(error) => Some(Err(RowError::Bad(self.bad_row(&error)))),
        }
    }
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
    let marks = [";", "\t", "|"].map(|mark| (columns.matches(mark).count(), mark));
    let most = marks.into_iter().max_by_key(|(count, _)| *count);
    let most = most.filter(|(count, _)| header.len() == 1 && *count > 0);
    let remedy = most.map(|(_, mark)| format!("; separate the columns by `,` instead of {mark:?}"));
    Err(Error::new(format!(
        "{}:1: there is no column `{name}` (found: {columns}){}",
        file.display(),
        remedy.unwrap_or_default()
    )))
}
