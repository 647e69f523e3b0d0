//! Presence without annotations: a column of the manifest, a template, or every image. Each becomes
//! an annotation of the region's own name, so that the rest of the audit knows one kind of presence
//! only.

use super::worker::Worker;
use crate::dataset::{Annotation, Outline, Sample};
use crate::error::Result;
use crate::geometry::Rect;
use crate::plan::{Presence, Region, Template};

/// A template found in a photo: index of the region in the plan, and the place in fractions of the
/// photo.
pub type TemplatePlace = (usize, Rect);

/// Whether any region is found by a template.
pub fn needs_search(regions: &[Region]) -> bool {
    regions
        .iter()
        .any(|region| matches!(region.presence, Presence::Template(_)))
}

/// Adds the annotations that presence amounts to; `places` are the templates found in the photo.
pub fn annotate(regions: &[Region], sample: &mut Sample, places: &[TemplatePlace]) {
    for (index, region) in regions.iter().enumerate() {
        let place = match &region.presence {
            Presence::Annotated => None,
            Presence::Always { area } => Some(*area),
            Presence::Column { name, area } => sample.flags.contains(name).then_some(*area),
            Presence::Template(_) => {
                let found = places.iter().find(|(region, _)| *region == index);
                found.map(|(_, place)| *place)
            }
        };
        if let Some(place) = place {
            sample.annotations.push(Annotation {
                category: region.name.clone(),
                outline: Outline::Box(place),
                normalised: true,
                ignore: false,
                upright: true,
            });
        }
    }
}

/// Searches one photo for the template of every region that has one.
///
/// # Errors
/// The first error of `locate`.
pub fn search<E>(
    regions: &[Region],
    mut locate: impl FnMut(&Template) -> Result<Option<Rect>, E>,
) -> Result<Vec<TemplatePlace>, E> {
    let mut places = Vec::new();
    for (index, region) in regions.iter().enumerate() {
        if let Presence::Template(template) = &region.presence
            && let Some(place) = locate(template)?
        {
            places.push((index, place));
        }
    }
    Ok(places)
}

/// The sample with the annotations that presence amounts to. Templates are not found in a photo
/// that cannot be decoded.
pub fn annotated(regions: &[Region], worker: &mut Worker<'_>, mut sample: Sample) -> Sample {
    let places = search(regions, |template| {
        worker.locate_template(&sample, template)
    });
    annotate(regions, &mut sample, &places.unwrap_or_default());
    sample
}
