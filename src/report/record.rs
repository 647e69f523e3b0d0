//! `run.json`: what was run on what, the counts, the timings. Its presence means that the run is complete.

use super::nights;
use crate::dataset::Listing;
use crate::model::{Facts, machine};
use crate::record::{FindingRow, ProblemRow, SCHEMA_VERSION, SkipRow};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The contents of `run.json`.
#[derive(Debug, Clone, Serialize)]
pub struct RunRecord {
    pub schema_version: u32,
    pub tool_version: &'static str,
    pub engine: String,
    /// Instruction set that the built-in engine's operators were chosen by.
    pub machine: &'static str,
    /// Names the folder only.
    pub run_id: String,
    /// Hash of plan (without jobs and out), model and dataset: equal for runs that must give equal files.
    pub audit_id: String,
    pub pipeline: String,
    pub pipeline_hash: String,
    /// The pipeline file as it was named when the run was started.
    pub pipeline_file: String,
    /// What was laid over it, as `key=value`.
    pub overrides: Vec<String>,
    pub model_hash: String,
    pub model: Facts,
    /// Over paths, labels, splits, groups and boxes.
    pub dataset_fingerprint: String,
    /// Over the contents of the scored files, in order.
    pub content_fingerprint: String,
    pub counts: Counts,
    /// At most so many images of each label were chosen; only runs of the same limit are compared with each other.
    pub limit: Option<usize>,
    /// More images were skipped than `run.max_skipped` allows: the findings are not to be relied on.
    pub refused: bool,
    /// Findings by verdict.
    pub verdicts: BTreeMap<String, usize>,
    pub top1_accuracy: f64,
    /// Largest relative difference of mean(CAM) + bias and the logit over all maps.
    pub invariant_error_max: f64,
    /// Milliseconds per stage, summed over all workers; `store` is of the one writer, beside them.
    pub stages_ms: BTreeMap<&'static str, f64>,
    /// The scored image that took longest, and how long.
    pub slowest_image: String,
    pub slowest_image_ms: f64,
    pub wall_s: f64,
    pub images_per_s: f64,
    /// Where the pipeline reads decisions from.
    pub decisions: Option<String>,
}

impl Default for RunRecord {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            engine: String::new(),
            machine: machine(),
            run_id: String::new(),
            audit_id: String::new(),
            pipeline: String::new(),
            pipeline_hash: String::new(),
            pipeline_file: String::new(),
            overrides: vec![],
            model_hash: String::new(),
            model: Facts::default(),
            dataset_fingerprint: String::new(),
            content_fingerprint: String::new(),
            counts: Counts::default(),
            limit: None,
            refused: false,
            verdicts: BTreeMap::new(),
            top1_accuracy: 0.0,
            invariant_error_max: 0.0,
            stages_ms: BTreeMap::new(),
            slowest_image: String::new(),
            slowest_image_ms: 0.0,
            wall_s: 0.0,
            images_per_s: 0.0,
            decisions: None,
        }
    }
}

impl RunRecord {
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// Counts that add up: `found = scored + skipped`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counts {
    pub found: usize,
    pub scored: usize,
    pub skipped: usize,
    /// `stage/reason` -> images.
    pub skipped_by_reason: BTreeMap<String, usize>,
    /// Files that are no images of the set, by kind.
    pub ignored: BTreeMap<String, usize>,
    /// Oddities of the annotations, by code.
    pub annotation_problems: BTreeMap<String, usize>,
}

impl Counts {
    pub fn new(
        listing: &Listing,
        scored: usize,
        skipped: &[SkipRow],
        problems: &[ProblemRow],
    ) -> Self {
        let mut annotation_problems = BTreeMap::new();
        for row in problems {
            *annotation_problems.entry(row.code.clone()).or_default() += 1;
        }
        let mut skipped_by_reason = BTreeMap::new();
        for row in skipped {
            *skipped_by_reason
                .entry(format!("{}/{}", row.stage, row.reason))
                .or_default() += 1;
        }
        Self {
            found: scored + skipped.len(),
            scored,
            skipped: skipped.len(),
            skipped_by_reason,
            ignored: listing
                .ignored
                .iter()
                .map(|(k, n)| ((*k).to_owned(), *n))
                .collect(),
            annotation_problems,
        }
    }
}

/// How many findings have each verdict.
pub fn verdict_counts(findings: &[FindingRow]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    findings
        .iter()
        .for_each(|f| *counts.entry(f.verdict.clone()).or_default() += 1);
    counts
}

/// The time of the start in UTC, or of the last run where the clock went back behind it; a number is added when two runs
/// start in one second, never one that was used before. So the newest run has the last name.
pub fn run_id(folder: &Path) -> String {
    let now = jiff::Timestamp::now().strftime(nights::RUN_ID).to_string();
    let now = nights::last_start(folder)
        .filter(|last| *last > now)
        .unwrap_or(now);
    nights::last_number(folder, &now)
        .map_or_else(|| now.clone(), |last| format!("{now}-{}", last + 1))
}
