//! CSV tables with line numbers.

use super::problem::Problem;
use crate::error::{Error, Result};
use crate::plan::ProblemAction;
use crate::plan::problems::Policy;
use csv::{Position, ReaderBuilder, StringRecord};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The code of a row with a line break in a quoted field.
const NEWLINE_IN_FIELD: &str = "newline_in_field";

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

/// A part of a file that gives no row.
pub struct BadRow {
    pub problem: Problem,
    /// Lines of the file that are lost; each may have been a row.
    pub lines: u64,
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
    for row in CsvRows::new(reader, file, LineBreaks::Refused) {
        match row {
            Ok(row) => rows.push(row),
            Err(bad) => problems.push(bad.problem),
        }
    }
    Ok(CsvTable { header, rows })
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

/// Streams the rows of a reader whose header has been read.
pub struct CsvRows<R> {
    reader: csv::Reader<R>,
    file: PathBuf,
    line_breaks: LineBreaks,
    /// A row that follows its problem.
    next: Option<CsvRow>,
    is_at_end: bool,
}

impl<R: Read> CsvRows<R> {
    pub fn new(reader: csv::Reader<R>, file: &Path, line_breaks: LineBreaks) -> Self {
        Self {
            reader,
            file: file.to_path_buf(),
            line_breaks,
            next: None,
            is_at_end: false,
        }
    }

    fn checked(&mut self, record: StringRecord) -> Result<CsvRow, BadRow> {
        let line = line_of(record.position());
        let breaks: usize = record.iter().map(|field| field.matches('\n').count()).sum();
        let row = CsvRow { record, line };
        if breaks == 0 {
            return Ok(row);
        }

        let message = format!(
            "a quoted field runs over {breaks} line breaks, so that up to {breaks} rows are lost in \
             it: a quotation mark is missing or too many"
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

impl<R: Read> Iterator for CsvRows<R> {
    type Item = Result<CsvRow, BadRow>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.next.take() {
            return Some(Ok(row));
        }
        if self.is_at_end {
            return None;
        }

        let mut record = StringRecord::new();
        match self.reader.read_record(&mut record) {
            Ok(true) => Some(self.checked(record)),
            Ok(false) => None,
            Err(error) => {
                self.is_at_end = error.is_io_error();
                Some(Err(self.bad_row(&error)))
            }
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
    let columns = header.iter().collect::<Vec<_>>().join(", ");
    Err(Error::new(format!(
        "{}:1: there is no column `{name}` (found: {columns})",
        file.display()
    )))
}
