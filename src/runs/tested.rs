//! Every class and region that a run tested, whatever the verdict: `summary.json` lists only some
//! of them.

use super::parquet;
use crate::error::{Error, Result};
use crate::finding::{EffectUnit, FindingKind, ReviewDecision, Severity, Verdict};
use crate::tables::{FindingRow, Row};
use polars::prelude::{Column, DataFrame, PolarsResult};
use std::path::Path;
use std::str::FromStr;

/// One class and one region, with the verdict, what it rests on, and what reviewers decided.
#[derive(Debug, Clone, PartialEq)]
pub struct TestedPair {
    pub label: String,
    pub region: String,
    pub kind: FindingKind,
    pub verdict: Verdict,
    pub severity: Option<Severity>,
    pub severity_at_least: bool,
    pub sentence: String,
    pub effect: Option<f64>,
    pub effect_unit: Option<EffectUnit>,
    pub decision: Option<ReviewDecision>,
    pub note: Option<String>,
    /// Counts for `--fail-on`: not decided, or reopened.
    pub open: bool,
    /// Why a decided finding is open again.
    pub reopened: Option<String>,
    /// Why no image was edited, or not all of them.
    pub not_tested: Option<String>,
    /// The figures that were measured, by the names of their columns.
    pub figures: Vec<(&'static str, f64)>,
}

impl TestedPair {
    /// The severity in words.
    pub fn severity_words(&self) -> Option<String> {
        let severity = self.severity?;
        Some(severity.words(self.severity_at_least))
    }
}

const TEXTS: [&str; 11] = [
    "label",
    "region",
    "kind",
    "verdict",
    "severity",
    "sentence",
    "effect_unit",
    "decision",
    "note",
    "came_back",
    "not_tested_reason",
];

const FLAGS: [&str; 2] = ["severity_at_least", "open"];

const EFFECT: &str = "effect";

/// Estimates with the bounds of their intervals.
const FIGURES: [&str; 21] = [
    "association",
    "association_low",
    "association_high",
    "contrast",
    "contrast_low",
    "contrast_high",
    "insertion",
    "insertion_low",
    "insertion_high",
    "flip_rate",
    "flip_low",
    "flip_high",
    "removal",
    "removal_low",
    "removal_high",
    "loss",
    "loss_low",
    "loss_high",
    "kept_net",
    "kept_net_low",
    "kept_net_high",
];

/// Reads `findings.parquet`: the most serious verdicts first.
///
/// # Errors
/// When the file is missing, damaged, or of another schema version; names the file and the cause.
pub fn tested(run: &Path) -> Result<Vec<TestedPair>> {
    let file = run.join(format!("{}.parquet", FindingRow::TABLE));
    let mut names = TEXTS.to_vec();
    names.extend(FLAGS);
    names.push(EFFECT);
    names.extend(FIGURES);
    let frame = parquet::read(&file, &names)?;

    let columns = Columns::new(&frame).map_err(Error::cause(format!("read {}", file.display())))?;
    let mut pairs = Vec::new();
    for row in 0..frame.height() {
        let pair = columns
            .pair(row)
            .map_err(|e| Error::new(format!("{}: {e}", file.display())))?;
        pairs.push(pair);
    }
    Ok(pairs)
}

/// The columns of the table, in the order of their names above.
struct Columns<'f> {
    texts: Vec<&'f Column>,
    flags: Vec<&'f Column>,
    effect: &'f Column,
    figures: Vec<&'f Column>,
}

impl<'f> Columns<'f> {
    fn new(frame: &'f DataFrame) -> PolarsResult<Self> {
        let columns = |names: &[&str]| -> PolarsResult<Vec<&'f Column>> {
            names.iter().map(|name| frame.column(name)).collect()
        };
        Ok(Self {
            texts: columns(&TEXTS)?,
            flags: columns(&FLAGS)?,
            effect: frame.column(EFFECT)?,
            figures: columns(&FIGURES)?,
        })
    }

    fn pair(&self, row: usize) -> Result<TestedPair, String> {
        let [
            label,
            region,
            kind,
            verdict,
            severity,
            sentence,
            effect_unit,
            decision,
            note,
            reopened,
            not_tested,
        ] = self.texts(row)?;
        let required = |text: Option<String>| text.unwrap_or_default();
        Ok(TestedPair {
            label: required(label),
            region: required(region),
            kind: required(kind).parse()?,
            verdict: required(verdict).parse()?,
            severity: member(severity)?,
            severity_at_least: flag(self.flags[0], row)?,
            sentence: required(sentence),
            effect: number(self.effect, row)?,
            effect_unit: member(effect_unit)?,
            decision: member(decision)?,
            note,
            open: flag(self.flags[1], row)?,
            reopened,
            not_tested,
            figures: self.figures(row)?,
        })
    }

    fn texts(&self, row: usize) -> Result<[Option<String>; TEXTS.len()], String> {
        let mut texts = [const { None }; TEXTS.len()];
        for (text, column) in texts.iter_mut().zip(&self.texts) {
            let values = column.str().map_err(|e| e.to_string())?;
            *text = values.get(row).map(str::to_owned);
        }
        Ok(texts)
    }

    fn figures(&self, row: usize) -> Result<Vec<(&'static str, f64)>, String> {
        let mut figures = Vec::new();
        for (&name, column) in FIGURES.iter().zip(&self.figures) {
            if let Some(value) = number(column, row)? {
                figures.push((name, value));
            }
        }
        Ok(figures)
    }
}

fn number(column: &Column, row: usize) -> Result<Option<f64>, String> {
    let values = column.f64().map_err(|e| e.to_string())?;
    Ok(values.get(row).filter(|value| value.is_finite()))
}

fn flag(column: &Column, row: usize) -> Result<bool, String> {
    let values = column.bool().map_err(|e| e.to_string())?;
    Ok(values.get(row).unwrap_or(false))
}

fn member<T: FromStr<Err = String>>(text: Option<String>) -> Result<Option<T>, String> {
    text.map(|text| text.parse()).transpose()
}
