//! `camaudit check`: the pipeline, dataset and model without a run.

use super::exit_code::ExitCode;
use super::output::{paragraph, print, printable};
use super::pipeline_args::PipelineArgs;
use super::{check_dataset, check_images, inspect};
use crate::audit::load_model;
use crate::dataset::{Dataset, LabelMap, uncounted_images, unmatched_names};
use crate::error::{Error, Result};
use crate::report::{accuracy_warning, ignored_warning};
use crate::runs::documents::Counts;
use crate::runs::review;
use clap::Args;

#[derive(Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// Read the annotations only: no model, no image
    #[arg(long)]
    no_images: bool,
    /// Print what was found in the dataset as JSON, and stop there
    #[arg(long)]
    json: bool,
}

/// Prints the dataset, the model, a few measured images and every warning.
///
/// # Errors
/// When the pipeline, dataset or model cannot be used.
pub fn check(args: &CheckArgs) -> Result<ExitCode> {
    let plan = args.pipeline.load()?;
    let dataset = Dataset::open(&plan.dataset, plan.run.limit, plan.run.seed)?;
    if args.json {
        let text = serde_json::to_string_pretty(&check_dataset::as_json(&plan, &dataset.stats))
            .map_err(Error::cause("write JSON"))?;
        print(&(text + "\n"))?;
        return Ok(exit_code(
            check_dataset::refusal(&plan, &dataset.stats).as_ref(),
        ));
    }
    print(&check_dataset::describe(&plan, &dataset.stats))?;
    let mut warnings = unmatched_names(&plan, &dataset.stats);
    warnings.extend(uncounted_images(&dataset.stats));
    let counts = Counts::new(&dataset.stats, dataset.stats.found, &[], &[]);
    warnings.extend(counts.ignored_pictures().map(|_| ignored_warning(&counts)));
    warnings.extend(dataset.missing_files()?);
    if let Some(file) = &plan.review.decisions {
        review::read(file)?;
    }

    let refusal = check_dataset::refusal(&plan, &dataset.stats);
    if args.no_images || refusal.is_some() {
        print(&conclusion(&warnings, refusal.as_ref()))?;
        return Ok(exit_code(refusal.as_ref()));
    }

    let model = load_model(&plan)?;
    let labels = LabelMap::new(&plan, dataset.stats.labels.keys(), model.facts.classes)?;
    let facts = inspect::describe(&model.facts);
    print(&format!("\n{facts}engine         {}\n", model.engine_name))?;

    warnings.extend(labels.warnings.iter().cloned());
    warnings.extend(model.facts.warnings.iter().cloned());
    let tried = check_images::measure_some(&plan, &model, &labels, &dataset)?;
    print(&check_images::describe(&plan, &tried, dataset.stats.found))?;
    let implausible = tried.box_problems.iter();
    warnings.extend(implausible.map(|problem| problem.message.clone()));
    if let Some(accuracy) = tried.accuracy() {
        let (classes, expected) = (model.facts.classes, plan.model.expected_accuracy);
        warnings.extend(accuracy_warning(
            accuracy,
            tried.scored(),
            classes,
            expected,
        ));
    }
    let refusal = tried.refusal(plan.run.max_skipped);
    print(&conclusion(&warnings, refusal.as_ref()))?;
    Ok(exit_code(refusal.as_ref()))
}

/// The exit code that a run would end with.
fn exit_code(refusal: Option<&String>) -> ExitCode {
    match refusal {
        Some(_) => ExitCode::TooManySkipped,
        None => ExitCode::Clean,
    }
}

/// Why a run would not be reliable, then the warnings, or that there are none.
fn conclusion(warnings: &[String], refusal: Option<&String>) -> String {
    let mut refused = String::new();
    if let Some(reason) = refusal {
        let text = format!("a run would not be reliable: {}", printable(reason));
        refused = format!("\n{}", paragraph(&text));
        if warnings.is_empty() {
            return refused;
        }
    }
    let mut out = match warnings.len() {
        0 => "\nok\n".to_owned(),
        1 => "\n1 warning\n".to_owned(),
        n => format!("\n{n} warnings\n"),
    };
    out.insert_str(0, &refused);
    for warning in warnings {
        out += &paragraph(&format!("warning: {}", printable(warning)));
    }
    out
}
