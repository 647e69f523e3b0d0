//! The photos that a region is cut from, and where it lies in them.

use super::confounder::ConfounderTest;
use crate::audit::worker::Worker;
use crate::dataset::Sample;
use crate::error::Skip;
use crate::geometry::{Rect, Shape, Size, View};
use crate::input::Photo;
use crate::region;

/// Part of a region that must be inside of a photo that it is moved to.
const INSIDE_MIN: f64 = 0.5;

/// A tagged photo that the region is cut from.
pub struct Donor<'t> {
    pub sample: &'t Sample,
    pub size: Size,
    /// The region, in pixels of the photo.
    pub region: Shape,
    pub objects: Option<Shape>,
}

/// What lies in a photo, in its pixels.
pub struct PhotoPlaces {
    pub region: Option<Shape>,
    pub objects: Option<Shape>,
}

impl ConfounderTest<'_, '_> {
    /// `None` where the region is outside of the photo.
    ///
    /// # Errors
    /// A skip where the photo cannot be read.
    pub fn donor<'s>(
        &self,
        worker: &mut Worker<'_>,
        sample: &'s Sample,
    ) -> Result<Option<Donor<'s>>, Skip> {
        let photo = worker.decode_sample(sample)?;
        let places = self.places(sample, &photo);
        Ok(places.region.map(|region| Donor {
            sample,
            size: photo.size,
            region,
            objects: places.objects,
        }))
    }

    /// Where region and objects lie in a photo.
    pub fn places(&self, sample: &Sample, photo: &Photo) -> PhotoPlaces {
        let plan = self.context.plan;
        let mut sample = sample.clone();
        sample.fit(photo.size, photo.transpose);

        let view = View::identity(photo.size);
        let annotations = &sample.annotations;
        let objects = region::objects(&plan.regions, &sample.label, annotations, &view);
        PhotoPlaces {
            region: region::annotated(annotations, self.category, photo.size),
            objects: objects.map(|objects| objects.objects),
        }
    }
}

impl Donor<'_> {
    /// The region at the same place of another photo: relative to the objects where both photos
    /// have some, else to the photo. `None` where most of it is outside.
    pub fn region_in(&self, size: Size, objects: Option<&Shape>) -> Option<Shape> {
        let of_both = self.objects.as_ref().zip(objects);
        let (from, to) = match of_both {
            Some((own, other)) => (around(own), around(other)),
            None => (self.size.rect(), size.rect()),
        };
        let moved = self.region.map(&View::between(self.size, from, size, to));

        let bounds = around(&moved);
        let inside = bounds.intersect(size.rect())?;
        (inside.area() >= INSIDE_MIN * bounds.area()).then_some(moved)
    }
}

/// The smallest rectangle around a shape.
fn around(shape: &Shape) -> Rect {
    let mut corners = Vec::new();
    for rect in shape.bounds() {
        corners.extend([[rect.x0, rect.y0], [rect.x1, rect.y1]]);
    }
    Rect::around(&corners)
}
