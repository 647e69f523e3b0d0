//! `camaudit run`: measure, then conclude.

use super::ci_files::CiArgs;
use super::ending::FailOnArgs;
use super::exit_code::ExitCode;
use super::outcome::finish;
use super::pipeline_args::PipelineArgs;
use super::progress::ProgressArgs;
use super::{run_model, signals};
use crate::audit::{self, Observer, Outcome};
use crate::error::Result;
use crate::plan::{self, Plan};
use bytesize::ByteSize;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub(super) measuring: MeasuringArgs,
    /// Folder of labeled images, where a model (ONNX) is named in place of the pipeline: a pipeline
    /// is written into the folder of the reports, as by `camaudit init`, and run
    root: Option<PathBuf>,
    #[command(flatten)]
    fail_on: FailOnArgs,
    #[command(flatten)]
    ci: CiArgs,
    #[command(flatten)]
    progress: ProgressArgs,
}

/// How images are measured.
#[derive(Args)]
pub struct MeasuringArgs {
    #[command(flatten)]
    pub(super) pipeline: PipelineArgs,
    /// Folder of the reports; the run gets a folder of its own inside [default: run.out, else
    /// reports]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Worker threads, 0 = all cores
    #[arg(long, value_name = "N")]
    jobs: Option<u32>,
    /// Memory limit, as 4GiB; reduces the number of workers [default: run.memory_gb, else the
    /// container's limit]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<ByteSize>,
    /// At most N images per class, chosen by hash
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Neither use nor write the cache of inference results
    #[arg(long)]
    no_cache: bool,
    /// Re-run cached inferences and fail on a mismatch
    #[arg(long, conflicts_with = "no_cache")]
    verify_cache: bool,
}

/// A size with its unit: a plain number would be bytes, which is hardly ever meant.
pub fn memory(text: &str) -> Result<ByteSize, String> {
    if text.parse::<f64>().is_ok() {
        return Err(format!("the unit is missing, as in {text}GiB"));
    }
    text.parse()
}

impl MeasuringArgs {
    /// The pipeline with what the command line adds to it.
    ///
    /// # Errors
    /// As of [`Plan::load`].
    pub fn plan(&self, observer: &dyn Observer) -> Result<Plan> {
        let jobs = self.jobs.map(|n| format!("run.jobs={n}"));
        let limit = self.limit.map(|n| format!("run.limit={n}"));
        let mut plan = self.pipeline.load_with(jobs.into_iter().chain(limit))?;

        for warning in &plan.warnings {
            observer.warning(warning);
        }
        if let Some(out) = &self.out {
            plan.run.out.clone_from(out);
        }
        if let Some(memory) = self.memory {
            plan.run.memory = Some(memory.as_u64());
        }
        plan.run.verify_cache = self.verify_cache;
        if self.no_cache {
            plan.run.cache_bytes_max = 0;
        }
        Ok(plan)
    }
}

/// Audits a dataset.
///
/// # Errors
/// As of [`audit::run`].
pub fn run(mut args: RunArgs) -> Result<ExitCode> {
    let result = audit_plan(&mut args);
    finish(result, &args.fail_on, &args.ci, &args.progress)
}

fn audit_plan(args: &mut RunArgs) -> Result<(plan::Run, Outcome)> {
    signals::listen()?;
    args.ci.prepare()?;
    let first = &mut args.measuring.pipeline.pipeline;
    match &args.root {
        Some(root) => {
            let out = args.measuring.out.as_deref();
            *first = run_model::pipeline(first, root, out, &args.progress)?;
        }
        None => run_model::refuse_model(first)?,
    }
    let observer = args.progress.observer();
    let plan = args.measuring.plan(observer.as_ref())?;
    let outcome = audit::run(&plan, observer.as_ref())?;
    Ok((plan.run, outcome))
}
