//! `camaudit check`: everything but the audit.

use super::{PipelineArgs, inspect, print, printable};
use crate::audit::{Auditor, Failure, Scored, Survey};
use crate::dataset::{Dataset, LabelMap, Listing, Noted, Sample, lacking};
use crate::error::Error;
use crate::plan::{Place, Plan, Severity};
use crate::report::accuracy_warning;
use clap::Args;
use serde_json::{Value, json};
use std::time::Instant;

/// Images audited to try the pipeline.
const TRIED: usize = 64;
/// Places shown of each kind of problem.
const EXAMPLES_MAX: usize = 3;
/// Problems that the JSON holds one by one; `problems.parquet` of a run keeps all.
const JSON_PROBLEMS_MAX: usize = 1000;
/// Labels listed one by one.
const LABELS_MAX: usize = 20;

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

pub fn check(args: &CheckArgs) -> Result<(), Error> {
    let plan = args.pipeline.load(None)?;
    let dataset = Dataset::open(&plan.dataset, plan.run.limit, plan.run.seed)?;
    if args.json {
        return print(
            &(serde_json::to_string_pretty(&as_json(&plan, &dataset.listing)).unwrap_or_default()
                + "\n"),
        );
    }
    let guess = plan
        .dataset
        .guess
        .as_ref()
        .map(|why| format!(" (guessed: {})", printable(why)));
    let format = plan.dataset.format.name();
    print(&format!(
        "pipeline       {}\nformat         {format}{}\n",
        printable(&plan.name),
        guess.unwrap_or_default()
    ))?;
    print(&describe_dataset(&dataset.listing))?;
    let mut warnings = lacking(&plan, &dataset.listing);
    if args.no_images {
        return print(&upshot(&warnings));
    }
    let model = Auditor::load_model(&plan)?;
    let labels = LabelMap::new(&plan, dataset.listing.labels.keys(), model.facts.classes)?;
    print(&format!(
        "\n{}engine         {}\n",
        inspect::describe(&model.facts),
        model.engine_name
    ))?;
    let auditor = Auditor {
        plan: &plan,
        model: &model,
        labels: &labels,
        survey: Survey::default(),
        cache: None,
    };
    let mut samples = spread(&plan, &dataset.listing, &labels)?;
    let start = Instant::now();
    let tried = try_out(&auditor, &mut samples)?;
    let seconds = start.elapsed().as_secs_f64() / samples.len() as f64;
    print(&describe_trial(
        &plan,
        &tried,
        dataset.listing.found,
        seconds,
    ))?;
    if tried.is_empty() {
        warnings.push("none of the images tried could be scored".into());
    } else {
        warnings.extend(accuracy_warning(
            accuracy(&tried),
            model.facts.classes,
            plan.model.expected_accuracy,
        ));
    }
    print(&upshot(&warnings))
}

/// What is to be mended before the first night, or that nothing is.
fn upshot(warnings: &[String]) -> String {
    let list: String = warnings
        .iter()
        .map(|w| format!("warning: {}\n", printable(w)))
        .collect();
    match warnings.len() {
        0 => "\nok\n".into(),
        1 => format!("\n1 warning\n{list}"),
        n => format!("\n{n} warnings\n{list}"),
    }
}

fn accuracy(tried: &[Scored]) -> f64 {
    let correct = tried
        .iter()
        .filter(|s| s.images[0].predicted_index == s.images[0].label_index)
        .count();
    correct as f64 / tried.len() as f64
}

fn as_json(plan: &Plan, listing: &Listing) -> Value {
    let problem = |p: &Noted| json!({"code": p.code, "severity": p.severity.name(), "path": p.path, "place": p.place, "message": p.message});
    json!({
        "format": plan.dataset.format.name(),
        "guess": plan.dataset.guess,
        "found": listing.found,
        "labels": listing.labels,
        "annotations": listing.categories,
        "lost": listing.lost,
        "ignored": listing.ignored,
        "problems": listing.problem_counts(),
        "problem_examples": listing.problems.iter().take(JSON_PROBLEMS_MAX).map(problem).collect::<Vec<_>>(),
    })
}

fn describe_dataset(listing: &Listing) -> String {
    let mut out = format!(
        "dataset        {} images, {} classes\n",
        listing.found,
        listing.labels.len()
    );
    for (label, n) in listing.labels.iter().take(LABELS_MAX) {
        out += &format!("  {n:>8}  {}\n", printable(label));
    }
    if listing.labels.len() > LABELS_MAX {
        out += &format!("  and {} more classes\n", listing.labels.len() - LABELS_MAX);
    }
    if !listing.categories.is_empty() {
        let named = |(c, n): (&String, &usize)| {
            format!(
                "{} ({n})",
                printable(if c.is_empty() { "no category" } else { c })
            )
        };
        let names: Vec<String> = listing
            .categories
            .iter()
            .take(LABELS_MAX)
            .map(named)
            .collect();
        out += &format!("annotations    {}\n", names.join(", "));
    }
    listing
        .lost
        .iter()
        .for_each(|(reason, n)| out += &format!("will skip      {n} x {reason}\n"));
    listing
        .ignored
        .iter()
        .for_each(|(kind, n)| out += &format!("ignored        {n} x {kind}\n"));
    for (code, count) in listing.problem_counts() {
        let first = || listing.problems.iter().filter(|p| p.code == code);
        let severity = first().next().map_or("", |p| p.severity.name());
        out += &format!("problem        {count} x {code} ({severity})\n");
        for p in first().take(EXAMPLES_MAX) {
            out += &format!("  {}: {}\n", printable(&p.place), printable(&p.message));
        }
    }
    out
}

/// The images with the smallest ids, spread over the classes.
fn spread(plan: &Plan, listing: &Listing, labels: &LabelMap) -> Result<Vec<Sample>, Error> {
    let per_class = TRIED.div_ceil(listing.labels.len());
    let few = Dataset::open(
        &plan.dataset,
        Some(per_class.min(plan.run.limit.unwrap_or(per_class))),
        plan.run.seed,
    )?;
    let mut samples: Vec<Sample> = few.samples(labels)?.filter_map(Result::ok).collect();
    samples.sort_by(|a, b| a.id.cmp(&b.id));
    samples.truncate(TRIED);
    Ok(samples)
}

fn try_out(auditor: &Auditor<'_>, samples: &mut [Sample]) -> Result<Vec<Scored>, Error> {
    let mut worker = auditor.worker(|| false)?;
    let mut tried = Vec::new();
    for sample in samples {
        let presence = auditor.annotate(&mut worker, sample).map_err(Failure::from);
        match presence.and_then(|()| auditor.audit(&mut worker, sample)) {
            Ok(scored) => tried.push(scored),
            Err(Failure::Skip(skip)) => {
                print(&format!(
                    "skipped        {}: {}: {}\n",
                    printable(&sample.path),
                    skip.reason,
                    printable(&skip.message)
                ))?;
            }
            Err(Failure::Unfit(noted)) => {
                let first = noted
                    .iter()
                    .find(|n| n.severity == Severity::Skip)
                    .map_or(String::new(), |n| format!("{}: {}", n.code, n.message));
                print(&format!(
                    "skipped        {}: {}\n",
                    printable(&sample.path),
                    printable(&first)
                ))?;
            }
            Err(Failure::Stop(error)) => return Err(error),
        }
    }
    Ok(tried)
}

fn describe_trial(plan: &Plan, tried: &[Scored], found: usize, seconds: f64) -> String {
    let n = tried.len();
    if n == 0 {
        return String::new();
    }
    let invariant = tried.iter().fold(0.0_f64, |m, s| m.max(s.invariant_error));
    let jobs = if plan.run.jobs == 0 {
        std::thread::available_parallelism().map_or(1, usize::from)
    } else {
        plan.run.jobs
    };
    let mut out = format!(
        "\ntried          {n} images: top-1 {:.1} %, invariant {invariant:.1e}\n",
        100.0 * accuracy(tried)
    );
    for region in &plan.regions {
        let seen: Vec<f64> = tried
            .iter()
            .flat_map(|s| &s.regions)
            .filter(|r| r.region == region.name && r.target == "label")
            .filter_map(|r| r.visible)
            .collect();
        let mean = seen.iter().sum::<f64>() / seen.len() as f64;
        out += &match seen.len() {
            0 => format!("region         {}: on none of these images\n", region.name),
            k => format!(
                "region         {}: {} {k} of {n}, the model sees {:.0} % of it (a full view 100 %)\n",
                region.name,
                if matches!(region.place, Place::Annotation { .. }) {
                    "on"
                } else {
                    "a place on"
                },
                100.0 * mean
            ),
        };
    }
    let (all, proof) = (found as f64, f64::from(plan.verdict.max_forwards));
    let lasts = |images: f64| duration(seconds * images / jobs as f64);
    let workers = if jobs == 1 {
        "1 job".to_owned()
    } else {
        format!("{jobs} jobs")
    };
    out + &format!(
        "estimate       {} for {found} images with {workers}, and up to {} for each proof\n",
        lasts(all),
        lasts(proof)
    )
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
