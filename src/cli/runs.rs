//! `camaudit runs` and `camaudit prune`: the finished runs of a pipeline.

use super::{print, printable, terminal_width};
use crate::error::Error;
use crate::plan::Retention;
use crate::report::nights;
use crate::store::Lock;
use clap::{ArgGroup, Args};
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use serde_json::Value;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct RunsArgs {
    /// Folder of a pipeline's runs, as reports/demo
    folder: PathBuf,
}

#[derive(Args)]
#[command(group(ArgGroup::new("bounds").required(true).multiple(true).args(["keep", "days", "gb"])))]
pub struct PruneArgs {
    /// Folder of a pipeline's runs, as reports/demo
    folder: PathBuf,
    /// How many runs stay, the newest
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// How many days ago the oldest that stay were started
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// How many gigabytes stay
    #[arg(long, value_name = "GB")]
    gb: Option<f64>,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
}

/// One line per run: state, counts, verdicts, size.
pub fn runs(args: &RunsArgs) -> Result<(), Error> {
    let runs = some(&args.folder)?;
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(terminal_width()).set_header([
        "run", "state", "found", "skipped", "top-1", "verdicts", "size",
    ]);
    let latest = args.folder.join("latest").canonicalize().ok();
    let usual = latest.as_deref().map_or(Value::Null, |latest| {
        nights::record(latest)["limit"].clone()
    });
    for run in runs.into_iter().chain(nights::unfinished(&args.folder)) {
        let record = nights::record(&run);
        let state = match &record {
            Value::Null => "unfinished",
            record if record["refused"] == true => "refused",
            record if record["limit"] != usual => "trial",
            _ if run.canonicalize().ok() == latest => "latest",
            _ => "finished",
        };
        let count = |of: &str| {
            record["counts"][of]
                .as_u64()
                .map_or("-".into(), |n| n.to_string())
        };
        let told = |(verdict, n): (&String, &Value)| {
            (verdict != "none").then(|| format!("{n} {}", verdict.replace('_', " ")))
        };
        let verdicts: Vec<String> = record["verdicts"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(told)
            .collect();
        table.add_row([
            printable(&run.file_name().unwrap_or_default().to_string_lossy()),
            state.to_owned(),
            count("found"),
            count("skipped"),
            record["top1_accuracy"]
                .as_f64()
                .map_or("-".into(), |v| format!("{:.1} %", 100.0 * v)),
            verdicts.join(", "),
            format!("{:.1} MB", nights::size(&run) as f64 / 1e6),
        ]);
    }
    // What is copied into the next command stays whole.
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    print(&format!("{table}\n"))
}

/// Removes the oldest runs.
pub fn prune(args: &PruneArgs) -> Result<(), Error> {
    some(&args.folder)?;
    let _lock = Lock::take(&args.folder)?;
    let bytes = args.gb.map_or(u64::MAX, |gb| (gb.max(0.0) * 1e9) as u64);
    let bounds = Retention {
        nights: args.keep.map_or(usize::MAX, |n| n.max(1)),
        days: args.days,
        bytes,
    };
    let surplus = nights::surplus(&args.folder, &bounds);
    for run in &surplus {
        if !args.dry_run {
            nights::remove(run).map_err(Error::cause(format!("remove {}", run.display())))?;
        }
        print(&format!(
            "{} {}\n",
            if args.dry_run {
                "would remove"
            } else {
                "removed"
            },
            printable(&run.display().to_string())
        ))?;
    }
    if surplus.is_empty() {
        print("nothing to remove\n")
    } else {
        Ok(())
    }
}

fn some(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let runs = nights::finished(folder);
    if runs.is_empty() {
        return Err(Error::new(format!(
            "there is no finished run in {}; a pipeline's runs lie in reports/PIPELINE",
            folder.display()
        )));
    }
    Ok(runs)
}
