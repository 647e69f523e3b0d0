//! The runs of one pipeline's folder: how they are named, which are finished.

use crate::error::{Error, Result};
use crate::runs::documents::{Document, MeasureRecord, RunRecord};
use crate::tables::{ImageRow, Row};
use jiff::Timestamp;
use jiff::civil::DateTime;
use std::path::{Path, PathBuf};

/// The start of a run as its folder is named, in UTC. A number is added where several runs start in
/// one second, as in 20261123T021500Z-2.
pub const RUN_ID: &str = "%Y%m%dT%H%M%SZ";

/// The order of run ids: by start, then by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RunOrder {
    start: String,
    number: u32,
}

impl RunOrder {
    /// `None` for a name that is no run id.
    fn parse(run_id: &str) -> Option<Self> {
        let (start, number) = run_id.split_once('-').unwrap_or((run_id, "1"));
        DateTime::strptime(RUN_ID, start).ok()?;
        Some(Self {
            start: start.to_owned(),
            number: number.parse().ok()?,
        })
    }
}

/// The name of a run's folder; empty where the path has none.
pub fn run_id(run: &Path) -> String {
    let name = run.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// When a run started, for people; empty where its folder is not named by a run id.
pub fn started_at(run: &Path) -> String {
    let run_id = run_id(run);
    let start = run_id.split('-').next().unwrap_or_default();
    match DateTime::strptime(RUN_ID, start) {
        Ok(start) => start.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => String::new(),
    }
}

/// Folders that are named by a run id, the oldest first. Other folders are not touched.
fn runs(home: &Path) -> Vec<(RunOrder, PathBuf)> {
    let mut runs = Vec::new();
    for entry in std::fs::read_dir(home).into_iter().flatten().flatten() {
        let path = entry.path();
        if !path.is_dir() || path.is_symlink() {
            continue;
        }
        let name = entry.file_name();
        if let Some(order) = name.to_str().and_then(RunOrder::parse) {
            runs.push((order, path));
        }
    }
    runs.sort();
    runs
}

fn is_finished(run: &Path) -> bool {
    run.join(RunRecord::FILE).is_file()
}

/// Finished runs of a pipeline's folder, the oldest first.
pub fn finished(home: &Path) -> Vec<PathBuf> {
    let mut finished = Vec::new();
    for (_, run) in runs(home) {
        if is_finished(&run) {
            finished.push(run);
        }
    }
    finished
}

/// Finished runs with smaller run ids than this one, the oldest first; all where it is no run id.
pub fn finished_before(home: &Path, run_id: &str) -> Vec<PathBuf> {
    let end = RunOrder::parse(run_id);
    let mut finished = Vec::new();
    for (order, run) in runs(home) {
        let is_before = end.as_ref().is_none_or(|end| order < *end);
        if is_before && is_finished(&run) {
            finished.push(run);
        }
    }
    finished
}

/// Runs with complete rows, finished or waiting for `camaudit conclude`, the oldest first.
pub fn complete(home: &Path) -> Vec<PathBuf> {
    let mut complete = Vec::new();
    for (_, run) in runs(home) {
        if is_finished(&run) || run.join(MeasureRecord::FILE).is_file() {
            complete.push(run);
        }
    }
    complete
}

/// Runs without `run.json`, the oldest first: being written, killed, or waiting for
/// `camaudit conclude`.
pub fn unfinished(home: &Path) -> Vec<PathBuf> {
    let mut unfinished = Vec::new();
    for (_, run) in runs(home) {
        if !is_finished(&run) {
            unfinished.push(run);
        }
    }
    unfinished
}

/// The run id of a run that starts now. It is larger than every run id of the folder.
///
/// Where the clock is behind the last run, the start of that run is taken.
pub fn next_run_id(home: &Path) -> String {
    let now = Timestamp::now().strftime(RUN_ID).to_string();
    match runs(home).pop() {
        Some((last, _)) if last.start >= now => format!("{}-{}", last.start, last.number + 1),
        _ => now,
    }
}

/// Removes folders of runs that were killed before their rows were complete.
///
/// A folder with `measured.json` stays: it waits for `camaudit conclude`. The caller has to hold
/// the pipeline's [`Lock`](crate::runs::Lock): the folder of a running process looks the same.
pub fn remove_incomplete(home: &Path) {
    for (_, run) in runs(home) {
        let has_rows = run.join(ImageRow::TABLE).is_dir();
        let is_measured = run.join(MeasureRecord::FILE).exists();
        let is_concluded = run.join(RunRecord::FILE).exists();
        if has_rows && !is_measured && !is_concluded {
            // A folder that cannot be removed now is tried again by the next run.
            let _ = std::fs::remove_dir_all(run);
        }
    }
}

/// Removes a run.
///
/// # Errors
/// When a file cannot be removed; names the run.
pub fn remove(run: &Path) -> Result<()> {
    // These two first: what is left after a failure is no finished run and no measured one.
    for document in [RunRecord::FILE, MeasureRecord::FILE] {
        let file = run.join(document);
        if file.exists() {
            std::fs::remove_file(&file)
                .map_err(Error::cause(format!("remove {}", file.display())))?;
        }
    }
    std::fs::remove_dir_all(run).map_err(Error::cause(format!("remove {}", run.display())))
}

/// Whether the run that `latest` links to has the same limit of images per label; true where there
/// is no such run. A record that cannot be read counts as one without a limit.
pub fn same_limit(home: &Path, limit: Option<usize>) -> bool {
    let latest = home.join("latest");
    if !latest.exists() {
        return true;
    }
    let record = RunRecord::read(&latest).ok();
    limit == record.and_then(|record| record.facts.limit)
}
