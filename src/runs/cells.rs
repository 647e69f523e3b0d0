//! Cells of CSV files that a spreadsheet opens: a text must not be read as a formula.

/// The cell as it is written: an apostrophe makes it a text.
pub fn escape(cell: &str) -> String {
    if is_formula(cell) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// Removes the apostrophe of [`escape`].
pub fn unescape(cell: &str) -> String {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest.to_owned(),
        _ => cell.to_owned(),
    }
}

/// Whether a spreadsheet reads the cell as a formula, or it begins with an apostrophe of its own.
/// Blanks before the sign do not keep it from that.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['\t', '\r', '\n', '\''])
        || cell
            .trim_start()
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}
