//! `camaudit measure`: the first half of a run, the rows.

use super::exit_code::ExitCode;
use super::output::{print, printable};
use super::progress::ProgressArgs;
use super::run::MeasuringArgs;
use super::signals;
use crate::audit;
use crate::error::Result;
use clap::Args;

#[derive(Args)]
pub struct MeasureArgs {
    #[command(flatten)]
    measuring: MeasuringArgs,
    #[command(flatten)]
    progress: ProgressArgs,
}

/// Writes the rows of a new run folder and prints its path.
///
/// # Errors
/// As of [`audit::measure_only`].
pub fn measure(args: &MeasureArgs) -> Result<ExitCode> {
    let observer = args.progress.observer();
    let plan = args.measuring.plan(observer.as_ref())?;
    signals::listen()?;
    let (folder, record) = audit::measure_only(&plan, observer.as_ref())?;
    for warning in &record.warnings {
        observer.warning(warning);
    }

    let counts = &record.facts.counts;
    let folder = printable(&folder.display().to_string());
    print(&format!(
        "{} of {} images measured, {} skipped\n{folder}\nnext: camaudit conclude {folder}\n",
        counts.scored, counts.found, counts.skipped
    ))?;
    Ok(ExitCode::Clean)
}
