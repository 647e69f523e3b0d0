//! The photos that a region is cut from, and where it lies in them.

use crate::dataset::Sample;
use crate::geometry::{Rect, Shape, Size, View};

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
