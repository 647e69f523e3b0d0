//! `camaudit discover`: the search for undeclared confounders alone.

use super::output::{empty_table, paragraph, print, printable};
use super::pipeline_args::PipelineArgs;
use super::progress::ProgressArgs;
use super::signals;
use crate::audit::{self, DiscoveredRun};
use crate::error::Result;
use crate::finding::GroupCount;
use clap::Args;

#[derive(Args)]
pub struct DiscoverArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// Search this class only; its images are compared with those of the others, and p-values are
    /// adjusted for all
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    #[command(flatten)]
    progress: ProgressArgs,
}

/// Prints what was found as a table.
///
/// # Errors
/// As of [`audit::discover_run`].
pub fn discover(args: &DiscoverArgs) -> Result<()> {
    let observer = args.progress.observer();
    let plan = args.pipeline.load()?;
    signals::listen()?;
    let found = audit::discover_run(&plan, args.class.as_deref(), observer.as_ref())?;
    print(&text(&found))
}

fn text(found: &DiscoveredRun) -> String {
    let mut text = String::new();
    if !found.lines.is_empty() {
        let mut table = empty_table();
        table.set_header(["class", "found", "what", "in tested half", "in others", "q"]);
        for line in &found.lines {
            let count = |count: GroupCount| format!("{} of {}", count.present, count.groups);
            table.add_row([
                printable(&line.class),
                line.origin.name().to_owned(),
                printable(&line.what),
                count(line.in_class),
                count(line.in_others),
                format!("{:.1e}", line.q),
            ]);
        }
        text += &format!("{table}\n");
    }
    for sentence in &found.scope {
        text += &paragraph(&format!("{}.", printable(sentence)));
    }
    let folder = printable(&found.folder.display().to_string());
    text += &format!("Not tested: `camaudit run` does. Tables: {folder}\n");
    text
}
