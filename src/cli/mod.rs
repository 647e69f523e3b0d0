//! What the user types, and what comes back: results on stdout, progress and errors on stderr, an exit code.

mod check;
mod explain;
mod gallery;
mod inspect;
mod list;
mod progress;
mod report;
mod run;
mod runs;
mod signals;

use crate::error::Error;
use crate::plan::{self, Plan};
use clap::{Args, Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Audits labeled image datasets for Clever-Hans shortcuts with class activation maps.
#[derive(Parser)]
#[command(name = "camaudit", version, max_term_width = 100)]
struct Opts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Audit a whole dataset as a pipeline file says
    Run(run::RunArgs),
    /// Say everything that can be said before a run
    Check(check::CheckArgs),
    /// Print a dataset as it was understood, as CSV: one annotation a line
    List(list::ListArgs),
    /// Show how a model comes apart into trunk, pool and head
    Inspect(inspect::InspectArgs),
    /// Write the class activation map of single images as a picture
    Explain(explain::ExplainArgs),
    /// Make report.html again from the files of a finished run
    Report(report::ReportArgs),
    /// List the findings of a finished run with their decisions, or decide one
    Review(report::ReviewArgs),
    /// Say what is new, worse, better or gone between two finished runs
    Diff(report::DiffArgs),
    /// Print the images behind a finding as CSV, the strongest first
    Images(gallery::ImagesArgs),
    /// Write a contact sheet of the images behind a finding, with their heat
    Gallery(gallery::GalleryArgs),
    /// Write index.html over the last runs of all pipelines
    Index(gallery::IndexArgs),
    /// List the finished runs of a pipeline
    Runs(runs::RunsArgs),
    /// Remove the oldest finished runs of a pipeline
    Prune(runs::PruneArgs),
    /// Print a schema: of the pipeline file, or of the tables
    Schema {
        #[arg(value_enum)]
        of: SchemaOf,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum SchemaOf {
    /// JSON schema of pipeline files
    Pipeline,
    /// Markdown tables of every column of every Parquet file
    Tables,
}

/// A pipeline file with overrides.
#[derive(Args)]
struct PipelineArgs {
    /// Pipeline file (TOML)
    pipeline: PathBuf,
    /// Override any key, as in --set run.jobs=2, or the whole list of regions; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl PipelineArgs {
    fn load(&self, more: impl IntoIterator<Item = String>) -> Result<Plan, Error> {
        let overrides: Vec<String> = self.set.iter().cloned().chain(more).collect();
        Plan::load(&self.pipeline, &overrides)
    }
}

/// Parses the command line, runs the command and maps its outcome to an exit code.
pub fn main() -> ExitCode {
    quiet_guarded_panics();
    let outcome = match Opts::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::check(&args),
        Command::List(args) => list::list(&args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Report(args) => report::report(&args),
        Command::Review(args) => report::review(&args),
        Command::Diff(args) => report::diff(&args),
        Command::Images(args) => gallery::images(&args),
        Command::Gallery(args) => gallery::gallery(&args),
        Command::Index(args) => gallery::index(&args),
        Command::Runs(args) => runs::runs(&args),
        Command::Prune(args) => runs::prune(&args),
        Command::Schema {
            of: SchemaOf::Pipeline,
        } => print(&plan::json_schema()),
        Command::Schema {
            of: SchemaOf::Tables,
        } => print(&crate::record::markdown()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = printable(&error.to_string());
            if !message.is_empty() {
                let _ = writeln!(std::io::stderr(), "camaudit: {message}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

/// Writes a result to stdout; a closed pipe is no error.
fn print(text: &str) -> Result<(), Error> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(format!("failed to write to stdout: {e}")))
        }
        _ => Ok(()),
    }
}

/// What comes from files must not command the terminal; messages of several lines stay so.
fn printable(text: &str) -> String {
    text.split('\n')
        .map(crate::report::printable)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A library that panics on hostile bytes is dealt with where it was called; it need not shout on stderr too.
fn quiet_guarded_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !crate::error::is_guarded() {
            default(info);
        }
    }));
}

/// Columns of the terminal, 80 where there is none.
fn terminal_width() -> u16 {
    console::Term::stdout()
        .size_checked()
        .map_or(80, |(_, columns)| columns.clamp(60, 160))
}
