//! `camaudit measure`: the first half of a run, the rows.

use super::exit_code::ExitCode;
use super::output::{print, printable};
use super::progress::{ProgressArgs, log_error, log_event};
use super::run::MeasuringArgs;
use super::signals;
use crate::audit;
use crate::error::Result;
use crate::runs::documents::MeasureRecord;
use clap::Args;
use serde_json::json;

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
    let measured = measure_rows(args);
    if args.progress.is_json() {
        return Ok(log_ending(&measured));
    }
    measured.map(|_| ExitCode::Clean)
}

fn measure_rows(args: &MeasureArgs) -> Result<MeasureRecord> {
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
    Ok(record)
}

/// The last event of the JSON log.
fn log_ending(measured: &Result<MeasureRecord>) -> ExitCode {
    match measured {
        Ok(record) => {
            log_event(json!({
                "event": "finish",
                "run_id": record.identity.run_id,
                "audit_id": record.identity.audit_id,
                "counts": record.facts.counts,
                "exit_code": ExitCode::Clean.number(),
            }));
            ExitCode::Clean
        }
        Err(error) => log_error(error),
    }
}
