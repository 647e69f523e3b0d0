//! One image: file -> logits and features -> maps -> measurement.

use super::context::AuditContext;
use super::footprints::Footprints;
use super::prescan::Prescan;
use super::worker::{Timings, Worker, timed};
use crate::cache::{CachedInference, ClassMaps};
use crate::cam::Cam;
use crate::dataset::{HandledProblem, Sample};
use crate::error::{Error, Result, Skip};
use crate::finding::MapTarget;
use crate::geometry::{Size, Transpose};
use crate::model::{ClassMap, Evidence};
use crate::plan::ProblemAction;
use crate::score::{Heat, ImageFacts, MapMeasurement, Measurement};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// One measured image.
pub struct Measured {
    pub measurement: Measurement,
    /// Largest relative violation of the logit invariant.
    pub invariant_error: f64,
    /// Problems of its annotations.
    pub problems: Vec<HandledProblem>,
    /// Whether the file states another orientation than upright.
    pub is_turned: bool,
    pub timings: Timings,
    /// What the cache does not have yet.
    pub fresh: Option<CachedInference>,
}

/// Why an image was not measured.
#[derive(Debug)]
pub enum Failure {
    Skip(Skip),
    /// Its annotations do not fit it, and the pipeline says to skip such images.
    Annotations(Vec<HandledProblem>),
    /// The run stops.
    Stop(Error),
}

impl From<Skip> for Failure {
    fn from(skip: Skip) -> Self {
        Self::Skip(skip)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Stop(error)
    }
}

/// The inference of one image, new or from the cache.
pub struct ImageInference {
    /// BLAKE3 of the file, in hexadecimal digits.
    pub content: String,
    pub inference: CachedInference,
    /// Whether the cache lacks it.
    pub is_fresh: bool,
    pub timings: Timings,
}

/// Measures one image: the label's map, the predicted class's where it differs, and maps for
/// comparison.
///
/// # Errors
/// A skip for a broken image; a stop when the logit invariant is violated.
pub fn measure_image(
    context: &AuditContext<'_>,
    prescan: &Prescan,
    worker: &mut Worker<'_>,
    sample: &mut Sample,
) -> Result<Measured, Failure> {
    let inferred = infer_image(context, prescan, worker, sample)?;
    score_image(context, prescan, sample, inferred)
}

/// Reads one image and infers it, with the maps of all its targets.
///
/// # Errors
/// A skip for a broken image; a stop where the cache says something else.
pub fn infer_image(
    context: &AuditContext<'_>,
    prescan: &Prescan,
    worker: &mut Worker<'_>,
    sample: &Sample,
) -> Result<ImageInference, Failure> {
    let mut timings = Timings::default();
    let bytes = timed(&mut timings.read, || worker.read(&sample.source))?;
    let content = blake3::hash(bytes.as_slice()).to_hex().to_string();

    let image = Image {
        context,
        prescan,
        bytes: &bytes,
    };
    let (inference, is_fresh) = image.inference(worker, sample, &content, &mut timings)?;
    Ok(ImageInference {
        content,
        inference,
        is_fresh,
        timings,
    })
}

/// Measures one image by its inference.
///
/// # Errors
/// Annotations that do not fit it; a stop when the logit invariant is violated.
pub fn score_image(
    context: &AuditContext<'_>,
    prescan: &Prescan,
    sample: &mut Sample,
    inferred: ImageInference,
) -> Result<Measured, Failure> {
    let ImageInference {
        content,
        inference,
        is_fresh,
        mut timings,
    } = inferred;
    let start = Instant::now();
    let problems = fit(context, sample, inference.size, inference.transpose)?;
    let footprints = Footprints::new(context, prescan, sample, &inference.view);
    let mut measurement = Measurement {
        image: facts(context, sample, &inference, content),
        maps: Vec::new(),
    };
    let mut invariant_error = 0.0_f64;
    for (target, class) in targets(context, prescan, sample, &inference) {
        let Some(maps) = inference.maps_of(class) else {
            continue;
        };
        let logit = f64::from(inference.logits[class]);
        let facts = &context.model.facts;
        let error = maps
            .cam
            .check(logit, facts.invariant_tolerance, facts.invariant_unit);
        let error =
            error.map_err(|e| Error::new(format!("{}: class {class}: {e}", sample.path)))?;
        invariant_error = invariant_error.max(error);

        let map = measure_map(&inference, &footprints, target, maps);
        measurement.maps.push(map);
    }
    timings.score = start.elapsed();

    Ok(Measured {
        measurement,
        invariant_error,
        problems,
        is_turned: inference.is_turned,
        timings,
        fresh: is_fresh.then_some(inference),
    })
}

/// The bytes of one image and what is needed to infer them.
struct Image<'i, 'a> {
    context: &'i AuditContext<'a>,
    prescan: &'i Prescan,
    bytes: &'i Arc<Vec<u8>>,
}

impl Image<'_, '_> {
    /// The inference from the cache, or a new one; and whether the cache lacks it.
    fn inference(
        &self,
        worker: &mut Worker<'_>,
        sample: &Sample,
        content: &str,
        timings: &mut Timings,
    ) -> Result<(CachedInference, bool), Failure> {
        let cached = self.context.cache.and_then(|cache| cache.get(content));
        let Some(cached) = cached else {
            return Ok((self.infer(worker, sample, timings)?, true));
        };
        // What is skipped for its memory must not depend on what the cache holds.
        worker.admit(self.bytes)?;

        if !has_all_maps(self.context, self.prescan, sample, &cached) {
            let mut inference = self.infer(worker, sample, timings)?;
            // The same bytes may stand under another label: its maps stay.
            for maps in cached.maps {
                if inference.maps_of(maps.class).is_none() {
                    inference.maps.push(maps);
                }
            }
            return Ok((inference, true));
        }
        if self.context.plan.run.verify_cache
            && !self.infer(worker, sample, timings)?.agrees_with(&cached)
        {
            return Err(Failure::Stop(Error::new(format!(
                "{}: the cached inference differs from a new one; run with --no-cache, or remove \
                 cache.redb to start a new cache",
                sample.path
            ))));
        }
        Ok((cached, false))
    }

    /// Decodes and infers, and takes the maps of all targets.
    fn infer(
        &self,
        worker: &mut Worker<'_>,
        sample: &Sample,
        timings: &mut Timings,
    ) -> Result<CachedInference, Failure> {
        let known = known_classes(self.context, self.prescan, sample);
        let inferred = worker.infer_maps(self.bytes, &known, timings)?;
        let mut inference = CachedInference {
            size: inferred.size,
            transpose: inferred.transpose,
            is_turned: inferred.is_turned,
            view: inferred.view,
            logits: inferred.inference.logits().to_vec(),
            maps: Vec::new(),
            fingerprint: inferred.fingerprint,
        };

        let start = Instant::now();
        let targets = targets(self.context, self.prescan, sample, &inference);
        let classes: BTreeSet<usize> = targets.into_iter().map(|(_, class)| class).collect();
        for class in classes {
            let maps = class_maps(self.context, &inferred.inference, class);
            inference.maps.extend(maps);
        }
        timings.score += start.elapsed();
        Ok(inference)
    }
}

/// Whether an inference has the maps of all targets of an image.
pub fn has_all_maps(
    context: &AuditContext<'_>,
    prescan: &Prescan,
    sample: &Sample,
    inference: &CachedInference,
) -> bool {
    let targets = targets(context, prescan, sample, inference);
    let mut classes = targets.iter().map(|(_, class)| *class);
    classes.all(|class| inference.maps_of(class).is_some())
}

/// The classes whose maps are taken, and why.
fn targets(
    context: &AuditContext<'_>,
    prescan: &Prescan,
    sample: &Sample,
    inference: &CachedInference,
) -> Vec<(MapTarget, usize)> {
    let mut targets = vec![(MapTarget::Label, sample.class)];
    let predicted = inference.predicted();
    if predicted != sample.class {
        targets.push((MapTarget::Predicted, predicted));
    }
    for class in prescan.baseline_classes(&context.plan.regions, sample) {
        targets.push((MapTarget::Baseline, class));
    }
    targets
}

/// The classes whose maps are taken whatever the model predicts.
fn known_classes(context: &AuditContext<'_>, prescan: &Prescan, sample: &Sample) -> Vec<usize> {
    let mut classes = vec![sample.class];
    classes.extend(prescan.baseline_classes(&context.plan.regions, sample));
    classes
}

/// `None` for a class that is neither known nor predicted.
fn class_maps(context: &AuditContext<'_>, evidence: &Evidence, class: usize) -> Option<ClassMaps> {
    let model = context.model;
    let cam = |map: ClassMap| Cam {
        height: model.layout.height,
        width: model.layout.width,
        values: map.values,
        bias: map.bias,
    };
    let [raw, centred] = model.maps(evidence, class)?;
    Some(ClassMaps {
        class,
        cam: cam(raw),
        centred: cam(centred),
    })
}

/// Compares the annotations with the decoded image. Problems that the pipeline does not ignore end
/// the image or the run.
fn fit(
    context: &AuditContext<'_>,
    sample: &mut Sample,
    size: Size,
    transpose: Option<Transpose>,
) -> Result<Vec<HandledProblem>, Failure> {
    let policy = &context.plan.dataset.problems;
    let mut problems = Vec::new();
    for problem in sample.fit(size, transpose) {
        problems.push(problem.handled(policy, Some(&sample.path)));
    }

    let serious = problems.iter().find(|p| p.action != ProblemAction::Ignore);
    match serious {
        None => Ok(problems),
        Some(p) if p.action == ProblemAction::Error => Err(Failure::Stop(Error::new(format!(
            "{}: {}: {}",
            p.place, p.code, p.message
        )))),
        Some(_) => Err(Failure::Annotations(problems)),
    }
}

fn facts(
    context: &AuditContext<'_>,
    sample: &Sample,
    inference: &CachedInference,
    content_hash: String,
) -> ImageFacts {
    let predicted = inference.predicted();
    ImageFacts {
        id: sample.id,
        path: sample.path.clone(),
        label: sample.label.clone(),
        class: sample.class,
        split: sample.split.clone(),
        group: sample.group.clone(),
        size: inference.size,
        predicted,
        predicted_name: context.labels.classes[predicted].clone(),
        content_hash,
        fingerprint: inference.fingerprint.clone(),
    }
}

fn measure_map(
    inference: &CachedInference,
    footprints: &Footprints<'_>,
    target: MapTarget,
    maps: &ClassMaps,
) -> MapMeasurement {
    let head = footprints.head;
    let logits = &inference.logits;
    let logit = f64::from(logits[maps.class]);
    let heat = Heat::new(&maps.cam.values, logit);

    MapMeasurement {
        target,
        class: maps.class,
        logit,
        centred_logit: head.centred(logits, maps.class),
        margin: head.margin(logits, maps.class),
        bias: maps.cam.bias,
        positive_mass: heat.positive_mass,
        negative_mass: heat.negative_mass,
        low_mass: heat.low_mass,
        object: footprints.object(&heat),
        border_share: footprints.border_share(&heat),
        entropy: heat.entropy(),
        cells: [maps.cam.height, maps.cam.width],
        cam: maps.cam.values.iter().map(|&v| v as f32).collect(),
        regions: footprints.regions(&heat, maps),
    }
}
