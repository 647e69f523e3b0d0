//! `camaudit check`: the pipeline, dataset and model without a run.

use super::output::{print, printable};
use super::pipeline_args::PipelineArgs;
use super::{check_dataset, check_images, inspect};
use crate::audit::load_model;
use crate::dataset::{Dataset, LabelMap, uncounted_images, unmatched_names};
use crate::error::{Error, Result};
use crate::report::accuracy_warning;
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
pub fn check(args: &CheckArgs) -> Result<()> {
    let plan = args.pipeline.load()?;
    let dataset = Dataset::open(&plan.dataset, plan.run.limit, plan.run.seed)?;
    if args.json {
        let text = serde_json::to_string_pretty(&check_dataset::as_json(&plan, &dataset.stats))
            .map_err(Error::cause("write JSON"))?;
        return print(&(text + "\n"));
    }
    print(&check_dataset::describe(&plan, &dataset.stats))?;
    let mut warnings = unmatched_names(&plan, &dataset.stats);
    warnings.extend(uncounted_images(&dataset.stats));
    if args.no_images {
        return print(&conclusion(&warnings));
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
    match tried.accuracy() {
        None => warnings.push("none of the images tried could be scored".into()),
        Some(accuracy) => {
            let (classes, expected) = (model.facts.classes, plan.model.expected_accuracy);
            warnings.extend(accuracy_warning(accuracy, classes, expected));
        }
    }
    print(&conclusion(&warnings))
}

/// The warnings, or that there are none.
fn conclusion(warnings: &[String]) -> String {
    let mut out = match warnings.len() {
        0 => "\nok\n".to_owned(),
        1 => "\n1 warning\n".to_owned(),
        n => format!("\n{n} warnings\n"),
    };
    for warning in warnings {
        out += &format!("warning: {}\n", printable(warning));
    }
    out
}
