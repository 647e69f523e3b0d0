//! `camaudit index`: one page over the last runs of all pipelines.

use super::output::{print, printable};
use crate::error::{Error, Result};
use crate::report::pipeline_index::{IndexRow, pipeline_index, report_link};
use crate::runs::documents::{Changes, Document, RunRecord, Summary};
use crate::runs::{history, latest, write_file};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct IndexArgs {
    /// Folder that holds the folders of the pipelines
    #[arg(default_value = "reports")]
    folder: PathBuf,
}

/// The last run of one pipeline.
struct LastRun {
    pipeline: String,
    run: PathBuf,
    record: Result<RunRecord>,
    summary: Result<Summary>,
    changes: Result<Changes>,
}

/// Writes `index.html`.
///
/// # Errors
/// When there is no finished run below the folder, or the page cannot be written.
pub fn index(args: &IndexArgs) -> Result<()> {
    let runs = last_runs(&args.folder)?;
    if runs.is_empty() {
        return Err(Error::new(format!(
            "{}: there is no finished run below it; a pipeline's runs lie in reports/PIPELINE",
            args.folder.display()
        )));
    }
    let rows: Vec<IndexRow<'_>> = runs.iter().map(row).collect();
    let file = args.folder.join("index.html");
    write_file(&file, pipeline_index(&rows)?.as_bytes())?;
    print(&format!("{}\n", printable(&file.display().to_string())))
}

fn last_runs(folder: &Path) -> Result<Vec<LastRun>> {
    let entries =
        std::fs::read_dir(folder).map_err(Error::cause(format!("read {}", folder.display())))?;
    let mut runs = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let home = entry.path();
        if !home.is_dir() {
            continue;
        }
        if let Some(run) = last_run(&home) {
            runs.push(LastRun {
                pipeline: file_name(&home),
                record: RunRecord::read(&run),
                summary: Summary::read(&run),
                changes: Changes::read(&run),
                run,
            });
        }
    }
    Ok(runs)
}

/// The run that `latest` names, which is the last that was no trial; without `latest` the last of
/// all.
fn last_run(home: &Path) -> Option<PathBuf> {
    let mut runs = history::finished(home);
    if let Some(latest) = latest(home) {
        let named = runs.iter();
        let mut named = named.filter(|run| run.canonicalize().is_ok_and(|run| run == latest));
        if let Some(run) = named.next() {
            return Some(run.clone());
        }
    }
    runs.pop()
}

fn row(last: &LastRun) -> IndexRow<'_> {
    let errors = [
        last.record.as_ref().err(),
        last.summary.as_ref().err(),
        last.changes.as_ref().err(),
    ];
    let broken = errors.into_iter().flatten().next();
    IndexRow {
        pipeline: &last.pipeline,
        link: report_link(&last.pipeline, &file_name(&last.run)),
        started_at: history::started_at(&last.run),
        record: last.record.as_ref().ok(),
        summary: last.summary.as_ref().ok(),
        changes: last.changes.as_ref().ok(),
        broken: broken.map(|error| format!("not readable: {error}")),
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
