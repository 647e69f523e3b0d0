//! What the shards of a run add up to, in the order of the dataset, and the rows of a shard on their way to the writer.

use super::image::Scored;
use super::see::Timings;
use crate::aggregate::Classes;
use crate::dataset::Noted;
use crate::evidence::Evidence;
use crate::plan::Plan;
use crate::record::{ImageRow, ProblemRow, RegionRow, SkipRow};
use crate::store::Memory;
use std::collections::BTreeMap;
use std::time::Duration;

/// What the shards add up to.
#[derive(Default)]
pub struct Totals {
    pub classes: Classes,
    pub evidence: Evidence,
    pub skipped: Vec<SkipRow>,
    pub problems: Vec<ProblemRow>,
    pub scored: usize,
    pub invariant_error: f64,
    pub timings: Timings,
    /// Time of the writer, off the workers' way.
    pub stored: Duration,
    /// Longest time of one image, and which.
    pub slowest: (Duration, String),
    pub content: blake3::Hasher,
}

/// An image that gave no rows, and what was odd about its annotations.
pub type Unscored = (SkipRow, Vec<Noted>);

/// The rows of a shard on their way to the writer.
pub struct Part {
    pub images: Vec<ImageRow>,
    pub regions: Vec<RegionRow>,
    pub fresh: Vec<(String, Memory)>,
    pub used: Vec<String>,
}

impl Totals {
    /// Takes a shard's results in order; returns its rows.
    pub fn add(&mut self, shard: Vec<Result<Scored, Unscored>>, plan: &Plan) -> Part {
        let mut part = Part {
            images: vec![],
            regions: vec![],
            fresh: vec![],
            used: vec![],
        };
        for result in shard {
            match result {
                Err((skip, noted)) => {
                    self.skipped.push(skip);
                    self.problems.extend(noted.iter().map(problem_row));
                }
                Ok(mut scored) => {
                    let own = scored.regions.len() / scored.images.len().max(1);
                    self.classes
                        .add(&scored.images[0], &scored.regions[..own], &plan.scores);
                    self.evidence.add(
                        &scored.images,
                        &scored.regions,
                        plan.model.trained_on(scored.images[0].split.as_deref()),
                    );
                    self.content
                        .update(scored.images[0].content_hash.as_bytes());
                    self.invariant_error = self.invariant_error.max(scored.invariant_error);
                    self.timings.add(&scored.timings);
                    if scored.timings.total() > self.slowest.0 {
                        self.slowest = (scored.timings.total(), scored.images[0].path.clone());
                    }
                    self.problems
                        .extend(scored.problems.iter().map(problem_row));
                    self.scored += 1;
                    part.images.append(&mut scored.images);
                    part.regions.append(&mut scored.regions);
                    match scored.fresh {
                        Some(memory) => part.fresh.push((scored.content, memory)),
                        None => part.used.push(scored.content),
                    }
                }
            }
        }
        part
    }
}

/// Milliseconds per stage, over all workers and the writer.
pub fn stages(totals: &Totals) -> BTreeMap<&'static str, f64> {
    let t = &totals.timings;
    let stages = [
        ("read", t.read),
        ("decode", t.decode),
        ("fingerprint", t.fingerprint),
        ("preprocess", t.preprocess),
        ("infer", t.infer),
        ("score", t.score),
        ("store", totals.stored),
    ];
    stages
        .into_iter()
        .map(|(name, time)| (name, time.as_secs_f64() * 1e3))
        .collect()
}

pub fn problem_row(noted: &Noted) -> ProblemRow {
    ProblemRow {
        path: noted.path.clone(),
        code: noted.code.to_owned(),
        severity: noted.severity.name().to_owned(),
        place: noted.place.clone(),
        message: noted.message.clone(),
    }
}
