//! Results on stdout, warnings on stderr, tables at the width of the terminal.

use crate::error::{Error, Result};
use crate::runs::escape;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use console::Style;
use std::io::{ErrorKind, Write};

/// Writes a result to stdout; a closed pipe is no error.
pub fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Error::new(format!("failed to write to stdout: {e}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line to stderr.
pub fn eprint(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes a warning to stderr.
pub fn warn(message: &str) {
    let word = Style::new().yellow().for_stderr().apply_to("warning:");
    eprint(&format!("{word} {}", printable(message)));
}

/// Text from files without control characters; messages of several lines keep them.
pub fn printable(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(crate::report::printable).collect();
    lines.join("\n")
}

/// A cell of a CSV that is printed. A spreadsheet may open it, so that a text which begins as a
/// formula gets an apostrophe; `is_raw` leaves it as it is, for programs. A terminal gets no
/// control characters.
pub fn csv_cell(text: &str, is_raw: bool) -> String {
    let text = if console::Term::stdout().is_term() {
        printable(text)
    } else {
        text.to_owned()
    };
    if is_raw { text } else { escape(&text) }
}

/// Columns of the terminal, 80 where there is none.
pub fn terminal_width() -> u16 {
    let size = console::Term::stdout().size_checked();
    size.map_or(80, |(_, columns)| columns.clamp(60, 160))
}

/// An empty table with lines around it and under its header.
pub fn empty_table() -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(terminal_width());
    table
}

/// A table of texts from files.
pub fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = empty_table();
    table.set_header(header);
    for row in rows {
        table.add_row(row.map(|cell| printable(&cell)));
    }
    format!("{table}\n")
}
