//! What the shards of a run add up to, in the order of the dataset, and the rows of a shard on
//! their way to the writer.

use super::measure_image::Measured;
use super::splits::Splits;
use super::worker::Timings;
use crate::aggregate::Classes;
use crate::cache::CachedInference;
use crate::dataset::HandledProblem;
use crate::evidence::Evidence;
use crate::plan::Plan;
use crate::score::Measurement;
use crate::tables::{ImageRow, ProblemRow, RegionRow, SkipRow};
use std::collections::BTreeMap;
use std::time::Duration;

/// The sums that a conclusion is made of: from measured images as they come, or from the rows of a
/// run folder.
pub struct Sums {
    pub classes: Classes,
    pub splits: Splits,
    pub evidence: Evidence,
}

/// What the shards add up to.
pub struct Totals {
    pub sums: Sums,
    pub skipped: Vec<SkipRow>,
    pub problems: Vec<ProblemRow>,
    pub scored: usize,
    /// Scored images whose files state another orientation than upright.
    pub turned: usize,
    pub invariant_error: f64,
    pub timings: Timings,
    /// Time of the writer, which works beside the workers.
    pub stored: Duration,
    /// Longest time of one image, and its path.
    pub slowest: (Duration, String),
    pub content: blake3::Hasher,
}

/// An image that was not measured, and the problems of its annotations.
pub struct Unmeasured {
    pub row: SkipRow,
    pub problems: Vec<HandledProblem>,
}

/// The rows of a shard on their way to the writer.
#[derive(Default)]
pub struct Part {
    pub images: Vec<ImageRow>,
    pub regions: Vec<RegionRow>,
    /// Cache entries by the hash of the file's content.
    pub fresh: Vec<(String, CachedInference)>,
    pub used: Vec<String>,
}

impl Sums {
    pub fn new(seed: u64) -> Self {
        Self {
            classes: Classes::default(),
            splits: Splits::default(),
            evidence: Evidence::new(seed),
        }
    }

    /// Adds one image.
    pub fn add(&mut self, measurement: &Measurement, plan: &Plan) {
        let trained_on = plan.model.trained_on(measurement.image.split.as_deref());
        self.classes.add(measurement, &plan.scores);
        self.splits.add(measurement, &plan.scores);
        self.evidence.add(measurement, trained_on);
    }
}

impl Totals {
    pub fn new(seed: u64) -> Self {
        Self {
            sums: Sums::new(seed),
            skipped: Vec::new(),
            problems: Vec::new(),
            scored: 0,
            turned: 0,
            invariant_error: 0.0,
            timings: Timings::default(),
            stored: Duration::ZERO,
            slowest: (Duration::ZERO, String::new()),
            content: blake3::Hasher::new(),
        }
    }

    /// Adds a shard's results in order; returns its rows.
    pub fn add(&mut self, shard: Vec<Result<Measured, Unmeasured>>, plan: &Plan) -> Part {
        let mut part = Part::default();
        for result in shard {
            match result {
                Ok(measured) => self.add_measured(measured, plan, &mut part),
                Err(unmeasured) => {
                    self.skipped.push(unmeasured.row);
                    self.problems
                        .extend(unmeasured.problems.iter().map(problem_row));
                }
            }
        }
        part
    }

    fn add_measured(&mut self, measured: Measured, plan: &Plan, part: &mut Part) {
        let measurement = &measured.measurement;
        let image = &measurement.image;
        self.sums.add(measurement, plan);
        self.scored += 1;
        self.turned += usize::from(measured.is_turned);
        self.content.update(image.content_hash.as_bytes());
        self.invariant_error = self.invariant_error.max(measured.invariant_error);
        self.problems
            .extend(measured.problems.iter().map(problem_row));

        self.add_time(&measured.timings, &image.path);
        for map in &measurement.maps {
            part.images.push(ImageRow::new(image, map));
            for region in &map.regions {
                part.regions.push(RegionRow::new(image, map, region));
            }
        }
        let content = measurement.image.content_hash.clone();
        match measured.fresh {
            Some(inference) => part.fresh.push((content, inference)),
            None => part.used.push(content),
        }
    }

    /// Adds the time of one image.
    pub fn add_time(&mut self, timings: &Timings, path: &str) {
        self.timings.add(timings);
        let time = timings.total();
        if time > self.slowest.0 {
            self.slowest = (time, path.to_owned());
        }
    }

    /// Milliseconds per stage, over all workers and the writer.
    pub fn stages_ms(&self) -> BTreeMap<String, f64> {
        let timings = &self.timings;
        let stages = [
            ("read", timings.read),
            ("decode", timings.decode),
            ("fingerprint", timings.fingerprint),
            ("preprocess", timings.preprocess),
            ("infer", timings.infer),
            ("score", timings.score),
            ("store", self.stored),
        ];
        let in_ms = stages.map(|(name, time)| (name.to_owned(), time.as_secs_f64() * 1e3));
        BTreeMap::from(in_ms)
    }
}

pub fn problem_row(problem: &HandledProblem) -> ProblemRow {
    ProblemRow {
        path: problem.path.clone(),
        code: problem.code.to_owned(),
        severity: problem.action.name().to_owned(),
        place: problem.place.clone(),
        message: problem.message.clone(),
        count: u32::try_from(problem.count).unwrap_or(u32::MAX),
    }
}
