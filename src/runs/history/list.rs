//! The runs of one pipeline's folder: how they are named, which are finished.

use super::order::{Place, runs};
use crate::error::{Error, Result};
use crate::plan::{RUN_ID, parse_run_id};
use crate::runs::clock;
use crate::runs::documents::{Document, MeasureRecord, RunIdentity, RunRecord};
use crate::runs::latest::latest;
use crate::tables::{ImageRow, Row};
use std::path::{Path, PathBuf};

/// The name of a run's folder; empty where the path has none.
pub fn run_id(run: &Path) -> String {
    let name = run.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// When a run started, for people; empty where its folder is not named by a run id.
pub fn started_at(run: &Path) -> String {
    let name = run_id(run);
    let start = parse_run_id(name.split('-').next().unwrap_or_default());
    start.map_or_else(String::new, |(start, _)| {
        start.strftime("%Y-%m-%d %H:%M UTC").to_string()
    })
}

fn is_finished(run: &Path) -> bool {
    run.join(RunRecord::FILE).is_file()
}

/// Finished runs of a pipeline's folder, the oldest first.
pub fn finished(home: &Path) -> Vec<PathBuf> {
    let mut finished = Vec::new();
    for run in runs(home).into_iter().map(|run| run.path) {
        if is_finished(&run) {
            finished.push(run);
        }
    }
    finished
}

/// Finished runs that were made before this one, the oldest first; all where its name is no run id.
pub fn finished_before(home: &Path, run: &RunIdentity) -> Vec<PathBuf> {
    let end = Place::new(&run.run_id, run.sequence);
    let mut finished = Vec::new();
    for earlier in runs(home) {
        let is_before = end.as_ref().is_none_or(|end| earlier.place < *end);
        if is_before && run_id(&earlier.path) != run.run_id && is_finished(&earlier.path) {
            finished.push(earlier.path);
        }
    }
    finished
}

/// Runs with complete rows, finished or waiting for `camaudit conclude`, the oldest first.
pub fn complete(home: &Path) -> Vec<PathBuf> {
    let mut complete = Vec::new();
    for run in runs(home).into_iter().map(|run| run.path) {
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
    for run in runs(home).into_iter().map(|run| run.path) {
        if !is_finished(&run) {
            unfinished.push(run);
        }
    }
    unfinished
}

/// The name and the number of a run that starts now: the number is larger than every other of the
/// folder. The name is the clock's time, also where the clock is behind the last run.
pub fn next_run(home: &Path) -> (String, u64) {
    let runs = runs(home);
    let sequences = runs.iter().map(|run| run.place.sequence());
    let sequence = sequences.max().unwrap_or(0) + 1;

    let now = clock::now().strftime(RUN_ID).to_string();
    let start = parse_run_id(&now).map(|(start, _)| start);
    let of_this_second = runs.iter().filter(|run| Some(run.place.start()) == start);
    let run_id = match of_this_second.map(|run| run.place.number()).max() {
        Some(number) => format!("{now}-{}", number.saturating_add(1)),
        None => now,
    };
    (run_id, sequence)
}

/// Removes folders of runs that were killed before their rows were complete.
///
/// A folder with `measured.json` stays: it waits for `camaudit conclude`. The caller has to hold
/// the pipeline's [`Lock`](crate::runs::Lock): the folder of a running process looks the same.
pub fn remove_incomplete(home: &Path) {
    for run in runs(home).into_iter().map(|run| run.path) {
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

/// Whether the run that `latest` names has the same limit of images per label; true where there is
/// no such run. A record that cannot be read counts as one without a limit.
pub fn same_limit(home: &Path, limit: Option<usize>) -> bool {
    let Some(latest) = latest(home) else {
        return true;
    };
    let record = RunRecord::read(&latest).ok();
    limit == record.and_then(|record| record.facts.limit)
}
