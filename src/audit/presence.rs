//! Presence that no annotation tells: a column of the manifest, a picture that is looked for, or every image. Each becomes an
//! annotation of the region's own name, so that everything behind it knows one kind of presence only.

use super::crew::Crew;
use super::image::Auditor;
use crate::dataset::{Annotation, Dataset, Outline, Sample};
use crate::error::{Result, Skip};
use crate::geometry::Rect;
use crate::plan::{Presence, Region};
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
        let wanted = auditor.plan.regions.iter().enumerate().filter_map(|(i, r)| match &r.presence {
            Presence::Template(template) => Some((i, template.clone(), format!("{template:?}"))),
            _ => None,
        });
        let wanted: Vec<_> = wanted.collect();
        let mut found = Self::default();
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let mut samples = dataset.samples(auditor.labels)?.filter_map(std::result::Result::ok);
        loop {
            let shard: Vec<Sample> = samples.by_ref().take(auditor.plan.run.shard_size).collect();
            if shard.is_empty() {
                break;
            }
            let places = crew.each(auditor, shard, |worker, sample| {
                let (mut places, mut lost) = (Vec::new(), None);
                for (i, template, name) in &wanted {
                    match worker.find(&sample.source, template, name) {
                        Ok(place) => places.extend(place.map(|place| (*i, place))),
                        // What is wrong with a photo itself is told when it is audited; the time may suffice then.
                        Err(skip) => lost = lost.or(Some(skip).filter(|s| s.reason == "timeout")),
                    }
                }
                Ok((sample.id.clone(), places, lost))
            })?;
            auditor.cache.iter().for_each(|cache| crew.keep(cache));
            for (id, places, lost) in places {
                found.lost.extend(lost.map(|skip| (id.clone(), skip)));
                found.places.extend(Some((id, places)).filter(|(_, places)| !places.is_empty()));
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
        let found = self.places.get(&sample.id).map_or(&[][..], Vec::as_slice);
        for (i, region) in regions.iter().enumerate() {
            let place = match &region.presence {
                Presence::Annotated => None,
                Presence::Always { area } => Some(*area),
                Presence::Column { name, area } => sample.flags.contains(name).then_some(*area),
                Presence::Template(_) => found.iter().find(|(at, _)| *at == i).map(|(_, place)| *place),
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
}
