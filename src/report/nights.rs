//! The nights before: finished runs of the same pipeline, beside the new one.

use super::diff;
use super::html::Night;
use crate::record::FindingRow;
use crate::verdict;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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

/// Removes what runs left that were killed: folders without `run.json`. Only for who holds the pipeline's lock.
pub fn sweep(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|e| e.path());
    // Only what a run would have made: its folder is named by its start.
    let named = |p: &PathBuf| {
        p.file_name().is_some_and(|n| n.to_string_lossy().contains('T') && n.to_string_lossy().contains('Z'))
    };
    let torn = |p: &PathBuf| p.is_dir() && !p.is_symlink() && p.join("images").is_dir() && !p.join("run.json").exists();
    entries.filter(|p| named(p) && torn(p)).for_each(|p| {
        let _ = std::fs::remove_dir_all(p);
    });
}

/// The findings that a run's `summary.json` tells of, and `none` for what else it looked at; empty where it is not readable.
pub fn findings(run: &Path) -> Vec<FindingRow> {
    let text = std::fs::read_to_string(run.join("summary.json")).unwrap_or_default();
    let summary: Value = serde_json::from_str(&text).unwrap_or_default();
    let mut findings: Vec<FindingRow> = serde_json::from_value(summary["findings"].clone()).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told: BTreeSet<(String, String)> = findings.iter().map(|f| (f.label.clone(), f.region.clone())).collect();
    let mut looked_at = BTreeSet::new();
    for row in summary["heat"].as_array().into_iter().flatten() {
        looked_at.insert((text(&row["label"]), text(&row["region"])));
        if row["object_share"].is_number() {
            looked_at.insert((text(&row["label"]), verdict::SURROUNDINGS.to_owned()));
        }
    }
    let nothing =
        |(label, region)| FindingRow { label, region, verdict: verdict::NONE.into(), ..FindingRow::default() };
    findings.extend(looked_at.difference(&told).cloned().map(nothing));
    findings
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
