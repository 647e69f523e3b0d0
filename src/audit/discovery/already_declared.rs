//! Found pictures that the pipeline declares as regions: these are tested and listed as declared.

use super::on_objects::part_covered;
use super::regions::{FoundRegion, Known};
use super::search::Search;
use crate::audit::presence;
use crate::audit::worker::Worker;
use crate::dataset::Sample;
use crate::error::{Result, Skip};
use crate::evidence::fisher_greater;
use crate::finding::GroupCount;
use crate::geometry::Rect;
use crate::plan::{Place, Region, RegionKind};
use crate::region;
use std::collections::BTreeMap;

/// Images whose places are compared.
const COMPARED: usize = 20;
/// Part of a found place in the declared region from which both are one thing.
const PART_MIN: f64 = 0.5;

/// A found picture that is a declared region.
pub struct AlreadyDeclared {
    /// Name of the declared region.
    pub region: String,
    /// Images that show the picture and lack the region, by the pipeline.
    pub without: Vec<u128>,
}

/// By index, the found pictures that are declared regions: these are associated with the same
/// class, and most images show them at the same place.
///
/// # Errors
/// When the run is asked to stop.
pub fn already_declared(
    search: &Search<'_, '_>,
    samples: &BTreeMap<u128, Sample>,
    found: &[FoundRegion],
    known: &Known,
) -> Result<BTreeMap<usize, AlreadyDeclared>> {
    let mut declared = BTreeMap::new();
    for (index, found) in found.iter().enumerate() {
        for region in &search.context.plan.regions {
            let Some(category) = category(region) else {
                continue;
            };
            let presence = search.evidence.presence(&region.name);
            if !is_associated(&presence, search, found, known)
                || !is_at_same_place(search, samples, category, found, known)?
            {
                continue;
            }
            let without = found.places.keys().copied();
            let without = without.filter(|id| presence.get(id) == Some(&false));
            let already = AlreadyDeclared {
                region: region.name.clone(),
                without: without.collect(),
            };
            declared.insert(index, already);
            break;
        }
    }
    Ok(declared)
}

/// The category of the annotations of a confounder with presence information.
fn category(region: &Region) -> Option<&str> {
    match (region.kind, &region.place) {
        (RegionKind::Confounder, Place::Annotation { category }) => Some(category),
        _ => None,
    }
}

/// Whether a declared region is associated with a class of the find, in the sampled images.
fn is_associated(
    presence: &BTreeMap<u128, bool>,
    search: &Search<'_, '_>,
    found: &FoundRegion,
    known: &Known,
) -> bool {
    let (mut in_classes, mut in_others) = (GroupCount::default(), GroupCount::default());
    for (id, (class, _)) in known {
        let Some(present) = presence.get(id) else {
            continue;
        };
        let count = match found.classes.contains_key(class) {
            true => &mut in_classes,
            false => &mut in_others,
        };
        count.present += u32::from(*present);
        count.groups += 1;
    }
    fisher_greater(in_classes, in_others) <= search.context.plan.verdict.screening_q
}

/// Whether most of the images of the classes that show the find have the region there.
fn is_at_same_place(
    search: &Search<'_, '_>,
    samples: &BTreeMap<u128, Sample>,
    category: &str,
    found: &FoundRegion,
    known: &Known,
) -> Result<bool> {
    let mut shown = Vec::new();
    for (id, places) in &found.places {
        let class = known.get(id).map(|(class, _)| class);
        let is_of_class = class.is_some_and(|class| found.classes.contains_key(class));
        if let Some(sample) = samples.get(id).filter(|_| is_of_class) {
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

/// Whether the places of a find in one image lie in the region.
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
    Ok(shape.is_some_and(|shape| part_covered(places, &shape, photo.size) >= PART_MIN))
}
