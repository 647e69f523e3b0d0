//! Decisions of reviewers: `review.csv`, one line per label and region, as the report exports it.

use super::files::{folder_of, make_readable};
use crate::bounded;
use crate::error::{Error, Result};
use crate::finding::{EffectUnit, Finding, ReopenReason, ReviewDecision, ReviewState, Verdict};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt::Display;
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
}

/// The cells of one line, not checked yet.
#[derive(Deserialize)]
struct Cells {
    class: String,
    region: String,
    decision: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    effect: Option<f64>,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    declared: String,
    #[serde(default)]
    expires: String,
}

impl Cells {
    /// Checks the cells; the message names the column, the cell and what is expected.
    fn check(self) -> Result<Decision, String> {
        if !self.expires.is_empty() && self.expires.parse::<Date>().is_err() {
            return Err(format!(
                "found expires {:?}, expected a day as 2027-01-31",
                self.expires
            ));
        }

        Ok(Decision {
            class: unescape(self.class),
            region: unescape(self.region),
            decision: member("decision", &self.decision, ReviewDecision::ALL)?,
            note: unescape(self.note),
            verdict: optional_member("verdict", &self.verdict, Verdict::ALL)?,
            effect: self.effect,
            unit: optional_member("unit", &self.unit, EffectUnit::ALL)?,
            declared: self.declared,
            expires: self.expires,
        })
    }
}

/// The member of a closed set that a cell names.
fn member<T: FromStr + Display>(column: &str, cell: &str, all: &[T]) -> Result<T, String> {
    cell.parse::<T>().map_err(|_| {
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
    if cell.is_empty() {
        return Ok(None);
    }
    member(column, cell, all).map(Some)
}

/// Reads decisions; the last line about a class and region counts. A missing file has none.
///
/// # Errors
/// When the file cannot be read or a line is not understood; names the line and what is expected.
pub fn read(path: &Path) -> Result<Vec<Decision>> {
    if !path.exists() {
        return Ok(Vec::new());
    }

    let bytes = bounded::bytes(path, FILE_BYTES_MAX)
        .map_err(Error::cause(format!("read decisions {}", path.display())))?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());

    let mut decisions: Vec<Decision> = Vec::new();
    for (index, cells) in reader.deserialize().enumerate() {
        let decision = checked(cells).map_err(|message| {
            // Line 1 is the header.
            let line = index + 2;
            Error::new(format!("decisions {}:{line}: {message}", path.display()))
        })?;
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

fn checked(cells: csv::Result<Cells>) -> Result<Decision, String> {
    cells.map_err(|e| e.to_string())?.check()
}

/// Writes decisions, sorted by class and region: a temporary file beside the file, then renamed.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write(path: &Path, decisions: &mut [Decision]) -> Result<()> {
    decisions.sort_by(|a, b| (&a.class, &a.region).cmp(&(&b.class, &b.region)));
    try_write(path, decisions)
        .map_err(|e| Error::new(format!("failed to write decisions {}: {e}", path.display())))
}

fn try_write(path: &Path, decisions: &[Decision]) -> Result<(), Box<dyn std::error::Error>> {
    let file = tempfile::NamedTempFile::new_in(folder_of(path))?;

    let mut writer = csv::Writer::from_writer(file);
    for decision in decisions {
        writer.serialize(escaped(decision))?;
    }

    let file = writer.into_inner()?;
    file.as_file().sync_all()?;
    make_readable(file.as_file())?;
    file.persist(path)?;
    Ok(())
}

/// The decision as it is written: an apostrophe keeps a spreadsheet from reading names and notes as
/// formulas.
fn escaped(decision: &Decision) -> Decision {
    Decision {
        class: escape(&decision.class),
        region: escape(&decision.region),
        note: escape(&decision.note),
        ..decision.clone()
    }
}

fn escape(cell: &str) -> String {
    if is_formula(cell) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// Removes the apostrophe of [`escape`].
fn unescape(cell: String) -> String {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest.to_owned(),
        _ => cell,
    }
}

/// Whether a spreadsheet reads the cell as a formula, or it begins with an apostrophe of its own.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\''])
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
                open: decision.decision == ReviewDecision::Unsure || reopened.is_some(),
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
