//! The cells of `review.csv` as spreadsheets write it: in any of their encodings, with commas,
//! semicolons or tabs.

use csv::{ReaderBuilder, StringRecord};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::collections::BTreeMap;

/// What separates the cells, the most usual first.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// Columns that every line has.
const REQUIRED: [&str; 3] = ["class", "region", "decision"];

/// Columns that are read.
const COLUMNS: [&str; 11] = [
    "class",
    "region",
    "decision",
    "note",
    "verdict",
    "effect",
    "unit",
    "declared",
    "expires",
    "reviewer",
    "decided_at",
];

/// One line with its cells by column.
pub struct Line {
    /// From 1.
    pub number: u64,
    cells: BTreeMap<&'static str, String>,
}

/// Why a file is not understood, and in which line.
pub struct Fault {
    pub line: u64,
    pub message: String,
}

impl Line {
    /// The cell of a column; empty where the line or the file does not have it.
    pub fn cell(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

/// The lines of a file, without its header and empty lines.
///
/// # Errors
/// When the bytes are no text, the header lacks a column, or a line does not fit the header.
pub fn lines(bytes: &[u8]) -> Result<Vec<Line>, Fault> {
    let text = decoded(bytes)?;
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }

    let (text, skipped_lines) = without_separator_line(&text);
    let delimiter = delimiter(text);
    let records = records(text, delimiter, skipped_lines)?;
    let mut records = records.into_iter();
    let Some((header_line, header)) = records.next() else {
        return Ok(Vec::new());
    };

    let columns = columns(&header, header_line)?;
    records
        .map(|(number, record)| line(number, &record, &columns))
        .collect()
}

/// The text of a file: its encoding is told by its first bytes, and is that of Windows where the
/// bytes are no UTF-8.
fn decoded(bytes: &[u8]) -> Result<String, Fault> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(fault(
            1,
            "it is a workbook of a spreadsheet: save it as CSV",
        ));
    }

    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let encoding = marked.unwrap_or_else(|| guessed(bytes));
    let (text, _, has_errors) = encoding.decode(bytes);
    if has_errors || text.contains('\0') {
        let name = encoding.name();
        let message = format!("it is no text in {name}: save it as CSV in UTF-8");
        return Err(fault(1, &message));
    }
    Ok(text.into_owned())
}

fn guessed(bytes: &[u8]) -> &'static Encoding {
    match bytes {
        // The first letter of a header, in two bytes.
        [_, 0, ..] => UTF_16LE,
        [0, _, ..] => UTF_16BE,
        _ if std::str::from_utf8(bytes).is_ok() => UTF_8,
        _ => WINDOWS_1252,
    }
}

/// The text without a first line `sep=;`, which some spreadsheets write; and the number of lines
/// that were left out.
fn without_separator_line(text: &str) -> (&str, u64) {
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    let (first, rest) = text.split_at(end);
    if !first.trim_matches('"').to_lowercase().starts_with("sep=") {
        return (text, 0);
    }
    let rest = rest.strip_prefix('\r').unwrap_or(rest);
    (rest.strip_prefix('\n').unwrap_or(rest), 1)
}

/// The separator that gives the header its columns; a comma where none does.
fn delimiter(text: &str) -> u8 {
    let gives_columns = |delimiter: &u8| {
        let header = records(text, *delimiter, 0).ok();
        let header = header.and_then(|records| records.into_iter().next());
        header.is_some_and(|(line, header)| columns(&header, line).is_ok())
    };
    let found = DELIMITERS.into_iter().find(gives_columns);
    found.unwrap_or(DELIMITERS[0])
}

/// The records that are not empty, with their lines.
fn records(text: &str, delimiter: u8, before: u64) -> Result<Vec<(u64, StringRecord)>, Fault> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());

    let is_unclosed = text.matches('"').count() % 2 == 1;
    let mut records = Vec::new();
    let mut line = before + 1;
    for record in reader.records() {
        let record = record.map_err(|e| fault(line, &e.to_string()))?;
        // The reader counts line feeds only.
        let height = record.iter().map(line_breaks).sum::<u64>();
        if is_unclosed && height > 0 {
            return Err(fault(
                line,
                "a quote is opened and not closed: close it or remove it",
            ));
        }
        let position = record.position().map_or(line, |at| before + at.line());
        line = line.max(position);
        if record.iter().any(|cell| !cell.trim().is_empty()) {
            records.push((line, record));
        }
        line += height + 1;
    }
    Ok(records)
}

fn line_breaks(cell: &str) -> u64 {
    let feeds = cell.matches('\n').count();
    let returns = cell.matches('\r').count() - cell.matches("\r\n").count();
    (feeds + returns) as u64
}

/// The columns of the header by their places.
fn columns(header: &StringRecord, line: u64) -> Result<Vec<Option<&'static str>>, Fault> {
    let mut columns = Vec::new();
    for title in header {
        let title = title.trim().to_lowercase();
        let known = COLUMNS.into_iter().find(|column| *column == title);
        if known.is_some() && columns.contains(&known) {
            let message = format!("the column {title} is there twice: remove one");
            return Err(fault(line, &message));
        }
        columns.push(known);
    }

    for column in REQUIRED {
        if !columns.contains(&Some(column)) {
            let found: Vec<&str> = header.iter().collect();
            let message = format!(
                "there is no column {column} (found: {}); the first line is {}, as the report \
                 exports it",
                found.join(", "),
                COLUMNS.join(",")
            );
            return Err(fault(line, &message));
        }
    }
    Ok(columns)
}

fn line(
    number: u64,
    record: &StringRecord,
    columns: &[Option<&'static str>],
) -> Result<Line, Fault> {
    let mut cells = BTreeMap::new();
    for (place, cell) in record.iter().enumerate() {
        match columns.get(place) {
            Some(Some(column)) => {
                cells.insert(*column, cell.to_owned());
            }
            Some(None) => {}
            None if cell.trim().is_empty() => {}
            None => {
                let message = format!(
                    "{} cells, but the header has {}: put a note with a separator into quotes",
                    record.len(),
                    columns.len()
                );
                return Err(fault(number, &message));
            }
        }
    }

    for column in ["class", "region"] {
        let cell = cells.get(column).map_or("", String::as_str);
        if cell.trim().is_empty() {
            return Err(fault(number, &format!("the cell of {column} is empty")));
        }
        if line_breaks(cell) > 0 {
            let message = format!("{column} {cell:?} goes over several lines: check the quotes");
            return Err(fault(number, &message));
        }
    }
    Ok(Line { number, cells })
}

fn fault(line: u64, message: &str) -> Fault {
    Fault {
        line,
        message: message.to_owned(),
    }
}
