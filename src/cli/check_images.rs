//! `camaudit check`: a few images, measured.

use super::output::{fact, print, printable};
use crate::audit::{
    AuditContext, Failure, Measured, Prescan, Worker, annotate, check_boxes, measure_image, search,
};
use crate::dataset::{Dataset, HandledProblem, ImageBytes, LabelMap, Sample, Skipped};
use crate::error::Result;
use crate::model::Model;
use crate::plan::{Exif, Place, Plan, ProblemAction, Region};
use crate::runs::documents::Counts;
use std::collections::BTreeMap;
use std::time::Instant;

/// Images measured to try the pipeline.
const TRIED: usize = 64;

/// What a few images gave.
pub struct Tried {
    measured: Vec<Measured>,
    /// Problems of all boxes that show only with the sizes of photos.
    pub box_problems: Vec<HandledProblem>,
    /// `stage/reason` -> images.
    skipped: BTreeMap<String, usize>,
    seconds_per_image: f64,
}

impl Tried {
    /// Why a run would not be reliable, if the other images are as these.
    pub fn refusal(&self, max_skipped: f64) -> Option<String> {
        let skipped = self.skipped.values().sum();
        let counts = Counts {
            found: self.measured.len() + skipped,
            scored: self.measured.len(),
            skipped,
            skipped_by_reason: self.skipped.clone(),
            ..Counts::default()
        };
        let refusal = counts.refusal(max_skipped)?;
        Some(format!("of the images tried, {refusal}"))
    }

    /// Images that were measured.
    pub fn scored(&self) -> usize {
        self.measured.len()
    }

    /// Part of the images predicted as their label; `None` without a measured image.
    pub fn accuracy(&self) -> Option<f64> {
        if self.measured.is_empty() {
            return None;
        }
        let images = self.measured.iter();
        let correct = images.filter(|m| m.measurement.is_correct()).count();
        Some(correct as f64 / self.measured.len() as f64)
    }
}

/// Measures a few images of every class; prints those that are skipped.
///
/// # Errors
/// When the dataset can no longer be read, or the logit invariant is violated.
pub fn measure_some(
    plan: &Plan,
    model: &Model,
    labels: &LabelMap,
    dataset: &Dataset,
) -> Result<Tried> {
    let context = AuditContext {
        plan,
        model,
        labels,
        cache: None,
    };
    let prescan = Prescan::without_comparisons();
    let (mut samples, unusable) = spread(plan, labels, dataset)?;
    let mut worker = Worker::new(&context, || false)?;
    let box_problems = check_boxes(dataset, labels, &mut worker)?;

    let start = Instant::now();
    let mut measured = Vec::new();
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    for Skipped { path, skip, .. } in unusable {
        let failure = Failure::Skip(skip);
        *skipped.entry(reason(&failure)).or_default() += 1;
        print_skip(&path, &failure)?;
    }
    for sample in &mut samples {
        let places = search(&plan.regions, |template| {
            worker.locate_template(sample, template)
        });
        let result = match places {
            Err(skip) => Err(Failure::Skip(skip)),
            Ok(places) => {
                annotate(&plan.regions, sample, &places);
                measure_image(&context, &prescan, &mut worker, sample)
            }
        };
        worker.finish_item();
        match result {
            Ok(image) => measured.push(image),
            Err(Failure::Stop(error)) => return Err(error),
            Err(failure) => {
                *skipped.entry(reason(&failure)).or_default() += 1;
                print_skip(&sample.path, &failure)?;
            }
        }
    }
    Ok(Tried {
        measured,
        box_problems,
        skipped,
        seconds_per_image: start.elapsed().as_secs_f64() / samples.len().max(1) as f64,
    })
}

/// The images with the smallest ids, spread over the classes, and those of them that no file is
/// found for.
fn spread(
    plan: &Plan,
    labels: &LabelMap,
    dataset: &Dataset,
) -> Result<(Vec<Sample>, Vec<Skipped>)> {
    let mut per_class = TRIED.div_ceil(dataset.stats.labels.len().max(1));
    if let Some(limit) = plan.run.limit {
        per_class = per_class.min(limit);
    }
    let few = Dataset::open(&plan.dataset, Some(per_class), plan.run.seed)?;
    let (mut samples, mut skipped) = (Vec::new(), Vec::new());
    for sample in few.samples(labels, ImageBytes::Read)? {
        match sample {
            Ok(sample) => samples.push(sample),
            Err(unusable) => skipped.push(unusable),
        }
    }
    samples.sort_by_key(|sample| sample.id);
    samples.truncate(TRIED);
    skipped.truncate(TRIED);
    Ok((samples, skipped))
}

fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Skip(skip) => format!("{}/{}", skip.stage.name(), skip.reason.name()),
        Failure::Annotations(problems) => {
            let mut skipping = problems.iter().filter(|p| p.action == ProblemAction::Skip);
            let code = skipping.next().map_or("unfit", |problem| problem.code);
            format!("annotation/{code}")
        }
        Failure::Stop(error) => error.to_string(),
    }
}

fn print_skip(path: &str, failure: &Failure) -> Result<()> {
    let why = match failure {
        Failure::Skip(skip) => format!("{}: {}", skip.reason, skip.message),
        Failure::Annotations(problems) => {
            let mut skipping = problems.iter().filter(|p| p.action == ProblemAction::Skip);
            let first = skipping.next();
            first.map_or(String::new(), |p| format!("{}: {}", p.code, p.message))
        }
        Failure::Stop(error) => error.to_string(),
    };
    let text = format!("{}: {}", printable(path), printable(&why));
    print(&fact("skipped", &text))
}

/// The figures of the images for people, and an estimate of a run's time.
pub fn describe(plan: &Plan, tried: &Tried, found: usize) -> String {
    let Some(accuracy) = tried.accuracy() else {
        return String::new();
    };
    let images = tried.measured.len();
    let mut invariant = 0.0_f64;
    for measured in &tried.measured {
        invariant = invariant.max(measured.invariant_error);
    }
    let accuracy = 100.0 * accuracy;
    let tried_on = format!("{images} images: top-1 {accuracy:.1} %, invariant {invariant:.1e}");
    let mut out = format!("\n{}", fact("tried", &tried_on));
    out += &describe_turned(plan, tried);
    for region in &plan.regions {
        out += &describe_region(plan, region, tried);
    }
    out + &estimate(plan, tried, found)
}

/// How many of the images state another orientation than upright.
fn describe_turned(plan: &Plan, tried: &Tried) -> String {
    let turned = tried.measured.iter().filter(|m| m.is_turned).count();
    let of = tried.measured.len();
    match (turned, plan.preprocess.exif) {
        (0, _) => String::new(),
        (_, Exif::Apply) => fact(
            "orientation",
            &format!(
                "{turned} of {of} are turned upright by EXIF; where the training did not, set \
                 preprocess.exif = \"ignore\""
            ),
        ),
        (_, Exif::Ignore) => fact(
            "orientation",
            &format!("{turned} of {of} are not turned as EXIF says (preprocess.exif)"),
        ),
    }
}

fn describe_region(plan: &Plan, region: &Region, tried: &Tried) -> String {
    let mut visible = Vec::new();
    for measured in &tried.measured {
        let map = measured.measurement.label_map();
        let regions = map.map_or(&[][..], |map| &map.regions);
        for measured in regions.iter().filter(|r| r.region == region.name) {
            visible.extend(measured.place.map(|place| place.visible));
        }
    }
    if visible.is_empty() {
        return fact(
            "region",
            &format!("{}: on none of these images", region.name),
        );
    }

    let mean = visible.iter().sum::<f64>() / visible.len() as f64;
    let on = if matches!(region.place, Place::Annotation { .. }) {
        "on"
    } else {
        "a place on"
    };
    let seen_min = plan.verdict.visible_min;
    let too_little = if mean < seen_min {
        format!(
            "; under {:.0} % no image is edited to test it",
            100.0 * seen_min
        )
    } else {
        String::new()
    };
    let text = format!(
        "{}: {on} {} of {}, the model sees {:.0} % of it{too_little}",
        region.name,
        visible.len(),
        tried.measured.len(),
        100.0 * mean
    );
    fact("region", &text)
}

fn estimate(plan: &Plan, tried: &Tried, found: usize) -> String {
    let jobs = match plan.run.jobs {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        jobs => jobs,
    };
    let seconds = tried.seconds_per_image / jobs as f64;
    let workers = if jobs == 1 {
        "1 job".to_owned()
    } else {
        format!("{jobs} jobs")
    };
    let search = match plan.discovery {
        Some(_) => "; the search of [discovery] is not estimated",
        None => "",
    };
    let text = format!(
        "{} for {found} images with {workers}; each intervention up to {}{search}",
        duration(seconds * found as f64),
        duration((seconds * f64::from(plan.verdict.max_forwards)).max(1.0))
    );
    fact("estimate", &text)
}

fn duration(seconds: f64) -> String {
    if seconds < 0.5 {
        "under 1 s".to_owned()
    } else if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else if seconds < 5400.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}
