//! The summary for a terminal: findings, then the table of heat.

use super::heat_table::{HeatTable, TEXT_COLUMNS, shown_findings};
use super::sentences::sentence;
use super::text::{printable, wrap};
use crate::finding::Finding;
use crate::runs::documents::Summary;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// Lines around the table and under its header, none between rows.
const STYLE: TableStyle = UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());

/// The summary for a terminal of 80 columns or more.
pub fn terminal(summary: &Summary, width: u16) -> String {
    let columns = usize::from(width);
    let mut text = String::new();
    for finding in shown_findings(summary) {
        text += &finding_text(finding, columns);
    }
    for sentence in &summary.scope {
        let sentence = printable(sentence);
        text += &format!("{}\n", wrap(&format!("{sentence}."), columns));
    }
    if !text.is_empty() {
        text.push('\n');
    }

    let heat = HeatTable::new(summary);
    let table = table(&heat, width);
    let footnote = wrap(&heat.footnote, columns);
    format!("{text}{table}\n{footnote}")
}

/// Verdict and names on one line, the sentence below it, indented.
fn finding_text(finding: &Finding, columns: usize) -> String {
    let mut text = finding.verdict.to_string();
    if let Some(severity) = finding.severity_words() {
        text += &format!(" ({severity})");
    }
    let label = printable(&finding.label);
    let region = printable(&finding.region);
    text += &format!(": {label} / {region}\n");

    let sentence = printable(&sentence(finding));
    for line in wrap(&sentence, columns.saturating_sub(2)).lines() {
        text += &format!("  {line}\n");
    }
    text
}

fn table(heat: &HeatTable, width: u16) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(heat.header.clone());

    for row in &heat.rows {
        table.add_row(row.clone());
    }
    for column in table.column_iter_mut().skip(TEXT_COLUMNS) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::*;

    #[test]
    fn eighty_columns_hold_it() {
        let text = terminal(&fabricated::summary(), 80);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let start = "confirmed (critical): horse / tag\n  tag in 1,040 of 1,300 horse images";
        assert!(text.starts_with(start), "{text}");
        assert!(text.contains("data_risk: horse / corner\n"), "{text}");
        assert!(!text.contains("more rows"), "{text}");
    }

    #[test]
    fn omitted_rows_and_findings_are_counted() {
        let mut summary = fabricated::summary();
        summary.heat_omitted = 7;
        summary.findings = vec![fabricated::candidate("horse", "tag"); 23];
        let text = terminal(&summary, 80).replace('\n', " ");
        assert!(text.contains("7 more rows in classes.parquet."), "{text}");
        assert!(
            text.contains("3 more findings in findings.parquet."),
            "{text}"
        );
    }

    #[test]
    fn names_cannot_command_the_terminal() {
        let mut summary = fabricated::summary();
        summary.findings[0].label = "a\u{1b}[2J".into();
        summary.heat[0].label = "b\u{202e}".into();
        let text = terminal(&summary, 80);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}
