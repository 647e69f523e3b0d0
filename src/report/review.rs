//! What reviewers decided: `review.csv`, one line per label and region, as the report exports it.

use crate::error::{Error, Result};
use crate::record::FindingRow;
use crate::verdict;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a reviewer can say of a finding.
pub const DECISIONS: [(&str, &str); 5] = [
    ("confirm", "a shortcut: take it out"),
    (
        "legitimate-context",
        "belongs to the class, as rails to trains",
    ),
    ("object-part", "is part of the object"),
    ("annotation-error", "the annotation is wrong"),
    ("unsure", "look again next time"),
];

/// One line of `review.csv`. A finding is known by its label and region.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub class: String,
    pub region: String,
    pub decision: String,
    #[serde(default)]
    pub note: String,
    /// Verdict and effect when it was decided: a more serious one brings the finding back.
    #[serde(default)]
    pub verdict: String,
    #[serde(default)]
    pub effect: Option<f64>,
    /// What the effect is measured in: `fraction` or `logit`.
    #[serde(default)]
    pub unit: String,
    /// How the region was declared when it was decided, as in `findings.parquet`.
    #[serde(default)]
    pub declared: String,
    /// Last day on which it holds, as 2027-01-31; for ever where empty.
    #[serde(default)]
    pub expires: String,
}

/// Reads decisions; a file that is not there has none.
///
/// # Errors
/// When the file cannot be read or a line is not understood; names the line and what is expected.
pub fn read(path: &Path) -> Result<Vec<Decision>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut reader = csv::Reader::from_path(path)
        .map_err(Error::cause(format!("read decisions {}", path.display())))?;
    let mut decisions: Vec<Decision> = Vec::new();
    for (i, row) in reader.deserialize().enumerate() {
        let at = |message: String| {
            Error::new(format!("decisions {}:{}: {message}", path.display(), i + 2))
        };
        let mut row: Decision = row.map_err(|e| at(e.to_string()))?;
        [&mut row.class, &mut row.region, &mut row.note]
            .into_iter()
            .for_each(plain);
        if !DECISIONS.iter().any(|(name, _)| *name == row.decision) {
            let known = DECISIONS.map(|(name, _)| name).join(", ");
            return Err(at(format!(
                "found decision {:?}, expected one of {known}",
                row.decision
            )));
        }
        if !row.expires.is_empty() && row.expires.parse::<jiff::civil::Date>().is_err() {
            return Err(at(format!(
                "found expires {:?}, expected a day as 2027-01-31",
                row.expires
            )));
        }
        decisions.retain(|d| (&d.class, &d.region) != (&row.class, &row.region));
        decisions.push(row);
    }
    Ok(decisions)
}

/// Writes decisions, sorted, beside the file and renamed.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write(path: &Path, decisions: &mut [Decision]) -> Result<()> {
    decisions.sort_by(|a, b| (&a.class, &a.region).cmp(&(&b.class, &b.region)));
    let save = || -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder)?;
        let mut writer = csv::Writer::from_writer(file);
        decisions
            .iter()
            .try_for_each(|d| writer.serialize(guarded(d)))?;
        let file = writer.into_inner()?;
        file.as_file().sync_all()?;
        crate::store::make_readable(file.as_file())?;
        file.persist(path)?;
        Ok(())
    };
    save().map_err(|e| Error::new(format!("failed to write decisions {}: {e}", path.display())))
}

/// A cell that a spreadsheet would take for a formula.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\''])
}

/// The decision as it is written: an apostrophe keeps names and notes from being formulas.
fn guarded(d: &Decision) -> Decision {
    let quiet = |cell: &String| {
        if is_formula(cell) {
            format!("'{cell}")
        } else {
            cell.clone()
        }
    };
    Decision {
        class: quiet(&d.class),
        region: quiet(&d.region),
        note: quiet(&d.note),
        ..d.clone()
    }
}

/// Takes the apostrophe off again.
fn plain(cell: &mut String) {
    if let Some(rest) = cell.strip_prefix('\'').filter(|rest| is_formula(rest)) {
        *cell = rest.to_owned();
    }
}

/// Lays decisions over findings. A decided finding is closed until its verdict is more serious, its effect has grown by more
/// than `margin`, its region is declared otherwise, or the decision expires; one that the reviewer is unsure of stays open.
pub fn apply(
    findings: &mut [FindingRow],
    decisions: &[Decision],
    margin: f64,
    today: jiff::civil::Date,
) {
    for finding in findings {
        let of = decisions
            .iter()
            .find(|d| d.class == finding.label && d.region == finding.region);
        let Some(d) = of else { continue };
        finding.decision = Some(d.decision.clone());
        finding.note = Some(d.note.clone()).filter(|n| !n.is_empty());
        let expired = d
            .expires
            .parse::<jiff::civil::Date>()
            .is_ok_and(|last| last < today);
        let graver = !d.verdict.is_empty() && verdict::more_serious(&finding.verdict, &d.verdict);
        let same_unit = d.unit.is_empty() || Some(&d.unit) == finding.effect_unit.as_ref();
        let grown = same_unit
            && d.effect
                .zip(finding.effect)
                .is_some_and(|(then, now)| now > then + margin * then.abs() + 1e-9);
        let other = !d.declared.is_empty()
            && finding
                .declared
                .as_ref()
                .is_some_and(|now| *now != d.declared);
        finding.open = d.decision == "unsure" || expired || graver || grown || other;
        let why = [
            (other, "the region is declared otherwise"),
            (expired, "the decision expired"),
            (graver, "the verdict is more serious"),
            (grown, "the effect has grown"),
        ];
        finding.came_back = why
            .iter()
            .find(|(holds, _)| *holds)
            .map(|(_, why)| (*why).to_owned());
    }
}
