//! `camaudit concept`: the concepts of a class, one of them as a region, and whether it is used.

use super::output::{empty_table, print, printable};
use super::progress::ProgressArgs;
use super::run_arg::run_folder;
use super::signals;
use crate::audit::{ConceptRegion, concept_region, concept_usage};
use crate::error::{Error, Result};
use crate::evidence::discovery::concepts::ConceptUse;
use crate::plan::Plan;
use crate::runs::concepts::concepts;
use crate::runs::documents::RunRecord;
use crate::runs::open_finished;
use crate::tables::ConceptRow;
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct ConceptArgs {
    /// Folder of a finished run
    #[arg(value_parser = run_folder())]
    run: PathBuf,
    /// Class, as the report names it
    #[arg(long, value_name = "NAME")]
    class: String,
    /// One concept, from 1 as the report counts them [default: all]
    #[arg(long, value_name = "N")]
    concept: Option<u32>,
    /// Find the concept in all images of the dataset, write its cells as boxes, and print the lines
    /// of a pipeline that declare it
    #[arg(long, requires = "concept")]
    as_region: bool,
    /// Fill in the cells that show the concept, in the 20 images that show it most, and say whether
    /// the model uses them
    #[arg(long, requires = "concept", conflicts_with = "as_region")]
    used: bool,
    /// Folder of the boxes
    #[arg(
        long,
        value_name = "DIR",
        default_value = "concepts",
        requires = "as_region"
    )]
    out: PathBuf,
    /// The pipeline file, for where the photos are [default: the one that the run was started with]
    #[arg(long, value_name = "TOML", requires = "concept")]
    pipeline: Option<PathBuf>,
    #[command(flatten)]
    progress: ProgressArgs,
}

/// Prints the concepts of a class, writes one as a region, or says whether it is used.
///
/// # Errors
/// When the run has no concepts of the class, and as of [`concept_region`] and [`concept_usage`].
pub fn concept(args: &ConceptArgs) -> Result<()> {
    let documents = open_finished(&args.run)?;
    let rows = rows(args)?;
    let (true, Some(number)) = (args.as_region || args.used, args.concept) else {
        return print(&table(&rows));
    };
    let plan = plan(args, &documents.record)?;
    signals::listen()?;
    let observer = args.progress.observer();
    let concept = (args.class.as_str(), number as usize);
    if args.used {
        let used = concept_usage(&plan, &args.run, concept, observer.as_ref())?;
        drop(observer);
        return print(&use_text(&used, number, &args.class));
    }
    let region = concept_region(&plan, &args.run, concept, &args.out, observer.as_ref())?;
    drop(observer);
    print(&lines(&region, plan.dataset.boxes.as_deref()))
}

/// The concepts that are asked for.
fn rows(args: &ConceptArgs) -> Result<Vec<ConceptRow>> {
    let run = args.run.display();
    let mut rows = concepts(&args.run)?.concepts;
    rows.retain(|row| row.label == args.class);
    if rows.is_empty() {
        return Err(Error::new(format!(
            "{run}: no concepts of class {:?}: they need [discovery] concepts = true and 60 \
             images; the summary says how many classes have none",
            args.class
        )));
    }
    if let Some(number) = args.concept {
        rows.retain(|row| row.concept == number);
        if rows.is_empty() {
            let class = &args.class;
            let what = format!("{run}: class {class:?} has no concept {number}; see --class alone");
            return Err(Error::new(what));
        }
    }
    Ok(rows)
}

fn table(rows: &[ConceptRow]) -> String {
    let mut table = empty_table();
    table.set_header([
        "concept",
        "logits",
        "share",
        "outside objects",
        "right less wrong",
        "times elsewhere",
    ]);
    let part = |value: Option<f64>| match value {
        Some(value) => format!("{:.0} %", 100.0 * value),
        None => "–".to_owned(),
    };
    for row in rows {
        let elsewhere = row.presence_elsewhere.map(|other| other / row.presence);
        table.add_row([
            row.concept.to_string(),
            format!("{:+.2}", row.contribution),
            part(Some(row.share)),
            part(row.outside),
            part(row.right_less_wrong),
            elsewhere.map_or("–".to_owned(), |times| format!("{times:.2}")),
        ]);
    }
    let order = rows.first().map_or("", |row| row.ordered_by.as_str());
    format!(
        "{table}\nOrder: {}. To look at, no evidence: the report shows the images.\n",
        order.replace('_', " ")
    )
}

/// What filling in the cells of a concept did, and what it does not show.
fn use_text(used: &ConceptUse, number: u32, class: &str) -> String {
    let class = printable(class);
    let ConceptUse {
        images, fall, rate, ..
    } = used;
    let [strong, weak] = used.predicted;
    let [net, low, high] = [rate.value, rate.low, rate.high].map(|part| 100.0 * part);
    let verdict = if used.is_used() {
        "The model uses what these cells show. Parts of the object pass this test, too:\n\
         it shows use, and not that the use is wrong."
    } else {
        "That the model uses what these cells show is not shown, and not excluded."
    };
    format!(
        "Concept {number} of {class}: its cells filled in, in the {images} images that show it\n\
         most, against as many cells that show it least.\n  \
         margin       {:.2} logits lower ({:.2} to {:.2}); {:.2} is needed\n  \
         Student's t  {:.2}; 3 is needed\n  \
         predicted    {strong} as {class}, {weak} with the other cells filled in\n               \
         (net {net:.0} % leave it, {low:.0} % to {high:.0} %)\n\
         {verdict}\n",
        fall.value, fall.low, fall.high, used.min_effect, used.t,
    )
}

/// The pipeline as the run was started.
fn plan(args: &ConceptArgs, record: &RunRecord) -> Result<Plan> {
    let started = PathBuf::from(&record.identity.pipeline_file);
    let file = args.pipeline.clone().unwrap_or(started);
    let plan = Plan::load(&file, &record.identity.overrides);
    plan.map_err(|e| {
        let hint = "(as the run was started; --pipeline names another file)";
        Error::new(format!("{e}\n  {hint}"))
    })
}

fn lines(region: &ConceptRegion, replaced: Option<&Path>) -> String {
    let boxes = printable(&region.boxes.display().to_string());
    let name = &region.name;
    let mut text = format!(
        "# {} of {} images show it; {} could not be read\n",
        region.present, region.images, region.lost
    );
    if let Some(replaced) = replaced {
        let replaced = printable(&replaced.display().to_string());
        text += &format!(
            "# The file holds the {} boxes of {replaced} too.\n",
            region.taken_over
        );
    }
    text += &format!(
        "# In [dataset]:\nboxes = {boxes:?}\n\n# Behind it:\n[[region]]\nname = {name:?}\n\
         annotation = {name:?}\n"
    );
    text
}
