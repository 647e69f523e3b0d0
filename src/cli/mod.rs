//! What the user types, and what comes back: results on stdout, progress and errors on stderr, an
//! exit code.

mod check;
mod check_dataset;
mod check_images;
mod ci_files;
mod concept;
mod conclude;
mod diff;
mod discover;
mod ending;
mod exit_code;
mod explain;
mod gallery;
mod images;
mod index;
mod init;
mod inspect;
mod list;
mod measure;
mod outcome;
mod output;
mod pipeline_args;
mod progress;
mod report;
mod review;
mod run;
mod run_arg;
mod run_model;
mod runs;
mod shell;
mod signals;

use crate::error::Result;
use crate::plan;
use clap::{CommandFactory, Parser, Subcommand};
use exit_code::ExitCode;
use output::{eprint_end, print};
use std::ffi::OsString;

/// Audits labeled image datasets for Clever-Hans shortcuts with class activation maps.
#[derive(Parser)]
#[command(name = "camaudit", version, max_term_width = 100)]
struct Opts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a pipeline file for a model and a folder of labeled images
    Init(init::InitArgs),
    /// Audit a dataset as a pipeline file describes: measure, then conclude
    Run(run::RunArgs),
    /// Check the pipeline, dataset and model without running
    Check(check::CheckArgs),
    /// Measure every image and write the rows, without findings
    Measure(measure::MeasureArgs),
    /// Make findings and report from the rows of a run, without measuring again
    Conclude(conclude::ConcludeArgs),
    /// Search the newest run of a pipeline for what nobody declared, without experiments
    Discover(discover::DiscoverArgs),
    /// List the concepts of a class of a finished run, write one as a region, or test it
    Concept(concept::ConceptArgs),
    /// Print every annotation of a dataset as CSV, one a line
    List(list::ListArgs),
    /// Show a model's input, pool, head and the accuracy of its maps
    Inspect(inspect::InspectArgs),
    /// Write the class activation map of single images as a picture
    Explain(explain::ExplainArgs),
    /// Make report.html again from the files of a finished run
    Report(report::ReportArgs),
    /// List the findings of a finished run with their decisions, decide one, or merge files
    Review(review::ReviewArgs),
    /// List the findings that are new, worse, better or gone between two finished runs
    Diff(diff::DiffArgs),
    /// Print the images behind a finding as CSV, the strongest first
    Images(images::ImagesArgs),
    /// Write a contact sheet of the images behind a finding, with their heat
    Gallery(gallery::GalleryArgs),
    /// Write index.html over the last runs of all pipelines
    Index(index::IndexArgs),
    /// List the runs of a pipeline
    Runs(runs::RunsArgs),
    /// Remove the oldest finished runs of a pipeline
    Prune(runs::PruneArgs),
    /// Print a schema: of the pipeline file, or of the tables
    Schema {
        #[arg(value_enum)]
        of: SchemaOf,
    },
    /// Print the script that completes commands and options in a shell
    Completions(shell::CompletionsArgs),
    /// Write the manual pages into a folder
    Man(shell::ManArgs),
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum SchemaOf {
    /// JSON schema of pipeline files
    Pipeline,
    /// Markdown tables of every column of every Parquet file
    Tables,
}

/// Runs the command of the process's command line and returns its exit code.
pub fn main() -> std::process::ExitCode {
    run_command(std::env::args_os()).into()
}

/// Runs the command of a command line, the name of the program first, and returns the number of its
/// exit code. A command line that cannot be parsed ends the process.
pub fn main_with(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    run_command(arguments.into_iter()).number()
}

fn run_command(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    quiet_guarded_panics();
    match dispatch(Opts::parse_from(arguments).command) {
        Ok(code) => code,
        Err(error) => {
            eprint_end(&error.to_string());
            if error.is_interruption() {
                ExitCode::Interrupted
            } else {
                ExitCode::Failure
            }
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode> {
    match command {
        Command::Run(args) => return run::run(args),
        Command::Conclude(args) => return conclude::conclude(&args),
        Command::Report(args) => return report::report(&args),
        Command::Review(args) => return review::review(&args),
        Command::Measure(args) => return measure::measure(&args),
        Command::Check(args) => return check::check(&args),
        Command::Init(args) => init::init(&args),
        Command::Discover(args) => discover::discover(&args),
        Command::Concept(args) => concept::concept(&args),
        Command::List(args) => list::list(&args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Diff(args) => diff::diff(&args),
        Command::Images(args) => images::images(&args),
        Command::Gallery(args) => gallery::gallery(&args),
        Command::Index(args) => index::index(&args),
        Command::Runs(args) => runs::runs(&args),
        Command::Prune(args) => runs::prune(&args),
        Command::Schema { of } => match of {
            SchemaOf::Pipeline => print(&plan::json_schema()?),
            SchemaOf::Tables => print(&crate::tables::markdown()),
        },
        Command::Completions(args) => shell::completions(&args, Opts::command()),
        Command::Man(args) => shell::man(&args, Opts::command()),
    }?;
    Ok(ExitCode::Clean)
}

/// The panic of a library on hostile bytes is handled by its caller; it is not printed.
fn quiet_guarded_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !crate::error::is_guarded() {
            default(info);
        }
    }));
}
