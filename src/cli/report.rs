//! `camaudit report`: `report.html` again, from the files of a run, and files for continuous
//! integration.

use super::ci_files::{CiArgs, Ended};
use super::ending::FailOnArgs;
use super::exit_code::ExitCode;
use super::output::{eprint_end, print, printable};
use super::run_arg::run_folder;
use crate::audit::report_page;
use crate::error::Result;
use crate::runs::{open_finished, write_file};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct ReportArgs {
    /// Folder of a finished run
    #[arg(value_parser = run_folder())]
    run: PathBuf,
    /// Limit of the pictures inside the page, in megabytes
    #[arg(long, value_name = "MB", default_value_t = 20.0)]
    max_mb: f64,
    #[command(flatten)]
    fail_on: FailOnArgs,
    #[command(flatten)]
    ci: CiArgs,
}

/// Makes `report.html` again.
///
/// # Errors
/// When the run's documents cannot be read, or a file cannot be written.
pub fn report(args: &ReportArgs) -> Result<ExitCode> {
    args.ci.prepare()?;
    let run = open_finished(&args.run)?;
    let picture_bytes_max = (args.max_mb.max(0.0) * 1e6) as usize;
    let changes = run.changes()?;
    let page = report_page(
        &args.run,
        &run.summary,
        &changes,
        &run.record.identity.pipeline_file,
        picture_bytes_max,
    )?;

    let file = args.run.join("report.html");
    write_file(&file, page.as_bytes())?;
    print(&format!("{}\n", printable(&file.display().to_string())))?;

    let refused = run.summary.refused.as_deref();
    let ending = args.fail_on.ending(&run.summary, &changes, refused);
    let ended = Ended {
        folder: &args.run,
        record: &run.record,
        summary: &run.summary,
        ending: &ending,
    };
    args.ci.write(&ended, &args.fail_on)?;
    if let Some(message) = &ending.message {
        eprint_end(message);
    }
    Ok(ending.code)
}
