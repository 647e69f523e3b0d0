//! `camaudit report`: `report.html` again, from the files of a run.

use super::output::{print, printable};
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
}

/// Makes `report.html` again.
///
/// # Errors
/// When the run's documents cannot be read, or the page cannot be written.
pub fn report(args: &ReportArgs) -> Result<()> {
    let run = open_finished(&args.run)?;
    let picture_bytes_max = (args.max_mb.max(0.0) * 1e6) as usize;
    let page = report_page(
        &args.run,
        &run.summary,
        &run.changes()?,
        &run.record.identity.pipeline_file,
        picture_bytes_max,
    )?;

    let file = args.run.join("report.html");
    write_file(&file, page.as_bytes())?;
    print(&format!("{}\n", printable(&file.display().to_string())))
}
