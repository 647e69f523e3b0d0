//! `camaudit runs` and `camaudit prune`: the runs of a pipeline.

use super::output::{empty_table, print, printable, warn};
use crate::error::{Error, Result};
use crate::finding::Verdict;
use crate::plan::Retention;
use crate::runs::documents::{Document, MeasureRecord, RunRecord};
use crate::runs::{Lock, history, latest};
use clap::{ArgGroup, Args};
use comfy_table::ColumnConstraint;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct RunsArgs {
    /// Folder of a pipeline's runs, as reports/demo
    folder: PathBuf,
}

#[derive(Args)]
#[command(group = bounds())]
pub struct PruneArgs {
    /// Folder of a pipeline's runs, as reports/demo
    folder: PathBuf,
    /// Keep the newest N runs
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Keep runs of the last N days
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// Keep the newest runs up to so many gigabytes
    #[arg(long, value_name = "GB")]
    gb: Option<f64>,
    /// List what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// At least one of the bounds.
fn bounds() -> ArgGroup {
    let bounds = ArgGroup::new("bounds").required(true).multiple(true);
    bounds.args(["keep", "days", "gb"])
}

/// Prints one line per run: state, counts, verdicts, size.
///
/// # Errors
/// When the folder has no run.
pub fn runs(args: &RunsArgs) -> Result<()> {
    let mut runs = history::finished(&args.folder);
    runs.extend(history::unfinished(&args.folder));
    if runs.is_empty() {
        return Err(no_run(&args.folder));
    }

    let latest = latest(&args.folder);
    let latest_limit = latest
        .as_ref()
        .and_then(|latest| RunRecord::read(latest).ok())
        .map(|record| record.facts.limit);

    let mut table = empty_table();
    table.set_header([
        "run", "state", "found", "skipped", "top-1", "verdicts", "size",
    ]);
    for run in &runs {
        let is_latest = run.canonicalize().ok() == latest;
        table.add_row(row(run, is_latest, latest_limit));
    }
    // Names that are copied into the next command are not wrapped.
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    print(&format!("{table}\n"))
}

fn row(run: &Path, is_latest: bool, latest_limit: Option<Option<usize>>) -> [String; 7] {
    let name = run.file_name().unwrap_or_default().to_string_lossy();
    let size = format!("{:.1} MB", history::dir_size(run) as f64 / 1e6);
    let record = RunRecord::read(run);
    let state = match &record {
        Err(_) => state_without_record(run),
        Ok(record) if record.refused => "refused",
        Ok(record) if latest_limit.is_some_and(|limit| limit != record.facts.limit) => "trial",
        Ok(_) if is_latest => "latest",
        Ok(_) => "finished",
    };

    let mut cells = [const { String::new() }; 7];
    cells[0] = printable(&name);
    cells[1] = state.to_owned();
    cells[6] = size;
    match record {
        Ok(record) => {
            cells[2] = record.facts.counts.found.to_string();
            cells[3] = record.facts.counts.skipped.to_string();
            cells[4] = format!("{:.1} %", 100.0 * record.top1_accuracy);
            cells[5] = verdicts(&record);
        }
        Err(_) => {
            for cell in &mut cells[2..5] {
                *cell = "-".to_owned();
            }
        }
    }
    cells
}

fn state_without_record(run: &Path) -> &'static str {
    if run.join(RunRecord::FILE).exists() {
        "unreadable"
    } else if run.join(MeasureRecord::FILE).exists() {
        "measured"
    } else {
        "unfinished"
    }
}

fn verdicts(record: &RunRecord) -> String {
    let mut counts = Vec::new();
    for (verdict, count) in &record.verdicts {
        if *verdict != Verdict::None {
            counts.push(format!("{count} {}", verdict.words()));
        }
    }
    counts.join(", ")
}

/// Removes the oldest runs.
///
/// # Errors
/// When the folder has no run, another run holds it, or a run cannot be removed.
pub fn prune(args: &PruneArgs) -> Result<()> {
    if history::complete(&args.folder).is_empty() {
        return Err(no_run(&args.folder));
    }
    if args.gb.is_some_and(|gb| gb.is_nan() || gb < 0.0) {
        return Err(Error::new("--gb must be a number from 0"));
    }
    // The user may name the folder by a link.
    let home = &args
        .folder
        .canonicalize()
        .map_err(Error::cause(format!("open {}", args.folder.display())))?;
    let lock = Lock::take(home)?;
    if let Some(warning) = lock.warning() {
        warn(&warning);
    }
    let policy = Retention {
        runs: args.keep.map_or(usize::MAX, |n| n.max(1)),
        days: args.days,
        bytes: args.gb.map_or(u64::MAX, |gb| (gb * 1e9) as u64),
    };

    let expired = history::expired(home, &policy);
    for run in &expired {
        let name = args.folder.join(run.file_name().unwrap_or_default());
        let name = printable(&name.display().to_string());
        if args.dry_run {
            print(&format!("would remove {name}\n"))?;
        } else {
            history::remove(run)?;
            print(&format!("removed {name}\n"))?;
        }
    }
    if expired.is_empty() {
        return print("nothing to remove\n");
    }
    Ok(())
}

fn no_run(folder: &Path) -> Error {
    Error::new(format!(
        "there is no run in {}; a pipeline's runs lie in reports/PIPELINE",
        folder.display()
    ))
}
