//! Found pictures that the pipeline declares as regions: where the region is reported, the picture
//! is no finding of its own.

use super::on_objects::overlap;
use super::regions::{FoundRegion, Known};
use super::search::Search;
use crate::audit::presence;
use crate::audit::worker::Worker;
use crate::dataset::Sample;
use crate::error::{Result, Skip};
use crate::finding::Finding;
use crate::geometry::Rect;
use crate::plan::{Place, Region, RegionKind, Verdicts};
use crate::region;
use std::collections::BTreeMap;

/// Images whose places are compared.
const COMPARED: usize = 20;
/// Least part of a found picture in a declared region, and of the region in the picture, from which
/// both are one thing.
const FOUND_MIN: f64 = 0.5;
const REGION_MIN: f64 = 0.2;
/// Part of the matching images that may lack the region by the pipeline: with more, the declared
/// region has too little of the picture to speak for it.
const LACKING_MAX: f64 = 0.1;

/// A found picture that is at the place of a declared region, in images of one class.
pub struct AlreadyDeclared {
    /// Among the found pictures.
    pub index: usize,
    pub class: u32,
    /// Name of the declared region, and of the picture.
    pub region: String,
    pub name: String,
    /// Images of the class that show the picture.
    pub matching: usize,
    /// Those of them that lack the region by the pipeline.
    pub lacking: Vec<u128>,
    /// The finding about the region speaks for the picture, too.
    pub is_listed_once: bool,
}

/// The found pictures that are declared regions, by class. `declared` are the findings about
/// declared regions.
///
/// # Errors
/// When the run is asked to stop.
pub fn already_declared(
    search: &Search<'_, '_>,
    declared: &[Finding],
    samples: &BTreeMap<u128, Sample>,
    found: &[FoundRegion],
    known: &Known,
) -> Result<Vec<AlreadyDeclared>> {
    let policy = &search.context.plan.verdict;
    let mut already = Vec::new();
    for region in &search.context.plan.regions {
        let Some(category) = category(region) else {
            continue;
        };
        let presence = search.evidence.presence(&region.name);
        let has_region = |id: &&u128| presence.get(*id) == Some(&true);
        for (index, found) in found.iter().enumerate() {
            for class in found.classes.keys() {
                let is_of_class = |id: &&u128| known.get(*id).is_some_and(|k| k.0 == *class);
                let matching = found.places.keys().filter(is_of_class);
                let (with, lacking): (Vec<&u128>, Vec<&u128>) = matching.partition(has_region);
                if !is_at_same_place(search, samples, category, found, &with)? {
                    continue;
                }
                let matching = with.len() + lacking.len();
                let is_complete = lacking.len() as f64 <= LACKING_MAX * matching as f64;
                let mut declared = declared.iter();
                let declared = declared.find(|f| f.class == *class && f.region == region.name);
                already.push(AlreadyDeclared {
                    index,
                    class: *class,
                    region: region.name.clone(),
                    name: found.name.clone(),
                    matching,
                    lacking: lacking.into_iter().copied().collect(),
                    is_listed_once: is_complete
                        && declared.is_some_and(|f| stands_for(f, matching, policy)),
                });
            }
        }
    }
    Ok(already)
}

/// Whether a finding about a declared region says what one about the same picture would: it is
/// reported, and C was run, or too few images match for that.
fn stands_for(finding: &Finding, matching: usize, policy: &Verdicts) -> bool {
    let evidence = finding.confounder();
    let is_tested = evidence.is_some_and(|evidence| evidence.intervention.is_some());
    let is_testable = matching >= policy.proof_min as usize;
    finding.verdict.is_reported() && (is_tested || !is_testable)
}

/// The category of the annotations of a confounder with presence information.
fn category(region: &Region) -> Option<&str> {
    match (region.kind, &region.place) {
        (RegionKind::Confounder, Place::Annotation { category }) => Some(category),
        _ => None,
    }
}

/// Whether most of some images that show both have the found picture in the region.
fn is_at_same_place(
    search: &Search<'_, '_>,
    samples: &BTreeMap<u128, Sample>,
    category: &str,
    found: &FoundRegion,
    images: &[&u128],
) -> Result<bool> {
    let mut shown = Vec::new();
    for id in images {
        if let (Some(sample), Some(places)) = (samples.get(*id), found.places.get(*id)) {
            shown.push((sample, places.as_slice()));
        }
    }
    let step = shown.len().div_ceil(COMPARED).max(1);
    let shown: Vec<(&Sample, &[Rect])> = shown.into_iter().step_by(step).collect();

    let regions = &search.context.plan.regions;
    let compared = search.pool.map(shown, |worker, (sample, places)| {
        Ok(is_there(worker, regions, sample, category, places).ok())
    })?;
    let compared: Vec<bool> = compared.into_iter().flatten().collect();
    let there = compared.iter().filter(|is_there| **is_there).count();
    Ok(2 * there > compared.len())
}

/// Whether the places of a found picture in one image are those of the region.
fn is_there(
    worker: &mut Worker<'_>,
    regions: &[Region],
    sample: &Sample,
    category: &str,
    places: &[Rect],
) -> Result<bool, Skip> {
    let photo = worker.decode_sample(sample)?;
    let mut sample = presence::annotated(regions, worker, sample.clone());
    sample.fit(photo.size, photo.transpose);
    let shape = region::annotated(&sample.annotations, category, photo.size);
    Ok(shape.is_some_and(|shape| {
        let overlap = overlap(places, &shape, photo.size);
        overlap.of_places() >= FOUND_MIN && overlap.of_shape() >= REGION_MIN
    }))
}
