//! Decisions of reviewers: `review.csv`, one line per label and region, as the report exports it.

use super::cells::{escape, unescape};
use super::files::write_file;
use super::review_csv::{self, Line};
use crate::bounded;
use crate::error::{Error, Result};
use crate::finding::{EffectUnit, Finding, ReopenReason, ReviewDecision, ReviewState, Verdict};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr;

/// An effect that differs by less than this has not grown: `review.csv` holds rounded decimals.
const EFFECT_TOLERANCE: f64 = 1e-9;

/// Largest file of decisions: twenty thousand of them with a note each take 4 MiB.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// One line of `review.csv`. A finding is identified by its label and region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub class: String,
    pub region: String,
    pub decision: ReviewDecision,
    #[serde(default)]
    pub note: String,
    /// Verdict at the time of the decision: a more serious one reopens the finding.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// Effect at the time of the decision.
    #[serde(default)]
    pub effect: Option<f64>,
    #[serde(default)]
    pub unit: Option<EffectUnit>,
    /// Declaration of the region at the time of the decision, as in `findings.parquet`.
    #[serde(default)]
    pub declared: String,
    /// Last day on which the decision holds, as 2027-01-31; without an end where empty.
    #[serde(default)]
    pub expires: String,
    /// Who decided; empty where it is not known.
    #[serde(default)]
    pub reviewer: String,
    /// When, as 2027-01-31T12:30:00Z; empty where it is not known.
    #[serde(default)]
    pub decided_at: String,
}

/// Checks the cells of a line; the message names the column, the cell and what is expected.
fn decision(line: &Line) -> Result<Decision, String> {
    let expires = plain(line.cell("expires"));
    if !expires.is_empty() && expires.parse::<Date>().is_err() {
        return Err(format!(
            "found expires {expires:?}, expected a day as 2027-01-31: make the cell a text"
        ));
    }

    let declared = plain(line.cell("declared"));
    if !declared.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(format!(
            "found declared {declared:?}, expected letters and digits as the report exports them: \
             the spreadsheet has made a number of them; export again, and read the column as text"
        ));
    }

    Ok(Decision {
        class: unescape(line.cell("class")),
        region: unescape(line.cell("region")),
        decision: member("decision", line.cell("decision"), ReviewDecision::ALL)?,
        note: unescape(line.cell("note")),
        verdict: optional_member("verdict", line.cell("verdict"), Verdict::ALL)?,
        effect: optional_number("effect", line.cell("effect"))?,
        unit: optional_member("unit", line.cell("unit"), EffectUnit::ALL)?,
        declared: declared.to_owned(),
        expires: expires.to_owned(),
        reviewer: unescape(line.cell("reviewer")),
        decided_at: plain(line.cell("decided_at")).to_owned(),
    })
}

/// A cell without blanks around it, and without the apostrophe that makes it a text.
fn plain(cell: &str) -> &str {
    let cell = cell.trim();
    cell.strip_prefix('\'').unwrap_or(cell)
}

/// The member of a closed set that a cell names, in any case.
fn member<T: FromStr + Display>(column: &str, cell: &str, all: &[T]) -> Result<T, String> {
    plain(cell).to_lowercase().parse::<T>().map_err(|_| {
        let names: Vec<String> = all.iter().map(T::to_string).collect();
        format!(
            "found {column} {cell:?}, expected one of {}",
            names.join(", ")
        )
    })
}

fn optional_member<T: FromStr + Display>(
    column: &str,
    cell: &str,
    all: &[T],
) -> Result<Option<T>, String> {
    if cell.trim().is_empty() {
        return Ok(None);
    }
    member(column, cell, all).map(Some)
}

/// A finite number, with a point or a comma before the decimals.
fn optional_number(column: &str, cell: &str) -> Result<Option<f64>, String> {
    let cell = plain(cell);
    if cell.is_empty() {
        return Ok(None);
    }
    let number = cell.replacen(',', ".", 1).parse::<f64>();
    match number {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(format!(
            "found {column} {cell:?}, expected a finite number as 0.25, or an empty cell"
        )),
    }
}

/// Reads decisions; the last line about a class and region counts. A missing file has none.
///
/// # Errors
/// When the file cannot be read or a line is not understood; names the line and what is expected.
pub fn read(path: &Path) -> Result<Vec<Decision>> {
    let what = format!("read decisions {}", path.display());
    let bytes = match bounded::bytes(path, FILE_BYTES_MAX) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(Error::cause(what))?,
    };

    let refused = |line: u64, message: &str| {
        Error::new(format!("decisions {}:{line}: {message}", path.display()))
    };
    let lines = review_csv::lines(&bytes).map_err(|fault| refused(fault.line, &fault.message))?;

    let mut decisions: Vec<Decision> = Vec::new();
    for line in &lines {
        let decision = decision(line).map_err(|message| refused(line.number, &message))?;
        decisions.push(decision);
    }
    Ok(last_of_each(decisions))
}

/// The last decision about each class and region, in the order of the file.
fn last_of_each(mut decisions: Vec<Decision>) -> Vec<Decision> {
    let mut decided = HashSet::new();
    decisions.reverse();
    decisions.retain(|last| decided.insert((last.class.clone(), last.region.clone())));
    decisions.reverse();
    decisions
}

/// A warning where decisions are about a class and region that the run does not audit: a name or
/// the file's encoding may be wrong. `findings` are all of the run.
pub fn unmatched(decisions: &[Decision], findings: &[Finding]) -> Option<String> {
    let is_audited = |decision: &&Decision| {
        let mut findings = findings.iter();
        findings.any(|finding| finding.is_about(&decision.class, &decision.region))
    };
    let unmatched: Vec<&Decision> = decisions.iter().filter(|d| !is_audited(d)).collect();
    let first = unmatched.first()?;
    Some(format!(
        "{} of {} decisions are about no class and region of this run, as {:?} / {:?}: check the \
         names in the file of decisions, and its encoding",
        unmatched.len(),
        decisions.len(),
        first.class,
        first.region
    ))
}

/// Writes decisions, sorted by class and region: a temporary file beside the file, then renamed.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write(path: &Path, decisions: &mut [Decision]) -> Result<()> {
    decisions.sort_by(|a, b| (&a.class, &a.region).cmp(&(&b.class, &b.region)));
    let bytes = encoded(decisions)
        .map_err(|e| Error::new(format!("failed to write decisions {}: {e}", path.display())))?;
    write_file(path, &bytes)
}

fn encoded(decisions: &[Decision]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for decision in decisions {
        writer.serialize(escaped(decision))?;
    }
    Ok(writer.into_inner()?)
}

/// The decision as it is written: an apostrophe keeps a spreadsheet from reading names and notes as
/// formulas.
fn escaped(decision: &Decision) -> Decision {
    Decision {
        class: escape(&decision.class),
        region: escape(&decision.region),
        note: escape(&decision.note),
        reviewer: escape(&decision.reviewer),
        decided_at: escape(&decision.decided_at),
        ..decision.clone()
    }
}

/// Applies decisions to findings.
///
/// A decided finding is closed until a [`ReopenReason`] opens it again; `margin` is the part by
/// which its effect may grow. A finding that the reviewer is unsure of stays open.
pub fn apply(findings: &mut [Finding], decisions: &[Decision], margin: f64, today: Date) {
    for finding in findings {
        let decision = decisions
            .iter()
            .find(|decision| finding.is_about(&decision.class, &decision.region));

        if let Some(decision) = decision {
            let reopened = reopen_reason(finding, decision, margin, today);
            finding.review = ReviewState {
                decision: Some(decision.decision),
                note: Some(decision.note.clone()).filter(|note| !note.is_empty()),
                open: decision.decision.stays_open() || reopened.is_some(),
                reopened,
            };
        }
    }
}

/// Why the decision no longer holds: the first reason that applies.
fn reopen_reason(
    finding: &Finding,
    decision: &Decision,
    margin: f64,
    today: Date,
) -> Option<ReopenReason> {
    if is_redeclared(finding, decision) {
        Some(ReopenReason::Redeclared)
    } else if is_expired(decision, today) {
        Some(ReopenReason::Expired)
    } else if is_more_serious(finding, decision) {
        Some(ReopenReason::MoreSerious)
    } else if has_grown(finding, decision, margin) {
        Some(ReopenReason::EffectGrown)
    } else {
        None
    }
}

fn is_redeclared(finding: &Finding, decision: &Decision) -> bool {
    match &finding.declared {
        Some(declared) => !decision.declared.is_empty() && *declared != decision.declared,
        None => false,
    }
}

fn is_expired(decision: &Decision, today: Date) -> bool {
    let last_day: Result<Date, _> = decision.expires.parse();
    last_day.is_ok_and(|last_day| last_day < today)
}

fn is_more_serious(finding: &Finding, decision: &Decision) -> bool {
    decision
        .verdict
        .is_some_and(|decided| finding.verdict < decided)
}

/// Whether the effect has grown by more than `margin` times its size; false for different units.
fn has_grown(finding: &Finding, decision: &Decision, margin: f64) -> bool {
    let is_other_unit = decision
        .unit
        .is_some_and(|unit| unit != finding.effect_unit);
    if is_other_unit {
        return false;
    }

    match (decision.effect, finding.effect) {
        (Some(before), Some(now)) => now > before + margin * before.abs() + EFFECT_TOLERANCE,
        _ => false,
    }
}
