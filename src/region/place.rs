//! All regions of one image.

use super::annotated::of_category;
use super::fixed::{fixed, outside};
use crate::dataset::Annotation;
use crate::geometry::{Rect, Shape, Size, View};
use crate::plan::{Place, Region, RegionKind};

/// Narrower bars are rounding errors of the view's scale, not padding.
const PADDING_MIN: f64 = 1e-6;

/// What a region is to the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Object,
    Confounder,
    /// The place of a picture that interventions lay over photos.
    Overlay,
    /// Letterbox bars, where no heat is expected.
    Padding,
}

impl Kind {
    /// The kind as tables spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Confounder => "confounder",
            Self::Overlay => "overlay",
            Self::Padding => "padding",
        }
    }
}

/// A region in one image.
#[derive(Debug, Clone)]
pub struct Placed<'a> {
    pub name: &'a str,
    pub kind: Kind,
    /// Whether the image shows the region; `None` if that is unknown.
    pub present: Option<bool>,
    /// In view coordinates, not clipped; `None` if the region is absent.
    pub shape: Option<Shape>,
}

/// Places every declared region, and the padding if the view has any.
pub fn place<'a>(
    regions: &'a [Region],
    annotations: &[Annotation],
    view: &View,
) -> Vec<Placed<'a>> {
    let mut placed: Vec<Placed<'a>> = regions
        .iter()
        .map(|region| place_one(region, annotations, view))
        .collect();

    let bars = padding(view);
    if !bars.is_empty() {
        placed.push(Placed {
            name: "padding",
            kind: Kind::Padding,
            present: Some(true),
            shape: Some(Shape::Rects(bars)),
        });
    }
    placed
}

fn place_one<'a>(region: &'a Region, annotations: &[Annotation], view: &View) -> Placed<'a> {
    let kind = match (region.kind, &region.place) {
        (RegionKind::Object, _) => Kind::Object,
        (RegionKind::Confounder, Place::Overlay { .. }) => Kind::Overlay,
        (RegionKind::Confounder, _) => Kind::Confounder,
    };

    let (present, shape) = match &region.place {
        Place::Annotation { category } => {
            let shape = of_category(annotations, category, view);
            (Some(shape.is_some()), shape)
        }
        place => (None, Some(fixed(place, view))),
    };
    Placed {
        name: &region.name,
        kind,
        present,
        shape,
    }
}

/// The part of the view that does not show the photo.
fn padding(view: &View) -> Vec<Rect> {
    let Some(content) = view.content() else {
        return Vec::new();
    };
    outside(view.size.rect(), content)
        .into_iter()
        .filter(|bar| bar.width().min(bar.height()) > PADDING_MIN)
        .collect()
}

/// The mirror images of a region within the view that overlap neither the region nor an object.
pub fn mirrors(shape: &Shape, objects: Option<&Shape>, view: Size) -> Vec<Shape> {
    let mut occupied = shape.bounds();
    if let Some(objects) = objects {
        occupied.extend(objects.bounds());
    }

    let mut free = Vec::new();
    for (across, down) in [(true, false), (false, true), (true, true)] {
        let mirrored = shape.mirrored(view, across, down);
        if !overlaps(&mirrored.bounds(), &occupied) {
            free.push(mirrored);
        }
    }
    free
}

fn overlaps(rects: &[Rect], others: &[Rect]) -> bool {
    rects
        .iter()
        .any(|rect| others.iter().any(|other| rect.intersect(*other).is_some()))
}
