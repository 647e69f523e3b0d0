//! `camaudit conclude`: the second half of a run, from rows to findings and report.

use super::ci_files::CiArgs;
use super::ending::FailOnArgs;
use super::exit_code::ExitCode;
use super::outcome::finish;
use super::progress::ProgressArgs;
use super::run::memory;
use super::run_arg::run_folder;
use super::signals;
use crate::audit::{self, Outcome};
use crate::error::{Error, Result};
use crate::plan::{self, Plan};
use crate::runs;
use crate::runs::documents::RunIdentity;
use bytesize::ByteSize;
use clap::Args;
use std::path::PathBuf;

const SET_HELP: &str = "Override a key of [verdict], [report], [review] or [retention], as in \
                        --set verdict.causal_rate=0.05; may be repeated. Another [verdict], \
                        [report] or [review] makes a new run folder";

#[derive(Args)]
pub struct ConcludeArgs {
    /// Folder of a run, or of measured rows
    #[arg(value_parser = run_folder())]
    run: PathBuf,
    #[arg(long, value_name = "KEY=VALUE", help = SET_HELP)]
    set: Vec<String>,
    /// The pipeline file [default: the one that the run was started with]
    #[arg(long, value_name = "TOML")]
    pipeline: Option<PathBuf>,
    /// Worker threads, 0 = all cores
    #[arg(long, value_name = "N")]
    jobs: Option<u32>,
    /// Memory limit, as 4GiB; reduces the number of workers [default: run.memory_gb, else the
    /// container's limit]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<ByteSize>,
    /// Neither use nor write the cache of inference results
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    fail_on: FailOnArgs,
    #[command(flatten)]
    ci: CiArgs,
    #[command(flatten)]
    progress: ProgressArgs,
}

/// Makes findings of the rows of a run.
///
/// # Errors
/// As of [`audit::conclude_run`].
pub fn conclude(args: &ConcludeArgs) -> Result<ExitCode> {
    let result = conclude_rows(args);
    finish(result, &args.fail_on, &args.ci, &args.progress)
}

fn conclude_rows(args: &ConcludeArgs) -> Result<(plan::Run, Outcome)> {
    args.ci.prepare()?;
    let identity = runs::identity(&args.run)?;
    let file = match &args.pipeline {
        Some(file) => file.clone(),
        None => PathBuf::from(&identity.pipeline_file),
    };
    let mut overrides = stored_overrides(&identity);
    overrides.extend(args.set.iter().cloned());
    overrides.extend(args.jobs.map(|n| format!("run.jobs={n}")));

    let mut plan = Plan::load(&file, &overrides).map_err(|e| {
        let hint = "(as the run was started; --pipeline names another file)";
        Error::new(format!("{e}\n  {hint}"))
    })?;
    if let Some(memory) = args.memory {
        plan.run.memory = Some(memory.as_u64());
    }
    if args.no_cache {
        plan.run.cache_bytes_max = 0;
    }
    let observer = args.progress.observer();
    for warning in &plan.warnings {
        observer.warning(warning);
    }
    signals::listen()?;
    let outcome = audit::conclude_run(&args.run, &plan, observer.as_ref())?;
    Ok((plan.run, outcome))
}

/// The overrides that the run was started with, without those that start programs, write files or
/// remove runs: a run folder may come from elsewhere.
fn stored_overrides(identity: &RunIdentity) -> Vec<String> {
    let mut overrides = identity.overrides.clone();
    overrides.retain(|text| {
        let key = text.split('=').next().unwrap_or_default().trim();
        key != "run"
            && !key.starts_with("run.on_finish")
            && !key.starts_with("run.metrics")
            && !key.starts_with("retention")
    });
    overrides
}
