//! `measure`: every image of the dataset to rows. Shards go through the workers to one writer.

use super::context::AuditContext;
use super::infer_ahead::{self, InferredAhead, Prepared};
use super::measure_image::{Failure, Measured, measure_image, score_image};
use super::observer::Observer;
use super::photo_frames;
use super::pool::WorkerPool;
use super::prescan::Prescan;
use super::totals::{Part, Sums, Totals, Unmeasured, problem_row};
use super::worker::Worker;
use crate::cache::Cache;
use crate::dataset::{
    Dataset, HandledProblem, ImageBytes, Sample, Skipped, uncounted_images, unmatched_names,
};
use crate::error::{Error, Result, Skip, SkipReason, Stage};
use crate::model::instruction_set;
use crate::plan::{Exif, ProblemAction};
use crate::runs::documents::{Counts, MeasureRecord, MeasuredFacts, RunIdentity};
use crate::runs::folder::RunFolder;
use crate::tables::{SCHEMA_VERSION, SkipRow};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// Measures all images into a run folder. Returns the record for `measured.json`, which says that
/// the rows are complete, and the sums of the rows.
///
/// # Errors
/// When the dataset can no longer be read, the disk fails, or the logit invariant is violated.
pub fn measure<'a>(
    context: &AuditContext<'a>,
    pool: &WorkerPool<'a>,
    dataset: &Dataset,
    folder: &mut RunFolder,
    identity: RunIdentity,
    start: Instant,
) -> Result<(MeasureRecord, Sums)> {
    pool.observer.stage("prescan", None);
    let mut prescan = Prescan::new(context, pool, dataset)?;
    let mut totals = Totals::new(context.plan.run.seed);
    let ahead = place(context, &mut prescan, pool, dataset, &mut totals)?;
    let problems = dataset.stats.problems.iter().chain(&prescan.problems);
    totals.problems.extend(problems.map(problem_row));

    pool.observer.stage("measure", Some(dataset.stats.found));
    let preparation = Preparation { prescan, ahead };
    measure_all(context, &preparation, pool, dataset, folder, &mut totals)?;
    folder.table(&totals.skipped)?;
    folder.table(&totals.problems)?;

    let record = record(context, dataset, &totals, identity, start);
    Ok((record, totals.sums))
}

/// Reads the sizes that the places of regions and the check of the boxes need, in the pass that
/// infers all images where that saves one.
///
/// # Errors
/// When the dataset can no longer be read, or its boxes are implausible.
pub fn place<'a>(
    context: &AuditContext<'a>,
    prescan: &mut Prescan,
    pool: &WorkerPool<'a>,
    dataset: &Dataset,
    totals: &mut Totals,
) -> Result<Option<InferredAhead<'a>>> {
    let regions = &context.plan.regions;
    let photos = prescan.photos(dataset);
    let Some(cache) = infer_ahead::cache_of(context, &photos) else {
        let photos = photo_frames::with_bytes(dataset, context.labels, photos)?;
        prescan.place(regions, dataset, &photo_frames::read(pool, photos)?)?;
        return Ok(None);
    };

    pool.observer.stage("infer", Some(dataset.stats.found));
    let ahead = InferredAhead::new(context, cache, prescan, pool, dataset, totals)?;
    prescan.place(regions, dataset, &ahead.frames)?;
    Ok(Some(ahead))
}

/// What is known of the dataset before its images are scored.
struct Preparation<'a> {
    prescan: Prescan,
    ahead: Option<InferredAhead<'a>>,
}

/// The shard loop. Workers take the images of a shard in any order; rows leave in the order of the
/// dataset.
fn measure_all<'a>(
    context: &AuditContext<'a>,
    preparation: &Preparation<'a>,
    pool: &WorkerPool<'a>,
    dataset: &Dataset,
    folder: &mut RunFolder,
    totals: &mut Totals,
) -> Result<()> {
    let plan = context.plan;
    let Preparation { prescan, ahead } = preparation;
    let bytes = match ahead {
        Some(_) => ImageBytes::Leave,
        None => ImageBytes::Read,
    };
    let mut samples = dataset.samples(context.labels, bytes)?;

    totals.stored = std::thread::scope(|scope| {
        let (parts, receiver) = sync_channel::<Part>(1);
        let cache = context.cache;
        let writer = scope.spawn(move || write_parts(folder, cache, &receiver));
        loop {
            let shard: Vec<_> = samples.by_ref().take(plan.run.shard_size).collect();
            if shard.is_empty() {
                break;
            }
            let shard = match ahead {
                Some(ahead) => ahead.prepare(context, prescan, dataset, shard)?,
                None => prepare(context, prescan, shard),
            };
            let measured = pool.map(shard, |worker, image| {
                measure_one(context, prescan, worker, image, pool.observer)
            })?;
            // The writer is gone where it failed; its error is returned below.
            if parts.send(totals.add(measured, plan)).is_err() {
                break;
            }
        }
        drop(parts);
        let died = |_| Err(Error::new("the writer thread died"));
        writer.join().unwrap_or_else(died)
    })?;
    Ok(())
}

/// The images of a shard with the annotations that presence amounts to.
pub fn prepare(
    context: &AuditContext<'_>,
    prescan: &Prescan,
    shard: Vec<Result<Sample, Skipped>>,
) -> Vec<Result<Prepared, Skipped>> {
    let mut prepared = Vec::new();
    for sample in shard {
        prepared.push(sample.map(|mut sample| {
            prescan.annotate(&context.plan.regions, &mut sample);
            (sample, None)
        }));
    }
    prepared
}

/// Writes the parts; returns the time it took. The cache is written first: a run that is killed in
/// between writes the rows again, from the cache.
fn write_parts(
    folder: &mut RunFolder,
    cache: Option<&Cache>,
    parts: &Receiver<Part>,
) -> Result<Duration> {
    let mut time = Duration::ZERO;
    for part in parts {
        let start = Instant::now();
        if let Some(cache) = cache {
            cache.keep(&part.fresh, &part.used);
        }
        folder.part(&part.images, &part.regions)?;
        time += start.elapsed();
    }
    Ok(time)
}

/// One image to its measurement, or to the row of `skipped`.
///
/// # Errors
/// When the logit invariant is violated.
pub fn measure_one(
    context: &AuditContext<'_>,
    prescan: &Prescan,
    worker: &mut Worker<'_>,
    image: Result<Prepared, Skipped>,
    observer: &dyn Observer,
) -> Result<Result<Measured, Unmeasured>> {
    let result = match image {
        Err(skipped) => Err(unmeasured(skipped.path, skipped.label, &skipped.skip)),
        Ok((mut sample, inferred)) => {
            let measured = match (prescan.timeout(sample.id), inferred) {
                (Some(skip), _) => Err(Failure::Skip(skip.clone())),
                (None, Some(Err(skip))) => Err(Failure::Skip(skip)),
                (None, Some(Ok(inferred))) => score_image(context, prescan, &mut sample, inferred),
                (None, None) => measure_image(context, prescan, worker, &mut sample),
            };
            match measured {
                Ok(measured) => Ok(measured),
                Err(Failure::Skip(skip)) => Err(unmeasured(sample.path, Some(sample.label), &skip)),
                Err(Failure::Annotations(problems)) => {
                    Err(unfit(sample.path, sample.label, problems))
                }
                Err(Failure::Stop(error)) => return Err(error),
            }
        }
    };
    observer.image(result.as_ref().err().map(|unmeasured| &unmeasured.row));
    Ok(result)
}

/// The row of an image that is skipped.
pub fn unmeasured(path: String, label: Option<String>, skip: &Skip) -> Unmeasured {
    Unmeasured {
        row: SkipRow {
            path,
            label,
            stage: skip.stage.name().to_owned(),
            reason: skip.reason.name().to_owned(),
            message: skip.message.clone(),
        },
        problems: Vec::new(),
    }
}

/// An image whose annotations do not fit it.
fn unfit(path: String, label: String, problems: Vec<HandledProblem>) -> Unmeasured {
    let first = problems.iter().find(|p| p.action == ProblemAction::Skip);
    let (reason, message) = match first {
        Some(problem) => (SkipReason::Problem(problem.code), problem.message.clone()),
        None => (SkipReason::Unfit, String::new()),
    };
    let skip = Skip::new(Stage::Annotation, reason, message);
    Unmeasured {
        problems,
        ..unmeasured(path, Some(label), &skip)
    }
}

/// What `measured.json` says.
pub fn record(
    context: &AuditContext<'_>,
    dataset: &Dataset,
    totals: &Totals,
    identity: RunIdentity,
    start: Instant,
) -> MeasureRecord {
    let (plan, model) = (context.plan, context.model);
    let stats = &dataset.stats;
    let mut counts = Counts::new(stats, totals.scored, &totals.skipped, &totals.problems);
    match plan.preprocess.exif {
        Exif::Apply => counts.turned = totals.turned,
        Exif::Ignore => counts.not_turned = totals.turned,
    }

    let mut warnings = context.labels.warnings.clone();
    warnings.extend(unmatched_names(plan, stats));
    warnings.extend(uncounted_images(stats));
    if counts.found != stats.found {
        warnings.push(format!(
            "the dataset changed during the run: {} images at first, {} in the end",
            stats.found, counts.found
        ));
    }
    MeasureRecord {
        schema_version: SCHEMA_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        identity,
        measure_hash: plan.measure_hash.clone(),
        facts: MeasuredFacts {
            engine: model.engine_name.clone(),
            instruction_set: instruction_set().to_owned(),
            model_hash: model.hash.clone(),
            model: model.facts.clone(),
            dataset_fingerprint: stats.fingerprint.clone(),
            content_fingerprint: totals.content.finalize().to_hex().to_string(),
            counts,
            limit: plan.run.limit,
            invariant_error_max: totals.invariant_error,
            stages_ms: totals.stages_ms(),
            slowest_image: totals.slowest.1.clone(),
            slowest_image_ms: totals.slowest.0.as_secs_f64() * 1e3,
            measure_s: start.elapsed().as_secs_f64(),
        },
        warnings,
    }
}
