//! Presence that no annotation tells: a column of the manifest, a picture that is looked for, or every image. Each becomes an
//! annotation of the region's own name, so that everything behind it knows one kind of presence only.

use super::crew::Crew;
use super::image::Auditor;
use crate::dataset::{Annotation, Dataset, Outline, Sample};
use crate::error::{Result, Skip};
use crate::geometry::Rect;
use crate::plan::{Presence, Region, Template};
use std::collections::BTreeMap;

/// What the search for pictures gave, by image id.
#[derive(Debug, Default)]
pub struct Found {
    /// Region (its index in the plan) and place in fractions of the photo.
    places: BTreeMap<String, Vec<(usize, Rect)>>,
    /// Images that took too long; absence was not told.
    lost: BTreeMap<String, Skip>,
}

impl Found {
    /// Looks for every declared picture in every photo; 60 bytes are kept of each that shows one.
    ///
    /// # Errors
    /// When the dataset can no longer be read, or the run is asked to stop.
    pub fn new<'a>(auditor: &Auditor<'a>, crew: &Crew<'a>, dataset: &Dataset) -> Result<Self> {
        let mut found = Self::default();
        if auditor
            .plan
            .regions
            .iter()
            .all(|r| !matches!(r.presence, Presence::Template(_)))
        {
            return Ok(found);
        }
        let mut samples = dataset
            .samples(auditor.labels)?
            .filter_map(std::result::Result::ok);
        loop {
            let shard: Vec<Sample> = samples.by_ref().take(auditor.plan.run.shard_size).collect();
            if shard.is_empty() {
                break;
            }
            let places = crew.each(auditor, shard, |worker, sample| {
                let places = search(&auditor.plan.regions, |template| {
                    worker.find(&sample.source, template)
                });
                Ok((sample.id, places))
            })?;
            auditor.cache.iter().for_each(|cache| crew.keep(cache));
            for (id, places) in places {
                match places {
                    Ok(places) if places.is_empty() => {}
                    Ok(places) => drop(found.places.insert(id, places)),
                    // What is wrong with a photo itself is told when it is audited; the time may suffice then.
                    Err(skip) if skip.reason == "timeout" => drop(found.lost.insert(id, skip)),
                    Err(_) => {}
                }
            }
        }
        Ok(found)
    }

    /// Why an image was not searched.
    pub fn lost(&self, id: &str) -> Option<&Skip> {
        self.lost.get(id)
    }

    /// Adds the annotations that presence amounts to.
    pub fn annotate(&self, regions: &[Region], sample: &mut Sample) {
        annotate(
            regions,
            sample,
            self.places.get(&sample.id).map_or(&[][..], Vec::as_slice),
        );
    }
}

/// Adds the annotations that presence amounts to; `found` is where a search found the pictures of regions.
pub fn annotate(regions: &[Region], sample: &mut Sample, found: &[(usize, Rect)]) {
    for (i, region) in regions.iter().enumerate() {
        let place = match &region.presence {
            Presence::Annotated => None,
            Presence::Always { area } => Some(*area),
            Presence::Column { name, area } => sample.flags.contains(name).then_some(*area),
            Presence::Template(_) => found
                .iter()
                .find(|(at, _)| *at == i)
                .map(|(_, place)| *place),
        };
        sample.annotations.extend(place.map(|place| Annotation {
            category: region.name.clone(),
            outline: Outline::Box(place),
            normalised: true,
            ignore: false,
            upright: true,
        }));
    }
}

/// Looks for the picture of every region that has one, in one photo: the region's index and the place in fractions of it.
///
/// # Errors
/// Of `find`, the first.
pub fn search<E>(
    regions: &[Region],
    mut find: impl FnMut(&Template) -> std::result::Result<Option<Rect>, E>,
) -> std::result::Result<Vec<(usize, Rect)>, E> {
    let mut places = Vec::new();
    for (i, region) in regions.iter().enumerate() {
        if let Presence::Template(template) = &region.presence {
            places.extend(find(template)?.map(|place| (i, place)));
        }
    }
    Ok(places)
}
