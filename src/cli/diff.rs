//! `camaudit diff`: two finished runs compared.

use super::output::{print, table};
use super::run_arg::run_folder;
use crate::error::{Error, Result};
use crate::finding::Verdict;
use crate::runs::diff::{Change, changes, differences, headline};
use crate::runs::{open_finished, verdicts};
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
}

/// Prints what became of the findings of one run in another.
///
/// # Errors
/// When the documents of a run cannot be read.
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
