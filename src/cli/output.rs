//! Results on stdout, warnings on stderr, tables at the width of the terminal.

use crate::error::{Error, Result};
use crate::report::wrap;
use crate::runs::escape;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use console::Style;
use std::io::{ErrorKind, Write};

/// Where the text behind a name begins.
const FACT_INDENT: usize = 15;

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

/// Writes why a command ended, behind the program's name, to stderr.
pub fn eprint_end(message: &str) {
    let text = format!("camaudit: {}", printable(message));
    eprint(&for_stderr(&text));
}

/// Writes a warning to stderr.
pub fn warn(message: &str) {
    const WORD: &str = "warning:";
    let text = for_stderr(&format!("{WORD} {}", printable(message)));
    let word = Style::new().yellow().for_stderr().apply_to(WORD);
    eprint(&format!("{word}{}", &text[WORD.len()..]));
}

/// A text whose lines are wrapped, each below its own indent, if stderr is a terminal.
fn for_stderr(text: &str) -> String {
    let term = console::Term::stderr();
    if !term.is_term() {
        return text.to_owned();
    }
    let width = usize::from(columns(&term));
    let mut wrapped = Vec::new();
    for line in text.lines() {
        let words = line.trim_start();
        let indent = " ".repeat(line.len() - words.len());
        let parts = wrap(words, width.saturating_sub(indent.len()));
        wrapped.extend(parts.split('\n').map(|part| format!("{indent}{part}")));
    }
    wrapped.join("\n")
}

/// A line of facts: a name, and its text behind it, in lines of the terminal's width if stdout is
/// one.
pub fn fact(name: &str, text: &str) -> String {
    let mut out = String::new();
    for (index, line) in lines(text, FACT_INDENT).iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        out += &format!("{name:<FACT_INDENT$}{line}\n");
    }
    out
}

/// Text in lines of the terminal's width, if stdout is one.
pub fn paragraph(text: &str) -> String {
    lines(text, 0).join("\n") + "\n"
}

/// The lines of a text, each wrapped in a terminal; programs get them whole.
fn lines(text: &str, indent: usize) -> Vec<String> {
    let term = console::Term::stdout();
    let width = usize::from(terminal_width()).saturating_sub(indent);
    let mut wrapped = Vec::new();
    for line in text.lines() {
        if term.is_term() {
            wrapped.extend(wrap(line, width).lines().map(str::to_owned));
        } else {
            wrapped.push(line.to_owned());
        }
    }
    wrapped
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
    columns(&console::Term::stdout())
}

/// Columns of a terminal; 80 where it does not say, or there is none.
fn columns(term: &console::Term) -> u16 {
    let size = term.size_checked();
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
