//! The nights before: finished runs of the same pipeline, beside the new one.

use super::diff;
use super::html::Night;
use crate::record::FindingRow;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Nights that a trend goes back, tonight included.
const TREND: usize = 30;

/// Finished runs of a pipeline's folder, the oldest first.
pub fn finished(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let is_run = |p: &PathBuf| p.file_name().is_some_and(|n| n != "latest") && p.join("run.json").is_file();
    let mut runs: Vec<PathBuf> = entries.map(|e| e.path()).filter(is_run).collect();
    runs.sort();
    runs
}

/// The findings that a run's `summary.json` tells of; none where it is not readable.
pub fn findings(run: &Path) -> Vec<FindingRow> {
    let text = std::fs::read_to_string(run.join("summary.json")).unwrap_or_default();
    let summary: Value = serde_json::from_str(&text).unwrap_or_default();
    serde_json::from_value(summary["findings"].clone()).unwrap_or_default()
}

/// Tonight's findings against the nights before it in the pipeline's folder.
pub fn compare(folder: &Path, tonight: &[FindingRow]) -> Night {
    let runs = finished(folder);
    let recent: Vec<Vec<FindingRow>> =
        runs.iter().skip(runs.len().saturating_sub(TREND - 1)).map(|run| findings(run)).collect();
    let Some((last, before)) = runs.last().zip(recent.last()) else { return Night::default() };
    let effect = |night: &[FindingRow], of: &FindingRow| {
        night.iter().find(|f| f.label == of.label && f.region == of.region).and_then(|f| f.effect)
    };
    let trend = |f: &FindingRow| {
        let past = recent.iter().map(|night| effect(night, f));
        (format!("{}\t{}", f.label, f.region), past.chain([f.effect]).collect())
    };
    let changes = diff::changes(before, tonight);
    let told = |f: &&FindingRow| changes.iter().any(|c| c.label == f.label && c.region == f.region);
    let trends: BTreeMap<String, Vec<Option<f64>>> = tonight.iter().filter(told).map(trend).collect();
    let previous = last.file_name().map(|n| n.to_string_lossy().into_owned());
    Night { previous, changes, trends }
}
