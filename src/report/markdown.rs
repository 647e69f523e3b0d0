//! `summary.md`: short enough for a comment on a pull request.

use super::headline::{headline, upshot};
use super::heat_table::{HeatTable, TEXT_COLUMNS, shown_findings};
use super::sentences::sentence;
use super::text::{counted, markdown_escaped};
use crate::runs::documents::Summary;

/// The summary as Markdown.
pub fn markdown(summary: &Summary) -> String {
    let mut text = format!(
        "**{}**\n\n{}.\n\n",
        markdown_escaped(&headline(summary)),
        markdown_escaped(&upshot(summary))
    );

    let list = list(summary);
    if !list.is_empty() {
        text += &format!("{list}\n");
    }

    let heat = HeatTable::new(summary);
    text += &table(&heat);
    let problems = counted(&summary.counts.annotation_problems);
    if !problems.is_empty() {
        text += &format!(
            "\nProblems of the annotations: {} (problems.parquet).\n",
            markdown_escaped(&problems)
        );
    }
    format!("{text}\n{}\n", heat.footnote)
}

/// Warnings, what was looked at, and open findings, one a line.
fn list(summary: &Summary) -> String {
    let mut list = String::new();
    for warning in &summary.warnings {
        list += &format!("- warning: {}\n", markdown_escaped(warning));
    }
    for sentence in &summary.scope {
        list += &format!("- {}.\n", markdown_escaped(sentence));
    }
    for finding in shown_findings(summary) {
        let sentence = markdown_escaped(&sentence(finding));
        list += &format!("- **{}**: {sentence}\n", finding.verdict);
    }
    list
}

fn table(heat: &HeatTable) -> String {
    let alignments = heat.header.iter().enumerate().map(|(column, _)| {
        let is_text = column < TEXT_COLUMNS;
        if is_text { "---" } else { "---:" }
    });
    let alignments: Vec<&str> = alignments.collect();

    let mut table = line(&heat.header);
    table += &format!("|{}|\n", alignments.join("|"));
    for row in &heat.rows {
        table += &line(row);
    }
    table
}

fn line(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| markdown_escaped(cell.as_ref()))
        .collect();
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::*;

    #[test]
    fn it_lists_warnings_findings_and_heat() {
        let mut summary = fabricated::summary();
        let problems = &mut summary.counts.annotation_problems;
        problems.insert("bad_row".into(), 2);
        summary.heat[0].label = "@all | x".into();

        let text = markdown(&summary);
        let start = "**demo&#58; 1200 of 1200 images scored; top-1 91.5 %**\n\n\
                     5 open findings, the most serious confirmed; 1 warning.\n\n\
                     - warning&#58;";
        assert!(
            text.starts_with(&start.replace("warning&#58;", "warning:")),
            "{text}"
        );
        assert!(
            text.contains("- **confirmed**: tag in 1,040 of 1,300 horse images"),
            "{text}"
        );
        assert!(
            text.contains("\n|---|---|---:|---:|---:|---:|---:|---:|\n"),
            "{text}"
        );
        assert!(
            text.contains("\n| &#64;all \\| x | tag | 1040/1300 |"),
            "{text}"
        );
        assert!(
            text.contains("annotations: 2 bad\\_row (problems.parquet)"),
            "{text}"
        );
    }

    #[test]
    fn nothing_found_leaves_no_gap() {
        let mut summary = fabricated::summary();
        summary.findings.clear();
        summary.warnings.clear();
        let text = markdown(&summary);
        assert!(
            text.contains("no open finding.\n\n| class | region |"),
            "{text}"
        );
    }
}
