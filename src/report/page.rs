//! `report.html`: one offline file, made of the documents of a run.

use super::cards::{Card, CardSources, cards};
use super::changes::{change_text, comparison};
use super::class_list::{ClassLine, ClassPictures, class_lines, class_pictures};
use super::glossary::{Term, glossary};
use super::headline::{insufficient_text, refusal};
use super::image_budget::ImageBudget;
use super::sentences::sentence;
use super::template::PAGE;
use crate::error::{Error, Result};
use crate::finding::{ChangeState, Finding, ReviewDecision};
use crate::model::Facts;
use crate::runs::concepts::ShownConcepts;
use crate::runs::documents::{Changes, Counts, Figures, SplitSummary, Summary};
use crate::runs::patterns::Pattern;
use crate::runs::review::Decision;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// This part of the pictures' bytes is kept for the classes.
const CLASS_PICTURES_PART: usize = 4;

/// What the page is made of.
pub struct PageInput<'a> {
    pub summary: &'a Summary,
    pub changes: &'a Changes,
    pub figures: &'a Figures,
    /// What the search for undeclared regions found.
    pub patterns: &'a [Pattern],
    pub concepts: &'a ShownConcepts,
    /// When the run started, for people; empty where it is not known.
    pub started_at: &'a str,
    /// The pipeline file, for commands; empty where it is not known.
    pub pipeline_file: &'a str,
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

    findings: &'a [Card<'a>],
    /// Findings that a reviewer is asked to decide, and decided ones.
    open: usize,
    closed: usize,
    insufficient: Option<String>,
    pictures_missing: usize,
    pictures_over_budget: usize,

    classes: Vec<ClassLine<'a>>,
    classes_omitted: usize,
    /// Names of the splits, where there are several.
    splits: Vec<&'a str>,
    glossary: Vec<Term>,
    others: Vec<OtherLine<'a>>,
    others_omitted: usize,

    /// [`PageDocument`] as JSON.
    document: String,
    /// The details of the cards: one line of JSON each, in their order.
    details: String,
    /// The pictures in base64 as a JSON list. They are read when the first one is shown.
    pictures: String,
}

/// What the page's scripts are given.
#[derive(Serialize)]
struct PageDocument<'a> {
    /// Prefix of what the page keeps in the browser: changes with the audit and the decisions.
    state: String,
    pipeline: &'a str,
    pipeline_file: &'a str,
    started_at: &'a str,
    decisions: Vec<DecisionName>,
    /// The decisions of earlier runs: lines of `review.csv`.
    decided: &'a [Decision],
    cards: &'a [Card<'a>],
    classes: Vec<ClassPictures<'a>>,
    splits: &'a [SplitSummary],
}

#[derive(Serialize)]
struct DecisionName {
    name: &'static str,
    meaning: &'static str,
    stays_open: bool,
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
        patterns: input.patterns,
        pictures: input.pictures,
    };
    let mut budget = ImageBudget::new(input.picture_bytes_max);
    let reserved = budget.reserve(input.picture_bytes_max / CLASS_PICTURES_PART);
    let cards = cards(&sources, &mut budget);
    budget.release(reserved);
    let figures = &input.figures.figures;
    let classes = class_pictures(figures, input.concepts, input.pictures, &mut budget);

    let decided = json(&summary.decisions)?;
    let document = json(&PageDocument {
        state: state_key(&summary.audit_id, &decided),
        pipeline: &summary.pipeline,
        pipeline_file: input.pipeline_file,
        started_at: input.started_at,
        decisions: decision_names(),
        decided: &summary.decisions,
        cards: &cards,
        classes,
        splits: &summary.splits,
    })?;

    let open = cards.iter().filter(|card| card.is_open).count();
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
        findings: &cards,
        open,
        closed: cards.len() - open,
        insufficient: insufficient_text(summary),
        pictures_missing: budget.missing,
        pictures_over_budget: budget.over_budget,
        classes: class_lines(&summary.classes, &summary.findings),
        classes_omitted: summary.classes_omitted,
        splits: summary.splits.iter().map(|s| s.split.as_str()).collect(),
        glossary: glossary(),
        others: other_lines(&summary.findings),
        others_omitted: summary.findings_omitted,
        document,
        details: details(&cards)?,
        pictures: json(&budget.pictures)?,
    };
    PAGE.render(&title(summary, open), &context)
}

/// The details of the cards, one line each.
fn details(cards: &[Card<'_>]) -> Result<String> {
    let mut lines = Vec::new();
    for card in cards {
        lines.push(json(&card.detail)?);
    }
    Ok(lines.join("\n"))
}

/// A document inside a script element: no `<` can end it.
fn json(document: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(document).map_err(Error::cause("write the page as JSON"))?;
    Ok(ascii_marks(&text))
}

/// JSON in which neither markup nor a character that reverses or hides text stands as it is: `<`
/// and all that is neither ASCII nor a letter or a digit become escapes.
fn ascii_marks(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '<' && (c.is_ascii() || c.is_alphanumeric()) {
            escaped.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            escaped += &format!("\\u{unit:04x}");
        }
    }
    escaped
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

fn decision_names() -> Vec<DecisionName> {
    let mut names = Vec::new();
    for decision in ReviewDecision::ALL {
        names.push(DecisionName {
            name: decision.name(),
            meaning: decision.meaning(),
            stays_open: decision.stays_open(),
        });
    }
    names
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
