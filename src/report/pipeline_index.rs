//! `index.html`: one line for each pipeline of a folder, the most serious first.

use super::changes::comparison;
use super::headline::{open_reported, refusal};
use super::template::INDEX;
use crate::error::Result;
use crate::finding::Verdict;
use crate::runs::documents::{Changes, RunRecord, Summary};
use serde::Serialize;
use std::collections::BTreeMap;

/// The last run of one pipeline. Documents that could not be read are `None`.
pub struct IndexRow<'a> {
    pub pipeline: &'a str,
    /// Link to its report, relative to the page; see [`report_link`].
    pub link: String,
    /// When the run started, for people; empty where it is not known.
    pub started_at: String,
    pub record: Option<&'a RunRecord>,
    pub summary: Option<&'a Summary>,
    pub changes: Option<&'a Changes>,
    /// Why a document could not be read.
    pub broken: Option<String>,
}

#[derive(Serialize)]
struct Context<'a> {
    lines: Vec<Line<'a>>,
    scored: usize,
    open: usize,
}

#[derive(Serialize)]
struct Line<'a> {
    pipeline: &'a str,
    link: &'a str,
    when: &'a str,
    scored: usize,
    skipped: usize,
    accuracy: Option<f64>,
    /// Open findings by verdict, the most serious first.
    verdicts: Vec<(Verdict, usize)>,
    /// Compared with the last run; `None` for the first.
    since: Option<String>,
    nothing_declared: bool,
    warnings: usize,
    broken: Option<String>,
}

/// Makes the page.
///
/// # Errors
/// When the template does not fit.
pub fn pipeline_index(rows: &[IndexRow<'_>]) -> Result<String> {
    let mut lines: Vec<Line<'_>> = rows.iter().map(line).collect();
    lines.sort_by(|a, b| a.seriousness().cmp(&b.seriousness()));

    let open = lines.iter().map(Line::open).sum();
    let scored = lines.iter().map(|line| line.scored).sum();
    let title = format!("Audits: {open} open findings");
    INDEX.render(
        &title,
        Context {
            lines,
            scored,
            open,
        },
    )
}

/// The relative link to the report of a run, from the names of its folders.
pub fn report_link(pipeline_folder: &str, run_folder: &str) -> String {
    let pipeline = percent_encoded(pipeline_folder);
    let run = percent_encoded(run_folder);
    format!("{pipeline}/{run}/report.html")
}

fn line<'a>(row: &'a IndexRow<'_>) -> Line<'a> {
    let counts = row.record.map(|record| &record.facts.counts);
    Line {
        pipeline: row.pipeline,
        link: &row.link,
        when: &row.started_at,
        scored: counts.map_or(0, |counts| counts.scored),
        skipped: counts.map_or(0, |counts| counts.skipped),
        accuracy: row.record.map(|record| record.top1_accuracy),
        verdicts: row.summary.map(open_verdicts).unwrap_or_default(),
        since: row.changes.and_then(since),
        nothing_declared: row.summary.is_some_and(|summary| summary.nothing_declared),
        warnings: row.summary.map_or(0, |summary| summary.warnings.len()),
        broken: broken(row),
    }
}

fn open_verdicts(summary: &Summary) -> Vec<(Verdict, usize)> {
    let mut counts = BTreeMap::new();
    for finding in open_reported(summary) {
        *counts.entry(finding.verdict).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn since(changes: &Changes) -> Option<String> {
    changes.previous.as_ref()?;
    Some(comparison(&changes.differences, &changes.changes))
}

fn broken(row: &IndexRow<'_>) -> Option<String> {
    let is_refused = row.record.is_some_and(|record| record.refused);
    let reason = row.summary.and_then(refusal);
    let refused = reason.or_else(|| {
        is_refused.then(|| "too many images were skipped; the findings are not reliable".to_owned())
    });
    row.broken.clone().or(refused)
}

impl Line<'_> {
    /// Damaged runs first, then by the most serious open finding, then by name.
    fn seriousness(&self) -> (bool, Verdict, &str) {
        let worst = self.verdicts.first().map_or(Verdict::None, |(v, _)| *v);
        (self.broken.is_none(), worst, self.pipeline)
    }

    fn open(&self) -> usize {
        self.verdicts.iter().map(|(_, count)| count).sum()
    }
}

/// A folder's name as part of a link: bytes that are not plain become `%20` and the like.
fn percent_encoded(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::super::fabricated;
    use super::*;

    fn row(pipeline: &str) -> IndexRow<'_> {
        IndexRow {
            pipeline,
            link: report_link(pipeline, "20261123T021500Z"),
            started_at: "2026-11-23 02:15 UTC".into(),
            record: None,
            summary: None,
            changes: None,
            broken: None,
        }
    }

    #[test]
    fn the_most_serious_pipeline_is_first() {
        let summary = fabricated::summary();
        let record = fabricated::record();
        let refused = RunRecord {
            refused: true,
            ..record.clone()
        };
        let changes = fabricated::changes();

        let rows = [
            row("calm"),
            IndexRow {
                summary: Some(&summary),
                record: Some(&record),
                changes: Some(&changes),
                ..row("clever")
            },
            IndexRow {
                broken: Some("summary.json: damaged <b>".into()),
                ..row("torn")
            },
            IndexRow {
                record: Some(&refused),
                ..row("refused")
            },
        ];
        let page = pipeline_index(&rows).expect("a page");

        let place = |name: &str| page.find(&format!(">{name}<")).expect("a line");
        let places = ["refused", "torn", "clever", "calm"].map(place);
        assert!(places.is_sorted(), "{places:?}");
        for text in [
            "1 confirmed",
            "the first run",
            "1 worse",
            "damaged &lt;b&gt;",
            "the findings are not reliable",
            "calm/20261123T021500Z/report.html",
            "1,200",
        ] {
            assert!(page.contains(text), "{text}");
        }
    }

    #[test]
    fn names_of_folders_are_encoded() {
        assert_eq!(report_link("a b", "ü"), "a%20b/%C3%BC/report.html");
    }
}
