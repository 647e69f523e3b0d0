//! Regions and objects that annotations outline.

use super::raster::raster;
use crate::dataset::{Annotation, Outline};
use crate::geometry::{Mask, Rect, Shape, Size, View};
use crate::plan::{Place, Region, RegionKind};

/// The annotations of a category in pixels of the photo.
pub fn annotated(annotations: &[Annotation], category: &str, photo: Size) -> Option<Shape> {
    of_category(annotations, category, &View::identity(photo))
}

/// The annotations of a category in view coordinates.
pub fn of_category(annotations: &[Annotation], category: &str, view: &View) -> Option<Shape> {
    union(annotations, view, |a| a.category == category && !a.ignore)
}

/// The objects of an image, alone and together with the ignored regions.
pub struct Objects {
    pub objects: Shape,
    /// `None` if the image has no ignored regions.
    pub with_ignored: Option<Shape>,
}

/// The objects of an image in view coordinates; `None` if it has none.
///
/// Objects are the annotations of its label or without a category, unless a confounder names their
/// category, and the annotations of categories that an `object` region names.
pub fn objects(
    regions: &[Region],
    label: &str,
    annotations: &[Annotation],
    view: &View,
) -> Option<Objects> {
    let objects = union(annotations, view, |a| is_object(a, label, regions))?;

    let mut with_ignored = None;
    if annotations.iter().any(|a| a.ignore) {
        with_ignored = union(annotations, view, |a| {
            a.ignore || is_object(a, label, regions)
        });
    }
    Some(Objects {
        objects,
        with_ignored,
    })
}

fn is_object(annotation: &Annotation, label: &str, regions: &[Region]) -> bool {
    if annotation.ignore {
        return false;
    }
    let category = annotation.category.as_str();
    if is_declared(regions, RegionKind::Object, category) {
        return true;
    }
    let fits_label = category.is_empty() || category == label;
    fits_label && !is_declared(regions, RegionKind::Confounder, category)
}

/// Whether a region of this kind is the annotations of this category.
fn is_declared(regions: &[Region], kind: RegionKind, category: &str) -> bool {
    regions.iter().any(|region| match &region.place {
        Place::Annotation { category: name } => region.kind == kind && name == category,
        _ => false,
    })
}

/// The union of selected annotations, clipped to the photo, in view coordinates.
///
/// Rectangles if all of them are boxes, else a mask; `None` if nothing is selected or visible.
fn union(
    annotations: &[Annotation],
    view: &View,
    is_selected: impl Fn(&Annotation) -> bool,
) -> Option<Shape> {
    let outlines: Vec<Outline> = annotations
        .iter()
        .filter(|a| is_selected(a))
        .map(|a| a.pixels(view.original))
        .collect();

    let mut boxes: Vec<Rect> = Vec::new();
    let mut masks: Vec<&Mask> = Vec::new();
    for outline in &outlines {
        match outline {
            Outline::Box(rect) => boxes.push(*rect),
            Outline::Pixels(mask) => masks.push(mask),
            Outline::Polygons(_) => {}
        }
    }
    if boxes.len() == outlines.len() {
        return visible_boxes(&boxes, view);
    }

    let mask = Mask::union(&masks).map(|mask| Mask {
        frame: view.rect(mask.frame),
        ..mask
    });
    if masks.len() == outlines.len() {
        return mask.map(Shape::Mask);
    }

    let polygons: Vec<Vec<[f64; 2]>> = outlines.iter().flat_map(|o| polygons(o, view)).collect();
    raster(&polygons, mask.as_ref())
}

fn visible_boxes(boxes: &[Rect], view: &View) -> Option<Shape> {
    let photo = view.original.rect();
    let rects: Vec<Rect> = boxes
        .iter()
        .filter_map(|rect| rect.intersect(photo))
        .map(|rect| view.rect(rect))
        .collect();
    (!rects.is_empty()).then_some(Shape::Rects(rects))
}

/// A box or polygons as rings in view coordinates, clipped to the photo; pixels have none.
fn polygons(outline: &Outline, view: &View) -> Vec<Vec<[f64; 2]>> {
    match outline {
        Outline::Box(r) => {
            let corners = [[r.x0, r.y0], [r.x1, r.y0], [r.x1, r.y1], [r.x0, r.y1]];
            vec![clipped(&corners, view)]
        }
        Outline::Polygons(rings) => rings.iter().map(|ring| clipped(ring, view)).collect(),
        Outline::Pixels(_) => Vec::new(),
    }
}

/// Points clamped to the photo, in view coordinates.
fn clipped(ring: &[[f64; 2]], view: &View) -> Vec<[f64; 2]> {
    let photo = view.original.rect();
    ring.iter()
        .map(|[x, y]| {
            let x = x.clamp(photo.x0, photo.x1);
            let y = y.clamp(photo.y0, photo.y1);
            view.point([x, y])
        })
        .collect()
}
