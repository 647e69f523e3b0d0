//! `report.html`: one offline file, made of the documents of a run.

use super::cards::{Card, CardSources, cards};
use super::changes::{change_text, comparison};
use super::glossary::{Term, glossary};
use super::headline::{insufficient_text, refusal};
use super::image_budget::ImageBudget;
use super::sentences::sentence;
use super::template::PAGE;
use crate::error::{Error, Result};
use crate::finding::{ChangeState, Finding, ReviewDecision};
use crate::model::Facts;
use crate::runs::documents::{Changes, ClassSummary, Counts, Figures, Summary};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What the page is made of.
pub struct PageInput<'a> {
    pub summary: &'a Summary,
    pub changes: &'a Changes,
    pub figures: &'a Figures,
    /// When the run started, for people; empty where it is not known.
    pub started_at: &'a str,
    /// The bytes of a picture by the name of its file in the run folder.
    pub pictures: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// Bytes that the pictures may take in the page.
    pub picture_bytes_max: usize,
}

/// What the template is given.
#[derive(Serialize)]
struct Context<'a> {
    run: RunFacts<'a>,
    /// Why the run must not be relied on.
    refusal: Option<String>,
    nothing_declared: bool,
    started_at: &'a str,
    previous: Option<&'a str>,
    unreadable: Option<&'a str>,
    comparison: String,
    drops: &'a [String],
    gone: Vec<GoneLine<'a>>,

    open: Vec<Card<'a>>,
    closed: Vec<Card<'a>>,
    insufficient: Option<String>,
    pictures_missing: usize,
    pictures_over_budget: usize,

    classes: Vec<ClassLine<'a>>,
    classes_omitted: usize,
    glossary: Vec<Term>,
    others: Vec<OtherLine<'a>>,
    others_omitted: usize,

    decisions: Vec<(&'static str, &'static str)>,
    /// The decisions of earlier runs as JSON, for `review.csv`.
    decided: String,
    /// Prefix of what the page keeps in the browser: changes with the audit and the decisions.
    state: String,
}

/// The summary without its lists.
#[derive(Serialize)]
struct RunFacts<'a> {
    tool_version: &'a str,
    engine: &'a str,
    pipeline: &'a str,
    counts: &'a Counts,
    top1_accuracy: f64,
    dataset: &'a str,
    model_file: &'a str,
    limit: Option<usize>,
    warnings: &'a [String],
    scope: &'a [String],
    audit_id: &'a str,
    model: &'a Facts,
    model_hash: &'a str,
    dataset_fingerprint: &'a str,
    pipeline_hash: &'a str,
    invariant_error_max: f64,
}

/// A finding of the last run that is gone or cannot be compared.
#[derive(Serialize)]
struct GoneLine<'a> {
    label: &'a str,
    region: &'a str,
    state: ChangeState,
    reason: String,
}

/// One class in the table.
#[derive(Serialize)]
struct ClassLine<'a> {
    #[serde(flatten)]
    class: &'a ClassSummary,
    /// Heights of the bars of its distribution over the images, 0 to 1.
    heights: Vec<f64>,
    /// Place of the verdict in order of seriousness, for sorting.
    rank: usize,
}

/// A finding without a card.
#[derive(Serialize)]
struct OtherLine<'a> {
    verdict: &'static str,
    label: &'a str,
    region: &'a str,
    sentence: String,
}

/// Makes the page.
///
/// # Errors
/// When the decisions cannot be written as JSON, or the template does not fit.
pub fn page(input: &PageInput<'_>) -> Result<String> {
    let summary = input.summary;
    let changes = input.changes;
    let sources = CardSources {
        summary,
        changes,
        figures: &input.figures.figures,
        pictures: input.pictures,
    };
    let mut budget = ImageBudget::new(input.picture_bytes_max);
    let (open, closed): (Vec<_>, Vec<_>) = cards(&sources, &mut budget)
        .into_iter()
        .partition(|card| card.is_open);

    let decided = serde_json::to_string(&summary.decisions)
        .map_err(Error::cause("write the decisions as JSON"))?;
    let title = title(summary, open.len());
    let context = Context {
        run: run_facts(summary),
        refusal: refusal(summary),
        nothing_declared: summary.nothing_declared,
        started_at: input.started_at,
        previous: changes.previous.as_deref(),
        unreadable: changes.unreadable.as_deref(),
        comparison: comparison(&changes.differences, &changes.changes),
        drops: &changes.drops,
        gone: gone_lines(changes),
        open,
        closed,
        insufficient: insufficient_text(summary),
        pictures_missing: budget.missing,
        pictures_over_budget: budget.over_budget,
        classes: summary.classes.iter().map(class_line).collect(),
        classes_omitted: summary.classes_omitted,
        glossary: glossary(),
        others: other_lines(&summary.findings),
        others_omitted: summary.findings_omitted,
        decisions: decision_meanings(),
        state: state_key(&summary.audit_id, &decided),
        decided,
    };
    PAGE.render(&title, &context)
}

fn title(summary: &Summary, open: usize) -> String {
    if summary.refused.is_some() {
        return format!("{}: not reliable", summary.pipeline);
    }
    let findings = if open == 1 { "finding" } else { "findings" };
    format!("{}: {open} open {findings}", summary.pipeline)
}

fn state_key(audit_id: &str, decided: &str) -> String {
    let digest = Sha256::digest(format!("{audit_id} {decided}").as_bytes());
    BASE64.encode(&digest[..12])
}

fn decision_meanings() -> Vec<(&'static str, &'static str)> {
    let decisions = ReviewDecision::ALL.iter();
    decisions
        .map(|decision| (decision.name(), decision.meaning()))
        .collect()
}

fn run_facts(summary: &Summary) -> RunFacts<'_> {
    RunFacts {
        tool_version: &summary.tool_version,
        engine: &summary.engine,
        pipeline: &summary.pipeline,
        counts: &summary.counts,
        top1_accuracy: summary.top1_accuracy,
        dataset: &summary.dataset,
        model_file: &summary.model_file,
        limit: summary.limit,
        warnings: &summary.warnings,
        scope: &summary.scope,
        audit_id: &summary.audit_id,
        model: &summary.model,
        model_hash: &summary.model_hash,
        dataset_fingerprint: &summary.dataset_fingerprint,
        pipeline_hash: &summary.pipeline_hash,
        invariant_error_max: summary.invariant_error_max,
    }
}

fn gone_lines(changes: &Changes) -> Vec<GoneLine<'_>> {
    let mut lines = Vec::new();
    for change in &changes.changes {
        let is_gone = matches!(change.state, ChangeState::Gone | ChangeState::NotComparable);
        if is_gone {
            lines.push(GoneLine {
                label: &change.label,
                region: &change.region,
                state: change.state,
                reason: change_text(change),
            });
        }
    }
    lines
}

fn class_line(class: &ClassSummary) -> ClassLine<'_> {
    ClassLine {
        class,
        heights: heights(&class.share_counts),
        rank: class.verdict as usize,
    }
}

/// Counts as parts of the largest; empty where all are 0.
fn heights(counts: &[u32]) -> Vec<f64> {
    let largest = counts.iter().copied().max().unwrap_or(0);
    if largest == 0 {
        return Vec::new();
    }
    let height = |count: &u32| {
        let height = f64::from(*count) / f64::from(largest);
        (height * 1000.0).round() / 1000.0
    };
    counts.iter().map(height).collect()
}

fn other_lines(findings: &[Finding]) -> Vec<OtherLine<'_>> {
    let mut lines = Vec::new();
    for finding in findings.iter().filter(|f| !f.verdict.is_reported()) {
        lines.push(OtherLine {
            verdict: finding.verdict.name(),
            label: &finding.label,
            region: &finding.region,
            sentence: sentence(finding),
        });
    }
    lines
}

#[cfg(test)]
mod tests;
