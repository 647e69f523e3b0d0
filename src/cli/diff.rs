//! `camaudit diff`: two finished runs compared, as a table, as JSON or as a page.

use super::output::{print, printable, table};
use super::run_arg::run_folder;
use crate::audit::runs_page;
use crate::error::{Error, Result};
use crate::finding::Verdict;
use crate::runs::diff::{Change, changes, differences, headline};
use crate::runs::{open_finished, verdicts, write_file};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct DiffArgs {
    /// Folder of the earlier run
    #[arg(value_parser = run_folder())]
    old: PathBuf,
    /// Folder of the later run
    #[arg(value_parser = run_folder())]
    new: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write a page with both runs side by side: verdicts, figures and pictures, heat by class
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
    /// Limit of the pictures inside the page, in megabytes
    #[arg(long, value_name = "MB", default_value_t = 20.0, requires = "html")]
    max_mb: f64,
}

/// Prints what became of the findings of one run in another.
///
/// # Errors
/// When the documents of a run cannot be read, or the page cannot be written.
pub fn diff(args: &DiffArgs) -> Result<()> {
    let old = open_finished(&args.old)?;
    let new = open_finished(&args.new)?;
    let differences = differences(&old.record, &new.record);
    let all_verdicts = verdicts(&args.new)?;
    let changes = changes(&old.summary.findings, &new.summary.findings, &all_verdicts);

    if args.json {
        let both = json!({ "differences": differences, "changes": changes });
        let text = serde_json::to_string_pretty(&both).map_err(Error::cause("write JSON"))?;
        return print(&(text + "\n"));
    }
    print(&format!("{}\n", headline(&differences, &changes)))?;
    if let Some(file) = &args.html {
        let picture_bytes_max = (args.max_mb.max(0.0) * 1e6) as usize;
        let page = runs_page(&old, &new, &differences, &changes, picture_bytes_max)?;
        write_file(file, page.as_bytes())?;
        return print(&format!("{}\n", printable(&file.display().to_string())));
    }
    if changes.is_empty() {
        return Ok(());
    }
    let header = ["state", "class", "region", "before", "after", "why"];
    print(&table(header, changes.iter().map(row)))
}

fn row(change: &Change) -> [String; 6] {
    [
        change.state.name().to_owned(),
        change.label.clone(),
        change.region.clone(),
        name(change.before),
        name(change.after),
        change.why(),
    ]
}

fn name(verdict: Option<Verdict>) -> String {
    verdict.map_or(String::new(), |verdict| verdict.name().to_owned())
}
