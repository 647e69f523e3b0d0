//! Whether a found picture lies on the objects that the dataset annotates: then many images repeat
//! what the class looks like, and no confounder.

use crate::dataset::Sample;
use crate::finding::{Finding, Severity, Unmet, Verdict};
use crate::geometry::{Rect, Shape, Size, View, disjoint};
use crate::plan::Region;
use crate::region;
use std::collections::BTreeMap;

/// Part of a picture on the objects from which it cannot be told from them.
const PART_MAX: f64 = 0.5;

/// Parts of found regions that lie on the objects of their images, by class and region.
#[derive(Default)]
pub struct OnObjects(BTreeMap<(u32, String), Vec<f64>>);

impl OnObjects {
    pub fn add(&mut self, class: u32, region: &str, part: f64) {
        let parts = self.0.entry((class, region.to_owned())).or_default();
        parts.push(part);
    }

    /// The median; `None` where no image of the class that shows the region has objects.
    fn median(&self, class: u32, region: &str) -> Option<f64> {
        let mut parts = self.0.get(&(class, region.to_owned()))?.clone();
        parts.sort_by(f64::total_cmp);
        parts.get(parts.len() / 2).copied()
    }

    /// A picture on the objects is at most a candidate, whatever an intervention says: pasting it
    /// pastes the object.
    pub fn limit(&self, finding: &mut Finding) {
        let part = self.median(finding.class, &finding.region);
        let Some(part) = part.filter(|part| *part > PART_MAX) else {
            return;
        };
        finding.unmet.push(Unmet::OnObjects {
            part,
            max: PART_MAX,
        });
        if finding.verdict == Verdict::Confirmed {
            finding.verdict = Verdict::Candidate;
            finding.severity = None::<Severity>;
        }
    }
}

/// The part of places, in fractions of the photo, that lies on the objects of an image; `None`
/// where the image has no objects.
pub fn part_on_objects(
    places: &[Rect],
    sample: &Sample,
    size: Size,
    regions: &[Region],
) -> Option<f64> {
    let view = View::identity(size);
    let objects = region::objects(regions, &sample.label, &sample.annotations, &view)?;
    Some(overlap(places, &objects.objects, size).of_places())
}

/// What places and a shape have in common, in square pixels.
pub struct Overlap {
    common: f64,
    places: f64,
    shape: f64,
}

impl Overlap {
    /// The part of the places that lies in the shape.
    pub fn of_places(&self) -> f64 {
        self.common / self.places
    }

    /// The part of the shape that lies in the places.
    pub fn of_shape(&self) -> f64 {
        self.common / self.shape
    }
}

/// The overlap of places, in fractions of the photo, with a shape in its pixels; of a mask the
/// rectangle around it counts.
pub fn overlap(places: &[Rect], shape: &Shape, size: Size) -> Overlap {
    let parts = disjoint(&shape.bounds());
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let mut overlap = Overlap {
        common: 0.0,
        places: 0.0,
        shape: parts.iter().map(|part| part.area()).sum(),
    };
    for place in places {
        let place = Rect::new(
            place.x0 * width,
            place.y0 * height,
            place.x1 * width,
            place.y1 * height,
        );
        overlap.places += place.area();
        for part in &parts {
            overlap.common += part.intersect(place).map_or(0.0, Rect::area);
        }
    }
    overlap
}
