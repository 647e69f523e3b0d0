//! The nights before: finished runs of the same pipeline, beside the new one.

use super::diff;
use super::html::Night;
use super::record::RunRecord;
use crate::plan::Retention;
use crate::record::FindingRow;
use crate::verdict;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Nights that a trend goes back, tonight included.
const TREND: usize = 30;

/// How a run's folder is named by its start.
pub const RUN_ID: &str = "%Y%m%dT%H%M%SZ";

/// When a run started, for people; empty where its folder is not named by that.
pub fn when(run: &Path) -> String {
    let name = run
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let start = jiff::civil::DateTime::strptime(RUN_ID, name.split('-').next().unwrap_or_default());
    start.map_or_else(
        |_| String::new(),
        |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

/// Finished runs of a pipeline's folder, the oldest first. What is not named as a run is none of ours.
pub fn finished(folder: &Path) -> Vec<PathBuf> {
    let mut runs: Vec<((String, u32), PathBuf)> = named(folder)
        .filter(|(_, p)| p.join("run.json").is_file())
        .collect();
    runs.sort();
    runs.into_iter().map(|(_, run)| run).collect()
}

/// Runs that are being written, or were killed: folders without `run.json`.
pub fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let mut runs: Vec<PathBuf> = named(folder)
        .map(|(_, run)| run)
        .filter(|run| !run.join("run.json").exists())
        .collect();
    runs.sort();
    runs
}

/// Folders that are named by the start of a run, as 20261123T021500Z or 20261123T021500Z-2.
fn named(folder: &Path) -> impl Iterator<Item = ((String, u32), PathBuf)> {
    let entries = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    entries
        .map(|e| e.path())
        .filter(|p| p.is_dir() && !p.is_symlink())
        .filter_map(|p| {
            let name = p.file_name()?.to_str()?.to_owned();
            let (start, number) = name.split_once('-').unwrap_or((&name, "1"));
            jiff::civil::DateTime::strptime(RUN_ID, start).ok()?;
            Some(((start.to_owned(), number.parse().ok()?), p))
        })
}

/// When the run started that has the last name.
pub fn last_start(folder: &Path) -> Option<String> {
    named(folder).map(|((start, _), _)| start).max()
}

/// The largest number among the runs that started at this time; 1 for one without a number.
pub fn last_number(folder: &Path, start: &str) -> Option<u32> {
    named(folder)
        .filter(|((of, _), _)| of == start)
        .map(|((_, number), _)| number)
        .max()
}

/// Removes what runs left that were killed: folders without `run.json`. Only for who holds the pipeline's lock.
pub fn sweep(folder: &Path) {
    let torn = |p: &PathBuf| p.join("images").is_dir() && !p.join("run.json").exists();
    named(folder).map(|(_, p)| p).filter(torn).for_each(|p| {
        let _ = std::fs::remove_dir_all(p);
    });
}

/// Removes a finished run; first what makes it one.
///
/// # Errors
/// When a file cannot be removed.
pub fn remove(run: &Path) -> std::io::Result<()> {
    std::fs::remove_file(run.join("run.json"))?;
    std::fs::remove_dir_all(run)
}

/// Finished runs that may go: the oldest, so that what stays is within the bounds. The newest stays, and the latest night.
pub fn surplus(folder: &Path, bounds: &Retention) -> Vec<PathBuf> {
    let day = |days: u32| {
        Timestamp::now()
            .checked_sub(SignedDuration::from_hours(24 * i64::from(days)))
            .ok()
    };
    let oldest = bounds
        .days
        .and_then(day)
        .map(|day| day.strftime(RUN_ID).to_string());
    let latest = folder.join("latest").canonicalize().ok();
    let mut kept = 0_u64;
    let mut newest_first = finished(folder);
    newest_first.reverse();
    let goes = |(i, run): &(usize, &PathBuf)| {
        kept = kept.saturating_add(size(run));
        let old = run
            .file_name()
            .zip(oldest.as_ref())
            .is_some_and(|(name, oldest)| *name < **oldest);
        *i > 0
            && run.canonicalize().ok() != latest
            && (*i >= bounds.nights || kept > bounds.bytes || old)
    };
    let mut surplus: Vec<PathBuf> = newest_first
        .iter()
        .enumerate()
        .filter(goes)
        .map(|(_, run)| run.clone())
        .collect();
    surplus.reverse();
    surplus
}

/// Bytes of all files below a folder.
pub fn size(folder: &Path) -> u64 {
    let files = walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_map(Result::ok);
    files
        .filter_map(|e| e.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .map(|m| m.len())
        .sum()
}

/// The findings that a run's `summary.json` tells of, and `none` for what else it looked at; empty where it is not readable.
pub fn findings(run: &Path) -> Vec<FindingRow> {
    let text = std::fs::read_to_string(run.join("summary.json")).unwrap_or_default();
    let summary: Value = serde_json::from_str(&text).unwrap_or_default();
    let mut findings: Vec<FindingRow> =
        serde_json::from_value(summary["findings"].clone()).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told: BTreeSet<(String, String)> = findings
        .iter()
        .map(|f| (f.label.clone(), f.region.clone()))
        .collect();
    let mut looked_at = BTreeSet::new();
    for row in summary["heat"].as_array().into_iter().flatten() {
        looked_at.insert((text(&row["label"]), text(&row["region"])));
        if row["object_share"].is_number() {
            looked_at.insert((text(&row["label"]), verdict::SURROUNDINGS.to_owned()));
        }
    }
    let nothing = |(label, region)| FindingRow {
        label,
        region,
        verdict: verdict::NONE.into(),
        ..FindingRow::default()
    };
    findings.extend(looked_at.difference(&told).cloned().map(nothing));
    findings
}

/// Whether too many images of a run were skipped for its findings to be relied on.
fn refused(run: &Path) -> bool {
    record(run)["refused"] == true
}

/// Most images of each label, where a limit chose them.
pub fn limit(run: &Path) -> Option<u64> {
    record(run)["limit"].as_u64()
}

/// Whether the latest night was limited as this run is; so it is where there is none.
pub fn same_limit(folder: &Path, run: &RunRecord) -> bool {
    let latest = folder.join("latest");
    !latest.exists() || limit(&latest) == run.limit.map(|n| n as u64)
}

/// A run's `run.json`; null where it is not readable.
pub fn record(run: &Path) -> Value {
    let text = std::fs::read_to_string(run.join("run.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Findings that a run held though their proof was weaker.
fn held(run: &Path) -> Vec<diff::Change> {
    let text = std::fs::read_to_string(run.join("changes.json")).unwrap_or_default();
    let night: Night = serde_json::from_str(&text).unwrap_or_default();
    night.changes.into_iter().filter(|c| c.held).collect()
}

/// Tonight's run and its findings against the nights before it in the pipeline's folder: those with the same limit, so that a
/// trial on a few images is no night.
pub fn compare(folder: &Path, record: &RunRecord, tonight: &[FindingRow]) -> Night {
    let mut runs = finished(folder);
    runs.retain(|run| !refused(run) && limit(run) == record.limit.map(|n| n as u64));
    let recent: Vec<Vec<FindingRow>> = runs
        .iter()
        .skip(runs.len().saturating_sub(TREND - 1))
        .map(|run| findings(run))
        .collect();
    let Some((last, before)) = runs.last().zip(recent.last()) else {
        return Night::default();
    };
    let effect = |night: &[FindingRow], of: &FindingRow| {
        night
            .iter()
            .find(|f| f.label == of.label && f.region == of.region)
            .and_then(|f| f.effect)
    };
    let trend = |f: &FindingRow| {
        let past = recent.iter().map(|night| effect(night, f));
        (
            format!("{}\t{}", f.label, f.region),
            past.chain([f.effect]).collect(),
        )
    };
    let mut before = before.clone();
    for held in held(last) {
        let same = |f: &&mut FindingRow| f.label == held.label && f.region == held.region;
        before
            .iter_mut()
            .filter(same)
            .for_each(|f| f.verdict = verdict::CONFIRMED.into());
    }
    let changes = diff::changes(&before, tonight);
    let told = |f: &&FindingRow| {
        changes
            .iter()
            .any(|c| c.label == f.label && c.region == f.region)
    };
    let trends: BTreeMap<String, Vec<Option<f64>>> =
        tonight.iter().filter(told).map(trend).collect();
    let previous = last.file_name().map(|n| n.to_string_lossy().into_owned());
    let differences = diff::differences(
        &self::record(last),
        &serde_json::to_value(record).unwrap_or_default(),
    );
    Night {
        previous,
        differences,
        changes,
        trends,
    }
}
